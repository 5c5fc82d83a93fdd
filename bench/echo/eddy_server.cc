// The subject of the echo benchmark: the echo server that a user of eddy would
// write, with a buffer per connection as the twins have it.
//
//   eddy_server [--busy-poll] [PORT]      prints its port; SIGTERM ends it

#include <eddy/io/signals.h>
#include <eddy/net/tcp.h>
#include <eddy/runtime/sync_wait.h>
#include <eddy/runtime/task.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/timer.h>

#include <signal.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace eddy::bench {
namespace {

// As in the twins (twin.h).
constexpr std::size_t kBufferSize = std::size_t{16} * 1024;
// Longer than a round trip on an idle machine.
constexpr auto kBusyPoll = std::chrono::microseconds(200);

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

Task<void> StopOnSignal(TaskScope& scope, io::Signals& signals) {
  const Result<int> signal = co_await signals.Next();
  if (signal) scope.RequestStop();
}

Task<Result<void>> AcceptAll(net::TcpListener& listener, TaskScope& scope) {
  while (true) {
    Result<net::TcpStream> stream = co_await listener.Accept();
    if (stream) {
      scope.Spawn(Echo(*std::move(stream)));
    } else if (scope.stop_requested()) {
      co_return Result<void>();
    } else {
      // Out of descriptors, or a client that has gone.
      EDDY_CO_CHECK(co_await Sleep(std::chrono::milliseconds(10)));
    }
  }
}

Task<Result<void>> Serve(std::uint16_t port) {
  EDDY_CO_TRY(io::Signals signals, io::Signals::Block({SIGINT, SIGTERM}));
  EDDY_CO_TRY(net::TcpListener listener,
              net::TcpListener::Bind(net::SocketAddress::LoopbackV4(port)));
  EDDY_CO_TRY(const net::SocketAddress address, listener.local_address());
  std::printf("%d\n", address.port());
  std::fflush(stdout);
  co_return co_await WithScope([&](TaskScope& scope) -> Task<Result<void>> {
    scope.Spawn(StopOnSignal(scope, signals));
    return AcceptAll(listener, scope);
  });
}

int Main(int argc, char** argv) {
  ReactorOptions options;
  std::uint16_t port = 0;
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) == "--busy-poll") {
      options.busy_poll = kBusyPoll;
    } else {
      port = static_cast<std::uint16_t>(std::atoi(argv[i]));
    }
  }
  const Result<void> served = SyncWait(Serve(port), options);
  if (served) return 0;
  std::fprintf(stderr, "%s\n", served.error().message().c_str());
  return 1;
}

}  // namespace
}  // namespace eddy::bench

int main(int argc, char** argv) { return eddy::bench::Main(argc, argv); }
