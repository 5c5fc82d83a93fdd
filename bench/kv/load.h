// The load of a key-value server, by the Redis protocol or by memcached's text
// protocol: a fixed number of connections, each with a number of commands under
// way, in a closed loop.
#ifndef EDDY_BENCH_KV_LOAD_H_
#define EDDY_BENCH_KV_LOAD_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "bench/lib/load.h"

namespace eddy::bench {

enum class KvProtocol { kRedis, kMemcached };
enum class KvCommand { kGet, kSet, kIncrement };

struct KvOptions {
  std::uint16_t port = 0;  // on the loopback address
  KvProtocol protocol = KvProtocol::kRedis;
  KvCommand command = KvCommand::kGet;
  std::size_t clients = 50;
  std::size_t pipeline = 1;  // commands sent together on a connection
  std::size_t keys = 10'000;
  std::size_t value_size = 64;
};

// Sets all keys first, of values and of counters.
// Errors: a refused, closed or silent connection, or a wrong answer (the first
// of each connection is compared byte by byte, but for a counter's; of the
// others, the first byte and the number of lines).
absl::StatusOr<std::unique_ptr<Load>> ConnectKv(const KvOptions& options);

}  // namespace eddy::bench

#endif  // EDDY_BENCH_KV_LOAD_H_
