#include <eddy/runtime/timer_wheel.h>

#include <algorithm>
#include <bit>

namespace eddy::internal {
namespace {

// NextWake looks at so many timers of a slot for their exact deadlines; beyond
// that, waking early and moving the timers down once is cheaper.
constexpr int kTimersLookedAt = 16;

}  // namespace

std::size_t TimerWheel::LevelOf(std::uint64_t ticks) const noexcept {
  const std::uint64_t difference = (ticks ^ now_) | (kSlots - 1);
  return static_cast<std::size_t>(63 - std::countl_zero(difference)) / kBits;
}

std::uint64_t TimerWheel::SlotStart(std::size_t level,
                                    std::size_t slot) const noexcept {
  const std::size_t shift = kBits * level;
  // At the highest level there are no bits above the slot's.
  const std::uint64_t above =
      level + 1 == kLevels ? 0 : now_ >> (shift + kBits) << (shift + kBits);
  return above | (static_cast<std::uint64_t>(slot) << shift);
}

void TimerWheel::Place(Timer& timer) noexcept {
  const std::uint64_t ticks = std::max(Ticks(timer.deadline_), now_);
  const std::size_t level = LevelOf(ticks);
  const std::size_t slot = SlotOf(ticks, level);
  slots_[level][slot].PushBack(timer);
  occupied_[level] |= std::uint64_t{1} << slot;
  occupied_levels_ |= std::uint32_t{1} << level;
}

void TimerWheel::Add(Timer& timer, TimePoint deadline) noexcept {
  timer.deadline_ = deadline;
  Place(timer);
}

void TimerWheel::Remove(Timer& timer) noexcept {
  // Time has passed since the timer was placed, but none of the bits that
  // placed it can have changed, or it would have moved down (invariant 1). Only
  // a timer added after its deadline is elsewhere: in the current slot.
  const std::uint64_t ticks = std::max(Ticks(timer.deadline_), now_);
  const std::size_t level = LevelOf(ticks);
  const std::size_t slot = SlotOf(ticks, level);
  timer.Unlink();
  if (slots_[level][slot].empty()) MarkEmpty(level, slot);
}

void TimerWheel::MarkEmpty(std::size_t level, std::size_t slot) noexcept {
  occupied_[level] &= ~(std::uint64_t{1} << slot);
  if (occupied_[level] == 0) occupied_levels_ &= ~(std::uint32_t{1} << level);
}

TimerWheel::Position TimerWheel::FirstSlot() const noexcept {
  const auto level =
      static_cast<std::size_t>(std::countr_zero(occupied_levels_));
  return {level, static_cast<std::size_t>(std::countr_zero(occupied_[level]))};
}

void TimerWheel::Advance(TimePoint now) noexcept {
  const std::uint64_t target = std::max(Ticks(now), now_);
  while (occupied_levels_ != 0) {
    const auto [level, slot] = FirstSlot();
    const std::uint64_t start = SlotStart(level, slot);
    if (start > target) break;
    now_ = start;
    IntrusiveList<Timer> due;
    due.Append(slots_[level][slot]);
    MarkEmpty(level, slot);
    while (!due.empty()) {
      Timer& timer = due.front();
      timer.Unlink();
      if (level == 0) {
        timer.Expire();
      } else {
        Place(timer);
      }
    }
  }
  now_ = target;
}

TimePoint TimerWheel::NextWake() const noexcept {
  if (empty()) return kNoDeadline;
  const auto [level, slot] = FirstSlot();
  const auto start =
      TimePoint(Duration(static_cast<Duration::rep>(SlotStart(level, slot))));
  if (level == 0) return start;
  TimePoint nearest = kNoDeadline;
  int looked_at = 0;
  for (const Timer& timer : slots_[level][slot]) {
    if (++looked_at > kTimersLookedAt) return start;
    nearest = std::min(nearest, timer.deadline_);
  }
  return nearest;
}

}  // namespace eddy::internal
