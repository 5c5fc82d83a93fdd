// PromiseBase: what every eddy coroutine carries, besides its result.
//
// Three words: who awaits this coroutine, the context that flows down the
// chain, and the source location of the current await. The last is one store
// of a constant per await; with the first it makes every suspended chain
// printable (Reactor::DumpTasks).
#ifndef EDDY_RUNTIME_PROMISE_H_
#define EDDY_RUNTIME_PROMISE_H_

#include <eddy/runtime/frame_pool.h>
#include <eddy/runtime/task_context.h>

#include <coroutine>
#include <cstddef>
#include <source_location>
#include <utility>

namespace eddy::internal {

class PromiseBase {
 public:
  // Null for the first coroutine of a chain.
  PromiseBase* parent = nullptr;
  // Null until the coroutine is started.
  TaskContext* context = nullptr;
  // Where the coroutine awaits, or awaited last.
  std::source_location where;

  static void* operator new(std::size_t size) {
    return FramePool::Allocate(size);
  }
  static void operator delete(void* memory, std::size_t size) noexcept {
    FramePool::Free(memory, size);
  }

  std::suspend_always initial_suspend() const noexcept { return {}; }

  struct FinalAwaiter {
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    std::coroutine_handle<> await_suspend(
        std::coroutine_handle<Promise> ended) const noexcept {
      PromiseBase& promise = ended.promise();
      if (promise.parent != nullptr) [[likely]] {
        return std::coroutine_handle<PromiseBase>::from_promise(
            *promise.parent);
      }
      return promise.context->ChainEnded();
    }
    void await_resume() const noexcept {}
  };
  FinalAwaiter final_suspend() const noexcept { return {}; }

  template <class Awaitable>
  Awaitable&& await_transform(
      Awaitable&& awaitable,
      std::source_location at = std::source_location::current()) noexcept {
    where = at;
    return std::forward<Awaitable>(awaitable);
  }

 protected:
  PromiseBase() noexcept = default;
  PromiseBase(const PromiseBase&) = delete;
  PromiseBase& operator=(const PromiseBase&) = delete;
  ~PromiseBase() = default;
};

}  // namespace eddy::internal

#endif  // EDDY_RUNTIME_PROMISE_H_
