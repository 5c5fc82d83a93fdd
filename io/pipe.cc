#include <eddy/io/pipe.h>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <limits>
#include <system_error>

namespace eddy::io {

Result<Pipe> Pipe::Create(const PipeOptions& options) {
  if (options.capacity > std::numeric_limits<int>::max()) {
    return Unexpected(std::errc::invalid_argument);
  }
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return Unexpected(Error::FromErrno(errno));
  Pipe pipe;
  pipe.reader = PipeReader(Fd(ends[0]));
  pipe.writer = PipeWriter(Fd(ends[1]));
  if (options.capacity != 0) {
    const int capacity = static_cast<int>(options.capacity);
    if (fcntl(ends[1], F_SETPIPE_SZ, capacity) < 0) {
      return Unexpected(Error::FromErrno(errno));
    }
  }
  return pipe;
}

}  // namespace eddy::io
