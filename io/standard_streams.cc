#include <eddy/io/standard_streams.h>

#include <eddy/io/fd.h>

#include <unistd.h>

namespace eddy::io {
namespace {

// Not closed at the end of its life.
class Borrowed {
 public:
  explicit Borrowed(int fd) noexcept : fd_(fd) {}
  ~Borrowed() { fd_.Release(); }
  Borrowed(const Borrowed&) = delete;
  Borrowed& operator=(const Borrowed&) = delete;

  const Fd& get() const noexcept { return fd_; }

 private:
  Fd fd_;
};

}  // namespace

SharedStream Stdin() noexcept {
  static thread_local const Borrowed fd(STDIN_FILENO);
  return SharedStream(fd.get());
}

SharedStream Stdout() noexcept {
  static thread_local const Borrowed fd(STDOUT_FILENO);
  return SharedStream(fd.get());
}

SharedStream Stderr() noexcept {
  static thread_local const Borrowed fd(STDERR_FILENO);
  return SharedStream(fd.get());
}

}  // namespace eddy::io
