// The floor's timers: what an event loop keeps its deadlines in where it has no
// wheel. Both take O(log n) to add and to expire.
#ifndef EDDY_BENCH_MICRO_FLOOR_TIMERS_H_
#define EDDY_BENCH_MICRO_FLOOR_TIMERS_H_

#include <eddy/runtime/time.h>

#include <coroutine>
#include <cstddef>
#include <map>
#include <vector>

#include "bench/micro/floor.h"

namespace floor_types {

// A binary heap in a vector; a timer knows its position, so that it can be
// removed. Asio and libuv keep theirs so.
class HeapTimers {
 public:
  class Timer {
   protected:
    ~Timer() = default;

   private:
    friend class HeapTimers;
    virtual void Expire() noexcept = 0;
    std::size_t position_ = 0;
  };

  void Add(Timer& timer, eddy::TimePoint deadline) {
    heap_.emplace_back();
    Rise(heap_.size() - 1, {deadline, &timer});
  }
  void Remove(Timer& timer) noexcept {
    const std::size_t hole = timer.position_;
    const Entry last = heap_.back();
    heap_.pop_back();
    if (hole == heap_.size()) return;
    if (hole != 0 && last.deadline < heap_[Parent(hole)].deadline) {
      Rise(hole, last);
    } else {
      Sink(hole, last);
    }
  }
  void Advance(eddy::TimePoint now) noexcept {
    while (!heap_.empty() && heap_.front().deadline <= now) {
      Timer& timer = *heap_.front().timer;
      Remove(timer);
      timer.Expire();
    }
  }

 private:
  struct Entry {
    eddy::TimePoint deadline;
    Timer* timer = nullptr;
  };

  static std::size_t Parent(std::size_t position) noexcept {
    return (position - 1) / 2;
  }
  void Put(std::size_t position, const Entry& entry) noexcept {
    heap_[position] = entry;
    entry.timer->position_ = position;
  }
  // Put the entry at the position or above it, and at the position or below it.
  void Rise(std::size_t position, const Entry& entry) noexcept {
    while (position != 0 && entry.deadline < heap_[Parent(position)].deadline) {
      Put(position, heap_[Parent(position)]);
      position = Parent(position);
    }
    Put(position, entry);
  }
  void Sink(std::size_t position, const Entry& entry) noexcept {
    for (;;) {
      std::size_t child = (2 * position) + 1;
      if (child >= heap_.size()) break;
      if (child + 1 < heap_.size() &&
          heap_[child + 1].deadline < heap_[child].deadline) {
        ++child;
      }
      if (entry.deadline <= heap_[child].deadline) break;
      Put(position, heap_[child]);
      position = child;
    }
    Put(position, entry);
  }

  std::vector<Entry> heap_;
};

// A red-black tree; a timer knows its node.
class MapTimers {
  class TimerBase;
  using Map = std::multimap<eddy::TimePoint, TimerBase*>;
  class TimerBase {
   protected:
    ~TimerBase() = default;

   private:
    friend class MapTimers;
    virtual void Expire() noexcept = 0;
    Map::iterator node_;
  };

 public:
  using Timer = TimerBase;

  void Add(Timer& timer, eddy::TimePoint deadline) {
    timer.node_ = map_.emplace(deadline, &timer);
  }
  void Remove(Timer& timer) noexcept { map_.erase(timer.node_); }
  void Advance(eddy::TimePoint now) noexcept {
    while (!map_.empty() && map_.begin()->first <= now) {
      Timer& timer = *map_.begin()->second;
      Remove(timer);
      timer.Expire();
    }
  }

 private:
  Map map_;
};

// Waits for a time. Whoever runs the queue advances the timers.
template <class Timers>
class SleepUntil : private Timers::Timer {
 public:
  SleepUntil(Queue& queue, Timers& timers, eddy::TimePoint deadline) noexcept
      : queue_(queue), timers_(timers), deadline_(deadline) {}

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiter) {
    waiter_ = waiter;
    timers_.Add(*this, deadline_);
  }
  void await_resume() const noexcept {}

 private:
  void Expire() noexcept override { queue_.Push(waiter_); }

  Queue& queue_;
  Timers& timers_;
  eddy::TimePoint deadline_;
  std::coroutine_handle<> waiter_;
};

// A loop that has nothing but timers.
template <class Timers>
void RunUntilDone(Queue& queue, Timers& timers, const Task& task) {
  while (!task.done()) {
    queue.RunReady();
    timers.Advance(eddy::Clock::now());
  }
}

}  // namespace floor_types

#endif  // EDDY_BENCH_MICRO_FLOOR_TIMERS_H_
