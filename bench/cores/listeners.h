// A listener for each core of the Runtime, all on one loopback port.
#ifndef EDDY_BENCH_CORES_LISTENERS_H_
#define EDDY_BENCH_CORES_LISTENERS_H_

#include <eddy/net/tcp.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/runtime.h>

#include <cstdint>
#include <utility>
#include <vector>

namespace eddy::bench {

inline Result<std::vector<net::TcpListener>> ListenForEachCore(
    std::uint16_t port) {
  net::ListenOptions options;
  options.reuse_port = true;
  std::vector<net::TcpListener> listeners;
  while (listeners.size() < Runtime::OfTask().cores()) {
    Result<net::TcpListener> listener =
        net::TcpListener::Bind(net::SocketAddress::LoopbackV4(port), options);
    if (!listener) return Unexpected(listener.error());
    const Result<net::SocketAddress> address = listener->local_address();
    if (!address) return Unexpected(address.error());
    port = address->port();
    listeners.push_back(*std::move(listener));
  }
  return listeners;
}

}  // namespace eddy::bench

#endif  // EDDY_BENCH_CORES_LISTENERS_H_
