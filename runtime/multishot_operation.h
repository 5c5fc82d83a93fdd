// MultishotOperation: one entry that completes again and again, also while
// nobody awaits it: accept, receive and poll without asking each time.
//
// It is submitted when a coroutine waits for an element and none is there, and
// stays with the kernel from then on. What it brings is kept by the derived
// class until it is asked for. The consumer's awaiter calls Await; a derived
// class says how the entry is prepared, takes what a completion brings, and
// tells whether there is an element.
//
// Invariants:
//  1. It lives in a block of its own. Its owner lets it go with Abandon; it is
//     then cancelled, and deletes itself when the kernel has completed it.
//  2. One coroutine waits at a time. It goes on when there is an element, or,
//     stopped, when the operation is in flight no more. After a stop elements
//     that came are given first.
//  3. Where it ended without an element (no buffers, a full completion queue)
//     and a coroutine waits, it is submitted again, from the loop: a completion
//     may take no SQE.
//  4. In the reactor's list while it is in flight and has an owner. The end of
//     the reactor cancels what is in there.
//  5. While it is in flight it belongs to the reactor that has submitted it:
//     letting it go elsewhere aborts.
#ifndef EDDY_RUNTIME_MULTISHOT_OPERATION_H_
#define EDDY_RUNTIME_MULTISHOT_OPERATION_H_

#include <eddy/runtime/frame_pool.h>
#include <eddy/runtime/intrusive_list.h>
#include <eddy/runtime/operation.h>

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

namespace eddy::internal {

class MultishotOperation : public Operation,
                           public ListHook<MultishotOperation> {
 public:
  // Ends what the owner had, at once; what the kernel may still bring is
  // dropped. Aborts where a coroutine waits.
  void Abandon() noexcept;

  // What an awaiter's await_suspend returns. In its await_resume EndAwait tells
  // whether there is an element; if not, a stop ended the wait.
  template <class Promise>
  bool Await(std::coroutine_handle<Promise> consumer) noexcept {
    static_assert(std::is_base_of_v<PromiseBase, Promise>,
                  "an operation can be awaited only in a coroutine of eddy");
    return Await(static_cast<PromiseBase&>(consumer.promise()));
  }
  bool EndAwait() noexcept {
    awaited_ = stopped_ = false;
    return HasElement();
  }

  static void* operator new(std::size_t size) {
    return FramePool::Allocate(size);
  }
  static void operator delete(void* memory, std::size_t size) noexcept {
    FramePool::Free(memory, size);
  }

  // Asks the kernel to end it, where it is in flight.
  void RequestEnd() noexcept;

  void Complete(std::int32_t result, std::uint32_t flags) noexcept final;
  void Cancel() noexcept final;
  void Continue() noexcept final;

 protected:
  MultishotOperation() noexcept = default;
  virtual ~MultishotOperation();

  virtual void Prepare(io_uring_sqe* sqe) noexcept = 0;
  // Keeps what a completion brought; ECANCELED is no element. Takes no SQE.
  virtual void Deliver(std::int32_t result, std::uint32_t flags) noexcept = 0;
  virtual bool HasElement() const noexcept = 0;
  // False where it cannot be submitted now; ContinueLater() is called when that
  // changes, or ForgetWait() when nobody waits any more.
  virtual bool MaySubmit() noexcept { return true; }
  virtual void ForgetWait() noexcept {}

  // Continue() will be called before the kernel is entered.
  void ContinueLater() noexcept;
  // Ends the operation until an element is waited for again, where IsBehind()
  // is still true when the consumer has had its turn.
  void Pause() noexcept;
  virtual bool IsBehind() const noexcept { return true; }

 private:
  bool Await(PromiseBase& consumer) noexcept;
  void Submit() noexcept;
  bool waits() const noexcept;

  // Of the last entry.
  const Reactor* reactor_ = nullptr;
  // From Await to EndAwait.
  bool awaited_ = false;
  bool stopped_ = false;
  bool pausing_ = false;
  bool continues_ = false;
  bool abandoned_ = false;
};

// What owns one.
struct AbandonMultishot {
  void operator()(MultishotOperation* operation) const noexcept {
    operation->Abandon();
  }
};
template <class T>
using MultishotPtr = std::unique_ptr<T, AbandonMultishot>;

}  // namespace eddy::internal

#endif  // EDDY_RUNTIME_MULTISHOT_OPERATION_H_
