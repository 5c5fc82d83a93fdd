// What eddy's subjects of the server benchmarks share: all but what becomes of
// a connection, or of a datagram.

#ifndef EDDY_BENCH_LIB_EDDY_SERVER_H_
#define EDDY_BENCH_LIB_EDDY_SERVER_H_

#include <eddy/io/until_signal.h>
#include <eddy/net/tcp.h>
#include <eddy/runtime/sync_wait.h>
#include <eddy/runtime/task.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/timer.h>

#include <signal.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace eddy::bench {

// Runs a server until SIGTERM and returns the exit code. `serve` is called with
// the port of the command line, MODE [PORT].
template <typename Serve>
int RunUntilSignal(int argc, char** argv, Serve serve,
                   const ReactorOptions& options = {}) {
  const auto port =
      static_cast<std::uint16_t>(argc > 1 ? std::atoi(argv[1]) : 0);
  const Result<void> served =
      SyncWait(io::UntilSignal(serve(port), SIGINT, SIGTERM), options);
  if (served) return 0;
  std::fprintf(stderr, "%s\n", served.error().message().c_str());
  return 1;
}

inline void Announce(const net::SocketAddress& address) {
  std::printf("%d\n", address.port());
  std::fflush(stdout);
}

// A listener on a loopback port, announced.
inline Result<net::TcpListener> Listen(std::uint16_t port) {
  Result<net::TcpListener> listener =
      net::TcpListener::Bind(net::SocketAddress::LoopbackV4(port));
  if (!listener) return listener;
  const Result<net::SocketAddress> address = listener->local_address();
  if (!address) return Unexpected(address.error());
  Announce(*address);
  return listener;
}

// Accepts one by one and spawns `handle(stream)` for each.
template <typename Handle>
Task<Result<void>> AcceptAll(TaskScope& scope, std::uint16_t port,
                             Handle handle) {
  EDDY_CO_TRY(net::TcpListener listener, Listen(port));
  while (true) {
    Result<net::TcpStream> stream = co_await listener.Accept();
    if (stream) {
      scope.Spawn(handle(*std::move(stream)));
    } else {
      // Out of descriptors, or a client that has gone; or stopped, which Sleep
      // tells.
      EDDY_CO_CHECK(co_await Sleep(std::chrono::milliseconds(10)));
    }
  }
}

// A TCP server that has a task `handle(stream)` for each connection.
template <typename Handle>
int ServeTcp(int argc, char** argv, Handle handle,
             const ReactorOptions& options = {}) {
  return RunUntilSignal(
      argc, argv,
      [handle](std::uint16_t port) {
        return WithScope([handle, port](TaskScope& scope) {
          return AcceptAll(scope, port, handle);
        });
      },
      options);
}

}  // namespace eddy::bench

#endif  // EDDY_BENCH_LIB_EDDY_SERVER_H_
