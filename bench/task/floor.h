// The floor: the least that a task and a ready queue can do, written by hand.
//
// A task without context, stop, source location or thread check, its frame from
// one free list; a queue of handles in a ring. What eddy costs beyond this is
// the price of what eddy adds.
#ifndef EDDY_BENCH_TASK_FLOOR_H_
#define EDDY_BENCH_TASK_FLOOR_H_

#include <array>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <new>
#include <utility>

namespace floor_types {

// Frames of one size only: the benchmarks' coroutines fit.
class Frames {
 public:
  static void* Allocate(std::size_t size) {
    if (size > kSize) std::terminate();
    if (free_ == nullptr) return ::operator new(kSize);
    return std::exchange(free_, free_->next);
  }
  static void Free(void* memory) noexcept {
    free_ = ::new (memory) Node{free_};
  }

 private:
  static constexpr std::size_t kSize = 512;
  struct Node {
    Node* next;
  };
  static inline constinit thread_local Node* free_ = nullptr;
};

class Task {
 public:
  struct promise_type {
    std::coroutine_handle<> continuation;
    long value = 0;

    static void* operator new(std::size_t size) {
      return Frames::Allocate(size);
    }
    static void operator delete(void* memory) noexcept { Frames::Free(memory); }

    Task get_return_object() {
      return Task(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    auto final_suspend() const noexcept {
      struct Awaiter {
        bool await_ready() const noexcept { return false; }
        std::coroutine_handle<> await_suspend(
            std::coroutine_handle<promise_type> ended) const noexcept {
          return ended.promise().continuation;
        }
        void await_resume() const noexcept {}
      };
      return Awaiter{};
    }
    void return_value(long result) noexcept { value = result; }
    void unhandled_exception() noexcept { std::terminate(); }
  };

  Task(Task&& other) noexcept
      : coroutine_(std::exchange(other.coroutine_, nullptr)) {}
  ~Task() {
    if (coroutine_) coroutine_.destroy();
  }

  bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(
      std::coroutine_handle<> waiter) const noexcept {
    coroutine_.promise().continuation = waiter;
    return coroutine_;
  }
  long await_resume() const noexcept { return coroutine_.promise().value; }

  // Runs until the first wait that does not end at once.
  void Start() {
    coroutine_.promise().continuation = std::noop_coroutine();
    coroutine_.resume();
  }
  bool done() const noexcept { return coroutine_.done(); }

 private:
  explicit Task(std::coroutine_handle<promise_type> coroutine) noexcept
      : coroutine_(coroutine) {}

  std::coroutine_handle<promise_type> coroutine_;
};

// The ready queue: a ring of handles.
class Queue {
 public:
  void Push(std::coroutine_handle<> handle) noexcept {
    ring_[tail_++ % ring_.size()] = handle;
  }
  void RunUntilDone(const Task& task) {
    while (!task.done()) ring_[head_++ % ring_.size()].resume();
  }

 private:
  std::array<std::coroutine_handle<>, 256> ring_;
  std::size_t head_ = 0;
  std::size_t tail_ = 0;
};

struct Yield {
  Queue& queue;
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiter) const noexcept {
    queue.Push(waiter);
  }
  void await_resume() const noexcept {}
};

}  // namespace floor_types

#endif  // EDDY_BENCH_TASK_FLOOR_H_
