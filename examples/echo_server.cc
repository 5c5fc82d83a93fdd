// An echo server: every client gets back what it sends.
// Run:  examples/run echo_server 127.0.0.1:7000
// Try:  printf 'hello\n' | nc -N 127.0.0.1 7000    # prints hello
// Ctrl-C or SIGTERM ends it: every connection is closed before it returns.
#include <eddy/io/signals.h>
#include <eddy/net/tcp.h>
#include <eddy/runtime/sync_wait.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/timer.h>

#include <array>
#include <cstdio>

using namespace eddy;  // NOLINT: an example

Task<> Echo(net::TcpStream client) {
  std::array<std::byte, 4096> buffer;
  while (true) {
    Result<std::size_t> n = co_await client.Read(buffer);
    if (!n || *n == 0) co_return;
    if (!co_await client.Write(std::span(buffer).first(*n))) co_return;
  }
}

Task<Result<void>> AcceptAll(net::TcpListener& listener, TaskScope& scope) {
  while (true) {
    Result<net::TcpStream> client = co_await listener.Accept();
    if (client) {
      scope.Spawn(Echo(*std::move(client)));
    } else {  // too many open files, say: wait; or stopped: Sleep tells
      EDDY_CO_CHECK(co_await Sleep(std::chrono::milliseconds(100)));
    }
  }
}

Task<Result<void>> Serve(const char* where) {
  EDDY_CO_TRY(auto address, net::SocketAddress::Parse(where));
  EDDY_CO_TRY(auto listener, net::TcpListener::Bind(address));
  EDDY_CO_TRY(auto signals, io::Signals::Block({SIGINT, SIGTERM}));
  EDDY_CO_TRY(auto bound, listener.local_address());
  std::printf("listening on %s\n", bound.ToString().c_str());
  std::fflush(stdout);
  co_return co_await WithScope([&](TaskScope& scope) -> Task<Result<void>> {
    scope.Spawn(AcceptAll(listener, scope));
    EDDY_CO_CHECK(co_await signals.Next());
    scope.RequestStop();
    co_return Result<void>();
  });
}

int main(int argc, char** argv) {
  Result<void> served = SyncWait(Serve(argc > 1 ? argv[1] : "127.0.0.1:7000"));
  if (!served) std::fprintf(stderr, "%s\n", served.error().message().c_str());
  return served ? 0 : 1;
}
