// The load of a UDP echo server: one socket with a number of datagrams under
// way, each with a sequence number. A request is a datagram.
//
// Errors: an answer that is lost, late, or not what was sent next. Few enough
// are under way that none has to be lost.

#ifndef EDDY_BENCH_NETWORK_UDP_LOAD_H_
#define EDDY_BENCH_NETWORK_UDP_LOAD_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "bench/lib/load.h"

namespace eddy::bench {

absl::StatusOr<std::unique_ptr<Load>> MakeUdpLoad(std::uint16_t port,
                                                  std::size_t size);

}  // namespace eddy::bench

#endif  // EDDY_BENCH_NETWORK_UDP_LOAD_H_
