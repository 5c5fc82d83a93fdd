// Concurrent: several awaitables that one await runs at the same time.
//
// What WhenAll and WhenAny share. Each awaitable becomes the first coroutine of
// a chain of its own, below the awaiting one:
//
//   the awaiting coroutine -> Concurrent -> child's context -> its Task
//                                        -> child's context -> its Task ...
//
// A Task is started as it is; anything else is awaited by a small coroutine.
// The frames are made before anything is awaited, so that starting cannot fail.
// The first child is started in place, the others go to the ready queue. Every
// child runs, also one that is stopped before its turn: what it awaits then
// answers kCanceled. The child that ends last resumes the awaiting coroutine,
// so nothing refers to a child's place when it goes.
#ifndef EDDY_RUNTIME_CONCURRENT_H_
#define EDDY_RUNTIME_CONCURRENT_H_

#include <eddy/runtime/attributes.h>
#include <eddy/runtime/await_budget.h>
#include <eddy/runtime/context_awaitable.h>
#include <eddy/runtime/frame_pool.h>
#include <eddy/runtime/reactor.h>
#include <eddy/runtime/suspension.h>
#include <eddy/runtime/task.h>
#include <eddy/runtime/task_context.h>

#include <coroutine>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <ranges>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

namespace eddy::internal {

// Not so a Task that the caller still has. A reference type for an lvalue.
template <class Awaitable>
inline constexpr bool kMayBeAwaited = !(
    std::is_reference_v<Awaitable> && kIsTask<std::remove_cvref_t<Awaitable>>);

// What stands for a result of type R in a variant or a vector.
template <class R>
struct KeptTrait {
  using Type = R;
};
template <>
struct KeptTrait<void> {
  using Type = std::monostate;
};
template <class T>
struct KeptTrait<T&> {
  using Type = std::reference_wrapper<T>;
};
template <class T>
struct KeptTrait<T&&> {
  using Type = T;
};
template <class R>
using Kept = typename KeptTrait<R>::Type;

// Awaits an lvalue that is an awaiter itself. (g++ 12 would copy it.)
template <class Awaiter>
class AwaiterReference {
 public:
  explicit AwaiterReference(Awaiter& awaiter) noexcept : awaiter_(awaiter) {}

  bool await_ready() { return awaiter_.await_ready(); }
  template <class Promise>
  auto await_suspend(std::coroutine_handle<Promise> waiter) {
    return awaiter_.await_suspend(waiter);
  }
  decltype(auto) await_resume() { return awaiter_.await_resume(); }

 private:
  Awaiter& awaiter_;
};

// Awaits what is no Task. `Awaitable` is a value, or a reference to an lvalue.
template <class R, class Awaitable>
Task<R> AwaitIt(Awaitable awaitable) {
  co_return co_await std::forward<Awaitable>(awaitable);
}

template <class Awaitable>
struct TaskOfTrait {
  using Result = AwaitResult<Awaitable>;
};
template <class T>
struct TaskOfTrait<Task<T>> {
  using Result = T;
};
// What awaiting an `Awaitable` gives; a reference type for an lvalue.
template <class Awaitable>
using ResultOf = typename TaskOfTrait<Awaitable>::Result;

template <class Awaitable>
EDDY_CORO_WRAPPER Task<ResultOf<Awaitable>> AsTask(Awaitable&& awaitable) {
  if constexpr (kIsTask<Awaitable>) {
    return std::forward<Awaitable>(awaitable);
  } else if constexpr (std::is_lvalue_reference_v<AwaiterOf<Awaitable>>) {
    using Reference = AwaiterReference<std::remove_reference_t<Awaitable>>;
    return AwaitIt<ResultOf<Awaitable>, Reference>(Reference(awaitable));
  } else {
    return AwaitIt<ResultOf<Awaitable>, Awaitable>(
        std::forward<Awaitable>(awaitable));
  }
}

// A range whose elements can be moved out: it owns them, or makes each.
template <class Range>
concept Consumable =
    !std::is_lvalue_reference_v<Range> &&
    !(std::ranges::view<Range> &&
      std::is_lvalue_reference_v<std::ranges::range_reference_t<Range&>>);
template <class Range>
using ElementOf = std::conditional_t<
    std::is_lvalue_reference_v<std::ranges::range_reference_t<Range&>>,
    std::ranges::range_value_t<Range>, std::ranges::range_reference_t<Range&>>;

class Concurrent;

// The context of one of the awaitables, and its place in the ready queue.
class ConcurrentChild : public TaskContext, public ReadyNode {
 protected:
  ConcurrentChild(Concurrent& owner, const TaskContext& parent) noexcept
      : TaskContext(&parent), owner_(owner) {}
  ~ConcurrentChild() = default;

