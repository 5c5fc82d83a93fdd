// The floor: the least that a task and a ready queue can do, written by hand.
//
// A task without context, stop, source location or thread check, its frame from
// one free list; a queue of handles in a ring; a counter for tasks that one
// coroutine waits for. What eddy costs beyond this is the price of what eddy
// adds.
#ifndef EDDY_BENCH_MICRO_FLOOR_H_
#define EDDY_BENCH_MICRO_FLOOR_H_

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

// What a task does at its end: it goes on with who awaits it.
struct ResumeWaiter {
  std::coroutine_handle<> waiter;
  std::coroutine_handle<> AtEnd() const noexcept { return waiter; }
};
// Several tasks that one coroutine waits for.
struct Group {
  std::size_t live = 0;
  std::coroutine_handle<> waiter;
};
// Or goes on with who waits for its group, if it is the last.
struct LeaveGroup {
  Group* group = nullptr;
  std::coroutine_handle<> AtEnd() const noexcept {
    if (--group->live != 0) return std::noop_coroutine();
    return group->waiter;
  }
};

// The ready queue: a ring of handles.
class Queue {
 public:
  void Push(std::coroutine_handle<> handle) noexcept {
    ring_[tail_++ % ring_.size()] = handle;
  }
  void RunReady() {
    while (head_ != tail_) ring_[head_++ % ring_.size()].resume();
  }
  template <class Coroutine>
  void RunUntilDone(const Coroutine& coroutine) {
    while (!coroutine.done()) ring_[head_++ % ring_.size()].resume();
  }

 private:
  std::array<std::coroutine_handle<>, 256> ring_;
  std::size_t head_ = 0;
  std::size_t tail_ = 0;
};

template <class End>
class BasicTask {
 public:
  struct promise_type {
    End end;
    long value = 0;

    static void* operator new(std::size_t size) {
      return Frames::Allocate(size);
    }
    static void operator delete(void* memory) noexcept { Frames::Free(memory); }

    BasicTask get_return_object() {
      return BasicTask(
          std::coroutine_handle<promise_type>::from_promise(*this));
    }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    auto final_suspend() const noexcept {
      struct Awaiter {
        bool await_ready() const noexcept { return false; }
        std::coroutine_handle<> await_suspend(
            std::coroutine_handle<promise_type> ended) const noexcept {
          return ended.promise().end.AtEnd();
        }
        void await_resume() const noexcept {}
      };
      return Awaiter{};
    }
    void return_value(long result) noexcept { value = result; }
    void unhandled_exception() noexcept { std::terminate(); }
  };

  BasicTask(BasicTask&& other) noexcept
      : coroutine_(std::exchange(other.coroutine_, nullptr)) {}
  ~BasicTask() {
    if (coroutine_) coroutine_.destroy();
  }

  bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(
      std::coroutine_handle<> waiter) const noexcept {
    coroutine_.promise().end.waiter = waiter;
    return coroutine_;
  }
  long await_resume() const noexcept { return value(); }

  // Runs until the first wait that does not end at once.
  void Start() {
    coroutine_.promise().end.waiter = std::noop_coroutine();
    coroutine_.resume();
  }
  bool done() const noexcept { return coroutine_.done(); }
  long value() const noexcept { return coroutine_.promise().value; }

  // To be run by the queue, and awaited with Join.
  void Spawn(Queue& queue) const noexcept {
    coroutine_.promise().end.waiter = std::noop_coroutine();
    queue.Push(coroutine_);
  }
  auto Join() const noexcept {
    struct Awaiter {
      std::coroutine_handle<promise_type> task;
      bool await_ready() const noexcept { return task.done(); }
      void await_suspend(std::coroutine_handle<> waiter) const noexcept {
        task.promise().end.waiter = waiter;
      }
      long await_resume() const noexcept { return task.promise().value; }
    };
    return Awaiter{coroutine_};
  }

  // To be run by the queue, and awaited with the others of the group.
  void Spawn(Queue& queue, Group& group) const noexcept {
    coroutine_.promise().end.group = &group;
    ++group.live;
    queue.Push(coroutine_);
  }

 private:
  explicit BasicTask(std::coroutine_handle<promise_type> coroutine) noexcept
      : coroutine_(coroutine) {}

  std::coroutine_handle<promise_type> coroutine_;
};

using Task = BasicTask<ResumeWaiter>;
using Member = BasicTask<LeaveGroup>;

struct Wait {
  Group& group;
  bool await_ready() const noexcept { return group.live == 0; }
  void await_suspend(std::coroutine_handle<> waiter) const noexcept {
    group.waiter = waiter;
  }
  void await_resume() const noexcept {}
};

struct Yield {
  Queue& queue;
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiter) const noexcept {
    queue.Push(waiter);
  }
  void await_resume() const noexcept {}
};

// A coroutine that yields numbers, one for each await of Next, without end.
class Numbers {
 public:
  struct promise_type {
    std::coroutine_handle<> consumer;
    long value = 0;

    static void* operator new(std::size_t size) {
      return Frames::Allocate(size);
    }
    static void operator delete(void* memory) noexcept { Frames::Free(memory); }

    Numbers get_return_object() {
      return Numbers(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    std::suspend_always final_suspend() const noexcept { return {}; }
    auto yield_value(long number) noexcept {
      struct Awaiter {
        bool await_ready() const noexcept { return false; }
        std::coroutine_handle<> await_suspend(
            std::coroutine_handle<promise_type> producer) const noexcept {
          return producer.promise().consumer;
        }
        void await_resume() const noexcept {}
      };
      value = number;
      return Awaiter{};
    }
    void return_void() noexcept {}
    void unhandled_exception() noexcept { std::terminate(); }
  };

  Numbers(const Numbers&) = delete;
  Numbers& operator=(const Numbers&) = delete;
  ~Numbers() { coroutine_.destroy(); }

  auto Next() const noexcept {
    struct Awaiter {
      std::coroutine_handle<promise_type> producer;
      bool await_ready() const noexcept { return false; }
      std::coroutine_handle<> await_suspend(
          std::coroutine_handle<> consumer) const noexcept {
        producer.promise().consumer = consumer;
        return producer;
      }
      long await_resume() const noexcept { return producer.promise().value; }
    };
    return Awaiter{coroutine_};
  }

 private:
  explicit Numbers(std::coroutine_handle<promise_type> coroutine) noexcept
      : coroutine_(coroutine) {}

  std::coroutine_handle<promise_type> coroutine_;
};

}  // namespace floor_types

#endif  // EDDY_BENCH_MICRO_FLOOR_H_
