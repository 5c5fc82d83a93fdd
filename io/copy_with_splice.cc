#include <eddy/io/copy_with_splice.h>

#include <eddy/io/copy.h>
#include <eddy/io/read_exactly.h>
#include <eddy/io/splice.h>
#include <eddy/io/write_all.h>
#include <eddy/runtime/reactor.h>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <span>
#include <system_error>

namespace eddy::io {
namespace {

struct Pipe {
  Fd reader;
  Fd writer;
};

Result<Pipe> MakePipe(std::size_t size) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    return Unexpected(Error::FromErrno(errno));
  }
  // Where it may not be so large it stays as it is: parts are smaller then.
  static_cast<void>(fcntl(ends[1], F_SETPIPE_SZ, static_cast<int>(size)));
  return Pipe{Fd(ends[0]), Fd(ends[1])};
}

bool CannotSplice(Error error) {
  return error == std::errc::invalid_argument ||
         error == std::errc::function_not_supported ||
         error == std::errc::operation_not_supported;
}

// What is in the pipe already, when `to` turns out to take no splice.
Task<Result<void>> Empty(const Fd& reader, std::size_t size, const Fd& to,
                         std::uint64_t& total) {
  const auto memory = std::make_unique_for_overwrite<std::byte[]>(size);
  const std::span buffer(memory.get(), size);
  EDDY_CO_CHECK(co_await ReadExactly(reader, buffer));
  std::size_t written = 0;
  const Result<void> result = co_await WriteAll(to, buffer, &written);
  total += written;
  co_return result;
}

// Copy, after `total` bytes.
Task<Result<std::uint64_t>> GoOnWithCopy(const Fd& from, const Fd& to,
                                         std::uint64_t& total) {
  const std::uint64_t before = total;
  std::uint64_t rest = 0;
  const Result<std::uint64_t> result = co_await Copy(from, to, &rest);
  total = before + rest;
  if (!result) co_return Unexpected(result.error());
  co_return total;
}

}  // namespace

Task<Result<std::uint64_t>> CopyWithSplice(const Fd& from, const Fd& to,
                                           std::uint64_t* copied,
                                           std::size_t pipe_size) {
  std::uint64_t ignored = 0;
  std::uint64_t& total = copied != nullptr ? *copied : ignored;
  total = 0;
  if (pipe_size == 0) co_return Unexpected(std::errc::invalid_argument);
  pipe_size = std::min(pipe_size, std::size_t{1} << 30);
  EDDY_CO_TRY(Pipe pipe, MakePipe(pipe_size));
  while (true) {
    const Result<std::size_t> in =
        co_await Splice(from, pipe.writer, pipe_size);
    if (!in && CannotSplice(in.error())) {
      co_return co_await GoOnWithCopy(from, to, total);
    }
    if (!in) co_return Unexpected(in.error());
    if (*in == 0) co_return total;
    for (std::size_t left = *in; left != 0;) {
      const Result<std::size_t> out = co_await Splice(pipe.reader, to, left);
      if (!out && CannotSplice(out.error())) {
        EDDY_CO_CHECK(co_await Empty(pipe.reader, left, to, total));
        co_return co_await GoOnWithCopy(from, to, total);
      }
      if (!out) co_return Unexpected(out.error());
      if (*out == 0) co_return Unexpected(std::errc::io_error);
      left -= *out;
      total += *out;
    }
  }
}

}  // namespace eddy::io