  // The task has ended, and maybe failed before; returns what runs next.
  std::coroutine_handle<> Ended() noexcept;
  void Fail(std::exception_ptr exception) noexcept;

 private:
  friend class Concurrent;

  Concurrent& owner_;
  ConcurrentChild* next_ = nullptr;
  bool ended_ = false;
};

class Concurrent : public Suspension {
 public:
  void Cancel() noexcept final { StopChildren(); }
  void VisitContexts(ContextVisitor& visitor) const final;

 protected:
  // What the end of a first child means for the others, besides that an
  // exception always stops them.
  enum class FirstEnd { kIsNothingSpecial, kStopsTheOthers };

  explicit Concurrent(FirstEnd first_end) noexcept : first_end_(first_end) {}
  Concurrent(Concurrent&& other) noexcept
      : Suspension(std::move(other)), first_end_(other.first_end_) {}
  ~Concurrent() = default;

  // Children are added, in order, once the place of this object is final.
  void Add(ConcurrentChild& child) noexcept {
    if (last_ == nullptr) {
      first_ = &child;
    } else {
      last_->next_ = &child;
      child.reactor().Ready(child);
    }
    last_ = &child;
    ++live_;
  }
  // All are added: suspends the waiter, unless there is none. Returns what runs
  // next: the first child, or the waiter.
  std::coroutine_handle<> Start(PromiseBase& waiter) noexcept {
    auto next = std::coroutine_handle<PromiseBase>::from_promise(waiter);
    if (first_ != nullptr) {
      Suspend(waiter);
      next = std::exchange(first_->coroutine, nullptr);
    }
    if (AwaitBudget::Spend(next)) [[unlikely]] {
      return std::noop_coroutine();
    }
    return next;
  }

  void RethrowFailure() const {
    if (exception_) [[unlikely]] {
      std::rethrow_exception(exception_);
    }
  }

  // The first child that ended.
  const ConcurrentChild* winner() const noexcept { return winner_; }

 private:
  friend class ConcurrentChild;

  std::coroutine_handle<> ChildEnded(ConcurrentChild& child) noexcept {
    if (winner_ == nullptr) {
      winner_ = &child;
      if (first_end_ == FirstEnd::kStopsTheOthers) StopChildren();
    }
    if (--live_ != 0) return std::noop_coroutine();
    return Unsuspend(*waiter()->context);
  }
  void Fail(std::exception_ptr exception) noexcept;
  void StopChildren() noexcept;

  ConcurrentChild* first_ = nullptr;
  ConcurrentChild* last_ = nullptr;
  ConcurrentChild* winner_ = nullptr;
  std::size_t live_ = 0;
  std::exception_ptr exception_;
  FirstEnd first_end_;
};

inline std::coroutine_handle<> ConcurrentChild::Ended() noexcept {
  ended_ = true;
  return owner_.ChildEnded(*this);
}

// A task that is to run, and the child that it is once it runs. May be moved
// until then.
template <class R>
class ConcurrentSlot {
 public:
  explicit ConcurrentSlot(Task<R>&& task) noexcept : task_(std::move(task)) {}
  ConcurrentSlot(ConcurrentSlot&& other) noexcept
      : task_(std::move(other.task_)) {}

  ConcurrentChild& Begin(Concurrent& owner,
                         const TaskContext& parent) noexcept {
    return child_.emplace(task_, owner, parent);
  }
  bool Is(const ConcurrentChild* child) const noexcept {
    return &*child_ == child;
  }

  // The result of the ended task, which threw nothing.
  R TakeResult() { return TaskAccess::PromiseOf(task_).Take(); }
  Kept<R> Take() {
    if constexpr (std::is_void_v<R>) {
      return {};
    } else {
      return Kept<R>(TakeResult());
    }
  }

 private:
  class Child final : public ConcurrentChild {
   public:
    Child(Task<R>& task, Concurrent& owner, const TaskContext& parent) noexcept
        : ConcurrentChild(owner, parent), task_(task) {
      this->coroutine = TaskAccess::Begin(task, *this);
    }

