// eddy's echo server on several cores: a listener on each, with SO_REUSEPORT,
// and the connections that it accepts.
//
//   eddy_server CORES [PORT]      prints its port; SIGTERM ends it

#include <eddy/runtime/for_each_core.h>
#include <eddy/runtime/runtime.h>

#include <cstddef>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "bench/cores/listeners.h"
#include "bench/lib/eddy_server.h"

namespace eddy::bench {
namespace {

// As in the twin (twin.h).
constexpr std::size_t kBufferSize = std::size_t{16} * 1024;

Task<void> Echo(net::TcpStream stream) {
  const auto memory = std::make_unique_for_overwrite<std::byte[]>(kBufferSize);
  const std::span<std::byte> buffer(memory.get(), kBufferSize);
  while (true) {
    const Result<std::size_t> n = co_await stream.Read(buffer);
    if (!n || *n == 0) co_return;
    const Result<void> written = co_await stream.Write(buffer.first(*n));
    if (!written) co_return;
  }
}

Task<Result<void>> ServeOn(net::TcpListener& listener) {
  const auto accept_all = [&](TaskScope& scope) -> Task<Result<void>> {
    while (true) {
      EDDY_CO_TRY(net::TcpStream stream, co_await listener.Accept());
      scope.Spawn(Echo(std::move(stream)));
    }
  };
  co_return co_await WithScope(accept_all);
}

Task<Result<void>> ServeOnAll(std::uint16_t port) {
  EDDY_CO_TRY(std::vector<net::TcpListener> listeners, ListenForEachCore(port));
  EDDY_CO_TRY(const net::SocketAddress address,
              listeners.front().local_address());
  Announce(address);
  const auto serve = [&](unsigned core) { return ServeOn(listeners[core]); };
  co_return co_await ForEachCore(serve);
}

}  // namespace
}  // namespace eddy::bench

int main(int argc, char** argv) {
  using namespace eddy;         // NOLINT: a program
  using namespace eddy::bench;  // NOLINT: a program
  RuntimeOptions options;
  options.cores = static_cast<unsigned>(argc > 1 ? std::atoi(argv[1]) : 0);
  const auto port =
      static_cast<std::uint16_t>(argc > 2 ? std::atoi(argv[2]) : 0);
  const auto runtime = Runtime::Create(options);
  if (!runtime) {
    std::fprintf(stderr, "%s\n", runtime.error().message().c_str());
    return 1;
  }
  const Result<void> served =
      (*runtime)->Run(io::UntilSignal(ServeOnAll(port), SIGINT, SIGTERM));
  if (served) return 0;
  std::fprintf(stderr, "%s\n", served.error().message().c_str());
  return 1;
}
