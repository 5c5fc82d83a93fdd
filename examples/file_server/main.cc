// A file server: HTTP/1.1 from a folder, on one thread, without one call that
// blocks it. Shows how the parts of eddy work together in a real program:
// a scope of connections, timeouts, a drain at the end, files and sockets.
//
// Run:  examples/run file_server --root . --listen 127.0.0.1:8080
// Try:  curl -i -r 0-99 http://127.0.0.1:8080/LICENSE
//       curl http://127.0.0.1:8080/            # the folder, as a page
// See:  "listening on http://127.0.0.1:8080/"; Ctrl-C or SIGTERM lets running
//       responses end within --drain-timeout, a second one ends all at once.
//
// Where to read on: server.cc accepts, request_reader.cc listens to a client,
// connection.cc answers it, file_cache.cc opens what it asks for.
#include <eddy/fs/directory.h>
#include <eddy/io/signals.h>
#include <eddy/net/socket_address.h>
#include <eddy/net/tcp.h>
#include <eddy/runtime/stop.h>
#include <eddy/runtime/sync_wait.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/timeout.h>
#include <sys/resource.h>

#include <cstdio>
#include <string>
#include <system_error>
#include <utility>

#include "examples/file_server/options.h"
#include "examples/file_server/server.h"
#include "examples/file_server/site.h"

namespace file_server {
namespace {

using eddy::JoinHandle;
using eddy::Result;
using eddy::StopSource;
using eddy::Task;
using eddy::TaskScope;
using eddy::WithScope;
using eddy::WithTimeout;
namespace io = eddy::io;
namespace net = eddy::net;

int Fail(const std::string& why) {
  std::fprintf(stderr, "file_server: %s\n", why.c_str());
  return 1;
}

std::string WhyNoRoot(const std::string& root, eddy::Error error) {
  return "cannot serve '" + root + "': " + error.message() +
         "; name a folder that can be read with --root";
}

std::string WhyNotListening(const std::string& listen, eddy::Error error) {
  std::string why = "cannot listen on " + listen + ": " + error.message();
  if (error == std::errc::address_in_use) {
    return why +
           "; stop the program that does, or choose another port with "
           "--listen (0 takes a free one)";
  }
  if (error == std::errc::permission_denied) {
    return why + "; choose a port from 1024 on with --listen";
  }
  return why + "; choose an address of this machine with --listen";
}

// Every client and every open file takes a descriptor: as many as are allowed.
void RaiseDescriptorLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

void Announce(const net::TcpListener& listener) {
  const Result<net::SocketAddress> bound = listener.local_address();
  const std::string address = bound ? bound->ToString() : "?";
  const bool has_url = bound && bound->family() != AF_UNIX;
  std::printf("listening on %s%s%s\n", has_url ? "http://" : "",
              address.c_str(), has_url ? "/" : "");
  std::fflush(stdout);
}

// The first signal lets what runs come to its end, the second one does not.
Task<Result<void>> EndOnSignals(io::Signals& signals, StopSource& drain,
                                const Options& options, TaskScope& scope) {
  EDDY_CO_CHECK(co_await signals.Next());
  signals.DiscardAtEnd();
  drain.RequestStop();
  (void)co_await WithTimeout(options.drain_timeout, signals.Next());
  scope.RequestStop();
  co_return Result<void>();
}

Task<int> Main(const Options& options) {
  const auto address = net::SocketAddress::Parse(options.listen);
  if (!address) {
    co_return Fail("'" + options.listen +
                   "' is no address; say --listen 127.0.0.1:8080, [::1]:8080 "
                   "or unix:/path");
  }
  Result<eddy::fs::Directory> root =
      co_await eddy::fs::Directory::Open(options.root);
  if (!root) co_return Fail(WhyNoRoot(options.root, root.error()));
  auto listener = net::TcpListener::Bind(*address);
  if (!listener) {
    co_return Fail(WhyNotListening(options.listen, listener.error()));
  }
  auto signals = io::Signals::Block({SIGINT, SIGTERM});
  if (!signals) co_return Fail(signals.error().message());

  StopSource drain;
  Site site(options, *std::move(root), drain.token());
  Announce(*listener);
  const Result<void> served =
      co_await WithScope([&](TaskScope& scope) -> Task<Result<void>> {
        scope.Spawn(EndOnSignals(*signals, drain, options, scope));
        const Result<void> ended = co_await Serve(*std::move(listener), site);
        scope.RequestStop();
        co_return ended;
      });
  if (!served && served.error() != eddy::kCanceled) {
    co_return Fail(served.error().message());
  }
  co_return 0;
}

}  // namespace
}  // namespace file_server

int main(int argc, char** argv) {
  const file_server::Options options = file_server::ParseOptions(argc, argv);
  file_server::RaiseDescriptorLimit();
  try {
    return eddy::SyncWait(file_server::Main(options));
  } catch (const std::system_error& error) {
    return file_server::Fail(error.what());
  }
}
