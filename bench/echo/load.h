// The load of an echo server: a fixed number of connections in a closed loop.
// Where the answer's size is another than the request's, the load of a server
// that takes much and says little, or the other way round.

#ifndef EDDY_BENCH_ECHO_LOAD_H_
#define EDDY_BENCH_ECHO_LOAD_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "bench/lib/load.h"

namespace eddy::bench {

struct EchoOptions {
  std::uint16_t port = 0;  // on the loopback address
  std::size_t connections = 1;
  std::size_t size = 64;     // bytes of a request
  std::size_t pipeline = 1;  // requests sent together on a connection
  std::size_t answer = 0;    // bytes of an answer; 0: it is the request
};

// Errors: a refused, closed or silent connection, or an answer that differs
// from its request (the first answer of every connection and every 16th after
// it are compared byte by byte; of the others, and of all answers of another
// size, the length).
absl::StatusOr<std::unique_ptr<Load>> ConnectEcho(const EchoOptions& options);

}  // namespace eddy::bench

#endif  // EDDY_BENCH_ECHO_LOAD_H_
