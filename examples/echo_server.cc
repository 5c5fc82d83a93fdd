// An echo server: every client gets back what it sends.
// Run:  examples/run echo_server 127.0.0.1:7000
// Try:  exec 3<>/dev/tcp/127.0.0.1/7000; echo hello >&3; head -1 <&3    (bash)
// Ctrl-C or SIGTERM ends it: every connection is closed before it returns.
#include <eddy/io/until_signal.h>
#include <eddy/net/serve.h>
#include <eddy/net/tcp.h>
#include <eddy/runtime/sync_wait.h>

#include <cstdio>

using namespace eddy;  // NOLINT: an example

Task<Result<void>> Echo(net::TcpStream& client) {
  while (true) {
    EDDY_CO_TRY(const io::Buffer data, co_await client.Receive());
    if (data.empty()) co_return Result<void>();
    EDDY_CO_CHECK(co_await client.Write(data.bytes()));
  }
}

Task<Result<void>> Serve(const char* where) {
  EDDY_CO_TRY(auto address, net::SocketAddress::Parse(where));
  EDDY_CO_TRY(auto listener, net::TcpListener::Bind(address));
  EDDY_CO_TRY(auto bound, listener.local_address());
  std::printf("listening on %s\n", bound.ToString().c_str());
  std::fflush(stdout);
  co_return co_await net::Serve(listener, Echo);
}

int main(int argc, char** argv) {
  const char* where = argc > 1 ? argv[1] : "127.0.0.1:7000";
  auto served = SyncWait(io::UntilSignal(Serve(where), SIGINT, SIGTERM));
  if (!served) std::fprintf(stderr, "%s\n", served.error().message().c_str());
  return served ? 0 : 1;
}
