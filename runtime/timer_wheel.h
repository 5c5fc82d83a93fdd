// TimerWheel: pending deadlines, exact to the nanosecond, without allocation.
//
// A hierarchical wheel: 11 levels of 64 slots, each level 64 times coarser than
// the one below. A timer sits at the level of the highest group of 6 bits in
// which its deadline differs from the wheel's current time, in the slot that
// those bits name. Adding and removing are O(1); when time reaches a slot of a
// higher level, its timers move down. A timer moves at most 10 times, most are
// removed (a timeout that was not needed) before they ever move.
//
// Invariants:
//  1. Every pending timer's slot starts after the current time, or the timer is
//     in the level-0 slot of the current time (it is due).
//  2. All timers at a lower level are due before all timers at a higher one,
//  and
//     within a level slots are due in their order.
//  3. A bit of occupied_ is set exactly if its slot is not empty.
#ifndef EDDY_RUNTIME_TIMER_WHEEL_H_
#define EDDY_RUNTIME_TIMER_WHEEL_H_

#include <eddy/runtime/intrusive_list.h>
#include <eddy/runtime/time.h>

#include <cstddef>
#include <cstdint>

namespace eddy::internal {

// Something that happens at a deadline. Stays in place while it is pending.
class Timer : public ListHook<Timer> {
 public:
  TimePoint deadline() const noexcept { return deadline_; }
  bool pending() const noexcept { return linked(); }

 protected:
  Timer() noexcept = default;
  ~Timer() = default;

 private:
  friend class TimerWheel;

  // The deadline has come; the timer is not pending any more. May add and
  // remove timers, this one too.
  virtual void Expire() noexcept = 0;

  TimePoint deadline_{};
};

class TimerWheel {
 public:
  explicit TimerWheel(TimePoint now) noexcept : now_(Ticks(now)) {}
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;

  bool empty() const noexcept { return occupied_levels_ == 0; }

  // Begins anew at a time, which may be before the current one.
  // REQUIRES: empty().
  void Restart(TimePoint now) noexcept { now_ = Ticks(now); }

  // Makes the timer pending; it expires in the first Advance(now) with
  // now >= deadline, those of one deadline in the order of Add.
  // REQUIRES: not pending.
  void Add(Timer& timer, TimePoint deadline) noexcept;

  // Takes back a pending timer.
  void Remove(Timer& timer) noexcept;

  // Expires what is due at `now`.
  void Advance(TimePoint now) noexcept;

  // When to call Advance next: the nearest deadline, or an earlier point at
  // which many timers have to move down. kNoDeadline if empty().
  TimePoint NextWake() const noexcept;

 private:
  static constexpr int kBits = 6;
  static constexpr std::size_t kSlots = std::size_t{1} << kBits;
  static constexpr std::size_t kLevels = 11;

  static std::uint64_t Ticks(TimePoint time) noexcept {
    const auto count = time.time_since_epoch().count();
    return count < 0 ? 0 : static_cast<std::uint64_t>(count);
  }
  static std::size_t SlotOf(std::uint64_t ticks, std::size_t level) noexcept {
    return (ticks >> (kBits * level)) & (kSlots - 1);
  }
  std::size_t LevelOf(std::uint64_t ticks) const noexcept;
  // The first time that belongs to a slot at or after the current time.
  std::uint64_t SlotStart(std::size_t level, std::size_t slot) const noexcept;

  struct Position {
    std::size_t level;
    std::size_t slot;
  };
  // The slot that is due first. REQUIRES: not empty().
  Position FirstSlot() const noexcept;
  void Place(Timer& timer) noexcept;
  void MarkEmpty(std::size_t level, std::size_t slot) noexcept;

  std::uint64_t now_;
  std::uint32_t occupied_levels_ = 0;
  std::uint64_t occupied_[kLevels] = {};
  IntrusiveList<Timer> slots_[kLevels][kSlots];
};

}  // namespace eddy::internal

#endif  // EDDY_RUNTIME_TIMER_WHEEL_H_
