// NameOperation: what the operations on names in folders have in common, such
// as RenameAt and UnlinkAt.
//
// The kernel has no way to change a name without waiting: a kernel worker
// carries them out, or, where the ring lacks the operation (before Linux 5.15
// some of them), a thread of the blocking pool.
//
// A verb gives its IORING_OP_* to the constructor, prepares an entry, and makes
// the system call. A path that is none (see PathView) is EINVAL.
#ifndef EDDY_IO_NAME_OPERATION_H_
#define EDDY_IO_NAME_OPERATION_H_

#include <eddy/io/fd.h>
#include <eddy/io/path_view.h>
#include <eddy/runtime/blocking_pool.h>
#include <eddy/runtime/operation.h>
#include <eddy/runtime/reply.h>
#include <eddy/runtime/result.h>

#include <coroutine>
#include <cstdint>
#include <utility>

namespace eddy::io {

class NameOperation : public Operation,
                      private eddy::internal::Reply,
                      private eddy::internal::BlockingJob {
 public:
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> waiter) noexcept {
    return Start(waiter.promise());
  }
  [[nodiscard]] Result<void> await_resume() const { return VoidResult(); }

  void Complete(std::int32_t result, std::uint32_t flags) noexcept final;
  void Cancel() noexcept final;

 protected:
  // A path or a folder and a path, twice where there is but one.
  NameOperation(unsigned opcode, const Fd& from_directory, PathView from,
                const Fd& to_directory, PathView to) noexcept
      : opcode_(opcode),
        from_directory_(&from_directory),
        to_directory_(&to_directory),
        from_(from.c_str()),
        to_(to.c_str()) {}
  NameOperation(NameOperation&& other) noexcept
      : Operation(std::move(other)),
        opcode_(other.opcode_),
        from_directory_(other.from_directory_),
        to_directory_(other.to_directory_),
        from_(other.from_),
        to_(other.to_) {}
  ~NameOperation() = default;

  int from_directory() const noexcept { return from_directory_->get(); }
  int to_directory() const noexcept { return to_directory_->get(); }
  const char* from() const noexcept { return from_; }
  const char* to() const noexcept { return to_; }

 private:
  virtual void Prepare(io_uring_sqe* sqe) const noexcept = 0;
  // On a thread of the pool: 0, or -1 and errno.
  virtual int Call() const noexcept = 0;

  bool Start(eddy::internal::PromiseBase& waiter) noexcept;
  Result<void> StartOnPool(eddy::internal::PromiseBase& waiter) noexcept;
  void Run() noexcept final;
  void SendBack(std::int32_t result) noexcept;
  void Arrived() noexcept final;

  const unsigned opcode_;
  std::int32_t result_of_call_ = 0;
  const Fd* from_directory_;
  const Fd* to_directory_;
  const char* from_;
  const char* to_;
};

}  // namespace eddy::io

#endif  // EDDY_IO_NAME_OPERATION_H_
