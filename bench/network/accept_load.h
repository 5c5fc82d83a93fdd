// The load of a server that accepts connections and closes them: a number of
// clients, each of which connects, waits for the end of the stream, resets the
// connection (so that nothing lingers in TIME_WAIT) and connects again. A
// request is a connection.

#ifndef EDDY_BENCH_NETWORK_ACCEPT_LOAD_H_
#define EDDY_BENCH_NETWORK_ACCEPT_LOAD_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "bench/lib/load.h"

namespace eddy::bench {

absl::StatusOr<std::unique_ptr<Load>> MakeAcceptLoad(std::uint16_t port,
                                                     std::size_t clients);

}  // namespace eddy::bench

#endif  // EDDY_BENCH_NETWORK_ACCEPT_LOAD_H_
