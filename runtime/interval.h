// Interval: ticks in a fixed rhythm, which what is done between them does not
// shift.
//
//   Interval interval(100ms);
//   for (;;) {
//     EDDY_CO_TRY(const Interval::Tick tick, co_await interval.Next());
//     if (tick.skipped != 0) ...  // what is done takes longer than 100 ms
//     ...
//   }
//
// Ticks are due at first, first + period, first + 2 * period, ...; the first
// one a period after the construction, or when the caller says. Missed says
// what becomes of ticks that are due while the task does other things.
//
// Result: Next() waits until a tick is due, never less, and gives the time at
// which it was due and the number of ticks that were skipped just before it.
// Where the tick is due already, the loop has a turn all the same.
// Errors: kCanceled when a stop is requested before or meanwhile; then no tick
// is taken, and the next Next() gives it.
// Lifetime: an Interval may be copied and moved, but not while its Next() is
// awaited. REQUIRES: one Next() at a time; period > 0. Violations abort.
// Cost: as SleepUntil; no allocation, no system call. With kSkip and kDelay the
// clock is read once a tick, with kBurst never.
#ifndef EDDY_RUNTIME_INTERVAL_H_
#define EDDY_RUNTIME_INTERVAL_H_

#include <eddy/runtime/misuse.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/time.h>
#include <eddy/runtime/timer.h>

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace eddy {

class Interval {
 public:
  enum class Missed : std::uint8_t {
    // Each tick is given, those that are overdue one right after the other.
    kBurst,
    // Of the ticks that are overdue only the last is given, with the number of
    // those before it. The rhythm stays.
    kSkip,
    // A period is counted from when the tick before was given: at least a
    // period lies between two ticks, none is skipped, and the rhythm shifts by
    // as much as each tick is late.
    kDelay,
  };

  struct Tick {
    TimePoint due;
    std::uint64_t skipped = 0;
  };

  // A period is rounded up to nanoseconds, and down to what the clock can tell.
  template <class Rep, class Period>
  explicit Interval(std::chrono::duration<Rep, Period> period,
                    Missed missed = Missed::kSkip) noexcept
      : Interval(After(Clock::now(), period), period, missed) {}

  // The first tick is due at `first`, which may have passed.
  template <class Rep, class Period>
  Interval(TimePoint first, std::chrono::duration<Rep, Period> period,
           Missed missed = Missed::kSkip) noexcept
      : next_(first),
        period_(After(TimePoint(), period) - TimePoint()),
        missed_(missed) {
    if (period_ <= Duration::zero()) [[unlikely]] {
      internal::Misuse("the period of an Interval is not above zero");
    }
  }

  class [[nodiscard]] NextAwaiter final : public internal::TimedWait {
   public:
    [[nodiscard]] Result<Tick> await_resume() const noexcept {
      const Result<void> slept = TimeResult();
      if (!slept) return Unexpected(slept.error());
      if (interval_->next_ != deadline()) [[unlikely]] {
        internal::Misuse(
            "Next of an Interval was awaited while another Next is in "
            "progress; give each task an Interval of its own");
      }
      return interval_->Take();
    }

    const char* name() const noexcept override { return "Interval"; }

   private:
    friend class Interval;
    explicit NextAwaiter(Interval& interval) noexcept
        : TimedWait(interval.next_), interval_(&interval) {}

    Interval* interval_;
  };

  // `co_await interval.Next()` waits for the next tick.
  NextAwaiter Next() noexcept { return NextAwaiter(*this); }

  Duration period() const noexcept { return period_; }

 private:
  // `start` + period_, or kNoDeadline.
  TimePoint PeriodAfter(TimePoint start) const noexcept {
    return start > kNoDeadline - period_ ? kNoDeadline : start + period_;
  }

  // The tick that is due, and on to the one after it.
  Tick Take() noexcept {
    Tick tick{next_};
    switch (missed_) {
      case Missed::kBurst:
        break;
      case Missed::kSkip: {
        const TimePoint now = std::max(Clock::now(), next_);
        // Unsigned: the first tick may be further back than a Duration goes.
        const std::uint64_t late = Ticks(now) - Ticks(next_);
        const auto period = static_cast<std::uint64_t>(period_.count());
        tick.skipped = late / period;
        tick.due = now - Duration(static_cast<Duration::rep>(late % period));
        break;
      }
      case Missed::kDelay:
        next_ = PeriodAfter(std::max(Clock::now(), next_));
        return tick;
    }
    next_ = PeriodAfter(tick.due);
    return tick;
  }
  static std::uint64_t Ticks(TimePoint time) noexcept {
    return static_cast<std::uint64_t>(time.time_since_epoch().count());
  }

  TimePoint next_;
  Duration period_;
  Missed missed_;
};

}  // namespace eddy

#endif  // EDDY_RUNTIME_INTERVAL_H_
