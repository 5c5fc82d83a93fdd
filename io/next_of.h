// NextOf: the awaiter of a stream's next element, where the stream is a
// MultishotOperation on a descriptor.
#ifndef EDDY_IO_NEXT_OF_H_
#define EDDY_IO_NEXT_OF_H_

#include <eddy/io/fd.h>
#include <eddy/runtime/await_budget.h>
#include <eddy/runtime/result.h>

#include <coroutine>
#include <utility>

namespace eddy::io::internal {

// `Operation` has set_fd(int), and Take(), which gives a Result of an element.
template <class Operation>
class [[nodiscard]] NextOf {
 public:
  // The descriptor stays with its Fd until the await returns.
  NextOf(Operation& operation, const Fd& fd) noexcept
      : operation_(&operation), fd_(&fd) {}
  // An await that fails, because there is no operation.
  explicit NextOf(Error error) noexcept : error_(error) {}

  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> consumer) noexcept {
    if (operation_ == nullptr) {
      return eddy::internal::AwaitBudget::Spend(consumer.promise());
    }
    fd_->Pin();
    operation_->set_fd(fd_->get());
    return operation_->Await(consumer);
  }
  [[nodiscard]] auto await_resume() const
      -> decltype(std::declval<Operation&>().Take()) {
    if (operation_ == nullptr) return Unexpected(error_);
    fd_->Unpin();
    if (!operation_->EndAwait()) return Unexpected(kCanceled);
    return operation_->Take();
  }

 private:
  Operation* operation_ = nullptr;
  const Fd* fd_ = nullptr;
  Error error_ = kCanceled;
};

}  // namespace eddy::io::internal

#endif  // EDDY_IO_NEXT_OF_H_
