// PoolCall: a system call on a descriptor that has no operation of the ring.
// FdPin keeps a descriptor from being closed meanwhile.
//
// `call(fd)` runs on the blocking pool, and is -1 and an errno, or not.
// Result, errors: those of the call; kCanceled, EAGAIN as Blocking.
// Lifetime: fd lives until the await returns; it is pinned meanwhile.
// Stop: a call that a thread has begun is awaited.
// Cost: a frame, and what Blocking costs.
#ifndef EDDY_FS_POOL_CALL_H_
#define EDDY_FS_POOL_CALL_H_

#include <eddy/io/fd.h>
#include <eddy/runtime/blocking.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>

#include <cerrno>

namespace eddy::fs::internal {

class FdPin {
 public:
  explicit FdPin(const io::Fd& fd) noexcept : fd_(fd) { fd_.Pin(); }
  ~FdPin() { fd_.Unpin(); }
  FdPin(const FdPin&) = delete;
  FdPin& operator=(const FdPin&) = delete;

 private:
  const io::Fd& fd_;
};

template <class Call>
Task<Result<void>> PoolCall(const io::Fd& fd, Call call) {
  const FdPin pin(fd);
  const auto run = [](Call f, int number) -> Result<void> {
    if (f(number) == -1) return Unexpected(Error::FromErrno(errno));
    return {};
  };
  co_return co_await Blocking(run, call, fd.get());
}

}  // namespace eddy::fs::internal

#endif  // EDDY_FS_POOL_CALL_H_
