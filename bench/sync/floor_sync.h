// The floor's locks and channel: the least that can be done on the queue of
// floor.h. What they leave out: a stop, deadlines, a bound on what goes on
// without waiting, several that wait where one is enough here, and every check.
#ifndef EDDY_BENCH_SYNC_FLOOR_SYNC_H_
#define EDDY_BENCH_SYNC_FLOOR_SYNC_H_

#include <coroutine>
#include <cstddef>
#include <utility>
#include <vector>

#include "bench/micro/floor.h"

namespace floor_types {

// First come, first served.
class Mutex {
 public:
  explicit Mutex(Queue& queue) noexcept : queue_(queue) {}

  class LockAwaiter {
   public:
    explicit LockAwaiter(Mutex& mutex) noexcept : mutex_(mutex) {}
    bool await_ready() const noexcept {
      return !std::exchange(mutex_.locked_, true);
    }
    void await_suspend(std::coroutine_handle<> waiter) noexcept {
      waiter_ = waiter;
      *mutex_.last_ = this;
      mutex_.last_ = &next_;
    }
    void await_resume() const noexcept {}

   private:
    friend class Mutex;
    Mutex& mutex_;
    std::coroutine_handle<> waiter_;
    LockAwaiter* next_ = nullptr;
  };
  LockAwaiter Lock() noexcept { return LockAwaiter(*this); }

  void Unlock() noexcept {
    if (first_ == nullptr) {
      locked_ = false;
      return;
    }
    queue_.Push(first_->waiter_);
    first_ = first_->next_;
    if (first_ == nullptr) last_ = &first_;
  }

 private:
  Queue& queue_;
  bool locked_ = false;
  LockAwaiter* first_ = nullptr;
  LockAwaiter** last_ = &first_;
};

// A permit, for one that waits.
class Signal {
 public:
  explicit Signal(Queue& queue) noexcept : queue_(queue) {}

  void Set() noexcept {
    if (waiter_) {
      queue_.Push(std::exchange(waiter_, nullptr));
    } else {
      set_ = true;
    }
  }

  bool await_ready() noexcept { return std::exchange(set_, false); }
  void await_suspend(std::coroutine_handle<> waiter) noexcept {
    waiter_ = waiter;
  }
  void await_resume() const noexcept {}

 private:
  Queue& queue_;
  bool set_ = false;
  std::coroutine_handle<> waiter_;
};

// Of numbers, for one that sends and one that receives.
class Channel {
 public:
  Channel(Queue& queue, std::size_t capacity)
      : queue_(queue), ring_(capacity) {}

  struct SendAwaiter {
    Channel& channel;
    long value;

    bool await_ready() const noexcept { return !channel.full(); }
    void await_suspend(std::coroutine_handle<> waiter) const noexcept {
      channel.sender_ = waiter;
    }
    void await_resume() const noexcept {
      channel.ring_[channel.tail_++ % channel.ring_.size()] = value;
      channel.Wake(channel.receiver_);
    }
  };
  SendAwaiter Send(long value) noexcept { return {*this, value}; }

  struct ReceiveAwaiter {
    Channel& channel;

    bool await_ready() const noexcept { return !channel.empty(); }
    void await_suspend(std::coroutine_handle<> waiter) const noexcept {
      channel.receiver_ = waiter;
    }
    long await_resume() const noexcept {
      channel.Wake(channel.sender_);
      return channel.ring_[channel.head_++ % channel.ring_.size()];
    }
  };
  ReceiveAwaiter Receive() noexcept { return {*this}; }

 private:
  bool empty() const noexcept { return head_ == tail_; }
  bool full() const noexcept { return tail_ - head_ == ring_.size(); }
  void Wake(std::coroutine_handle<>& waiter) noexcept {
    if (waiter) queue_.Push(std::exchange(waiter, nullptr));
  }

  Queue& queue_;
  std::vector<long> ring_;
  std::size_t head_ = 0;
  std::size_t tail_ = 0;
  std::coroutine_handle<> sender_;
  std::coroutine_handle<> receiver_;
};

}  // namespace floor_types

#endif  // EDDY_BENCH_SYNC_FLOOR_SYNC_H_
