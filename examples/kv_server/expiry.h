// Expiry: the times that commands are given: in seconds or milliseconds, from
// now on or since 1970.
#ifndef EDDY_EXAMPLES_KV_SERVER_EXPIRY_H_
#define EDDY_EXAMPLES_KV_SERVER_EXPIRY_H_

#include <cstdint>
#include <limits>
#include <optional>

#include "examples/kv_server/shard.h"

namespace kv_server {

struct TimeUnit {
  std::int64_t milliseconds;  // 1 or 1000
  bool from_now;
};

// In ms since 1970; none where no number of 64 bits can tell it.
inline std::optional<Time> TimeOf(std::int64_t amount, TimeUnit unit,
                                  Time now) {
  constexpr Time kMost = std::numeric_limits<Time>::max();
  constexpr Time kLeast = std::numeric_limits<Time>::min();
  if (amount > kMost / unit.milliseconds ||
      amount < kLeast / unit.milliseconds) {
    return {};
  }
  const Time time = amount * unit.milliseconds;
  if (!unit.from_now) return time;
  if (time > kMost - now) return {};
  return time + now;
}

}  // namespace kv_server

#endif  // EDDY_EXAMPLES_KV_SERVER_EXPIRY_H_
