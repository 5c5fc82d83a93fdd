// An echo server: every client gets back what it sends.
// Run:  examples/run echo_server 127.0.0.1:7000
// Try:  exec 3<>/dev/tcp/127.0.0.1/7000; echo hello >&3; head -1 <&3    (bash)
// Ctrl-C or SIGTERM ends it: every connection is closed before it returns.
#include <eddy/io/until_signal.h>
#include <eddy/net/tcp.h>
#include <eddy/runtime/sync_wait.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/timer.h>

#include <array>
#include <cstdio>

using namespace eddy;                  // NOLINT: an example
using namespace std::chrono_literals;  // NOLINT: an example

Task<> Echo(net::TcpStream client) {
  std::array<std::byte, 4096> buffer;
  while (Result<std::size_t> n = co_await client.Read(buffer)) {
    if (*n == 0) break;
    Result<void> sent = co_await client.Write(std::span(buffer).first(*n));
    if (!sent) break;
  }
}

Task<Result<void>> Serve(TaskScope& scope, const char* where) {
  EDDY_CO_TRY(auto address, net::SocketAddress::Parse(where));
  EDDY_CO_TRY(auto listener, net::TcpListener::Bind(address));
  EDDY_CO_TRY(auto bound, listener.local_address());
  std::printf("listening on %s\n", bound.ToString().c_str());
  std::fflush(stdout);
  while (true) {
    Result<net::TcpStream> client = co_await listener.Accept();
    if (client) scope.Spawn(Echo(*std::move(client)));
    // Too many open files, say: wait. Or stopped: then Sleep tells.
    if (!client) EDDY_CO_CHECK(co_await Sleep(100ms));
  }
}

int main(int argc, char** argv) {
  const char* where = argc > 1 ? argv[1] : "127.0.0.1:7000";
  auto serve = [=](TaskScope& scope) { return Serve(scope, where); };
  auto served = SyncWait(io::UntilSignal(WithScope(serve), SIGINT, SIGTERM));
  if (!served) std::fprintf(stderr, "%s\n", served.error().message().c_str());
  return served ? 0 : 1;
}