    std::coroutine_handle<> ChainEnded() noexcept override {
      auto& promise = TaskAccess::PromiseOf(task_);
      if (promise.has_exception()) [[unlikely]] {
        this->Fail(promise.TakeException());
      }
      return this->Ended();
    }

   private:
    Task<R>& task_;
  };

  Task<R> task_;
  std::optional<Child> child_;
};

// A fixed number of them, known when the program is compiled.
template <class... R>
class ConcurrentTuple : public Concurrent {
 public:
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  std::coroutine_handle<> await_suspend(
      std::coroutine_handle<Promise> waiter) noexcept {
    PromiseBase& promise = waiter.promise();
    std::apply(
        [&](auto&... slot) {
          (this->Add(slot.Begin(*this, *promise.context)), ...);
        },
        slots_);
    return this->Start(promise);
  }

 protected:
  ConcurrentTuple(FirstEnd first_end, Task<R>&&... tasks) noexcept
      : Concurrent(first_end), slots_(std::move(tasks)...) {}
  ConcurrentTuple(ConcurrentTuple&&) noexcept = default;
  ~ConcurrentTuple() = default;

  std::tuple<ConcurrentSlot<R>...>& slots() noexcept { return slots_; }

 private:
  std::tuple<ConcurrentSlot<R>...> slots_;
};

// An array in a block of the frame pool, filled up to its size from the front.
template <class T>
class PoolArray {
  static_assert(alignof(T) <= alignof(std::max_align_t));

 public:
  explicit PoolArray(std::size_t capacity)
      : capacity_(capacity),
        data_(capacity == 0 ? nullptr
                            : static_cast<T*>(
                                  FramePool::Allocate(capacity * sizeof(T)))) {}
  PoolArray(PoolArray&& other) noexcept
      : capacity_(std::exchange(other.capacity_, 0)),
        size_(std::exchange(other.size_, 0)),
        data_(std::exchange(other.data_, nullptr)) {}
  PoolArray& operator=(PoolArray&&) = delete;
  ~PoolArray() {
    std::destroy_n(data_, size_);
    if (data_ != nullptr) FramePool::Free(data_, capacity_ * sizeof(T));
  }

  // REQUIRES: size() is below the capacity.
  template <class... Args>
  void EmplaceBack(Args&&... args) {
    std::construct_at(data_ + size_, std::forward<Args>(args)...);
    ++size_;
  }

  std::size_t size() const noexcept { return size_; }
  T& operator[](std::size_t index) noexcept { return data_[index]; }
  T* begin() noexcept { return data_; }
  T* end() noexcept { return data_ + size_; }

 private:
  std::size_t capacity_;
  std::size_t size_ = 0;
  T* data_;
};

// The slots of a range's elements.
template <class Range>
auto SlotsOf(Range range) {
  using Element = ElementOf<Range>;
  static_assert(
      std::ranges::forward_range<Range> || std::ranges::sized_range<Range>,
      "the range has to know how many awaitables it has");
  PoolArray<ConcurrentSlot<ResultOf<Element>>> slots(
      static_cast<std::size_t>(std::ranges::distance(range)));
  for (auto&& element : range) {
    slots.EmplaceBack(AsTask<Element>(static_cast<Element&&>(element)));
  }
  return slots;
}
template <class Range>
using RangeResultOf = ResultOf<ElementOf<Range>>;

// As many of them as a range had.
template <class R>
class ConcurrentArray : public Concurrent {
 public:
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  std::coroutine_handle<> await_suspend(
      std::coroutine_handle<Promise> waiter) noexcept {
    PromiseBase& promise = waiter.promise();
    for (ConcurrentSlot<R>& slot : slots_) {
      this->Add(slot.Begin(*this, *promise.context));
    }
    return this->Start(promise);
  }

 protected:
  ConcurrentArray(FirstEnd first_end,
                  PoolArray<ConcurrentSlot<R>> slots) noexcept
      : Concurrent(first_end), slots_(std::move(slots)) {}
  ConcurrentArray(ConcurrentArray&&) noexcept = default;
  ~ConcurrentArray() = default;

  PoolArray<ConcurrentSlot<R>>& slots() noexcept { return slots_; }

 private:
  PoolArray<ConcurrentSlot<R>> slots_;
};

}  // namespace eddy::internal

#endif  // EDDY_RUNTIME_CONCURRENT_H_
