// When each request of an open loop is to be sent: at a constant rate, whatever
// the server does. Latencies that are counted from these times have no
// coordinated omission: while a server stands still, requests go on falling
// due, and each of them has waited.

#ifndef EDDY_BENCH_LOAD_SCHEDULE_H_
#define EDDY_BENCH_LOAD_SCHEDULE_H_

#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace eddy::bench {

// The share of one of `connections` connections in `rate` requests a second.
// They take turns, so that all together send at even distances.
class Schedule {
 public:
  Schedule(double rate, std::size_t connection, std::size_t connections)
      : first_(1e9 / rate * static_cast<double>(connection)),
        distance_(1e9 / rate * static_cast<double>(connections)) {}

  // The time of the connection's request number `index`, from 0 on, after the
  // start. Computed afresh each time: nothing adds up to a drift.
  std::chrono::nanoseconds Due(std::uint64_t index) const {
    return std::chrono::nanoseconds(static_cast<std::int64_t>(
        std::round(first_ + (distance_ * static_cast<double>(index)))));
  }

  // How many requests are due before `time`.
  std::uint64_t CountBefore(std::chrono::nanoseconds time) const {
    const double after_first = static_cast<double>(time.count()) - first_;
    if (after_first <= 0) return 0;
    auto count = static_cast<std::uint64_t>(std::ceil(after_first / distance_));
    // What rounding has moved over the border.
    while (count > 0 && Due(count - 1) >= time) --count;
    while (Due(count) < time) ++count;
    return count;
  }

 private:
  double first_;     // nanoseconds
  double distance_;  // nanoseconds
};

}  // namespace eddy::bench

#endif  // EDDY_BENCH_LOAD_SCHEDULE_H_
