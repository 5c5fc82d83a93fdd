// A TCP proxy: each connection to one address is carried on to another, both
// ways at once. Where one side ends, the other is told and goes on until it
// ends too; where one side breaks, so does the other, so that nobody takes a
// part for the whole.
// Run:  examples/run tcp_proxy LISTEN TARGET [MOST_CONNECTIONS [IDLE_SECONDS]]
//       examples/run tcp_proxy 127.0.0.1:7001 127.0.0.1:7000
// Try:  examples/run echo_server 127.0.0.1:7000 &
//       exec 3<>/dev/tcp/127.0.0.1/7001; echo hello >&3; head -1 <&3    (bash)
//       kill -USR1 $(pidof tcp_proxy)
// SIGUSR1 prints what was carried so far. Ctrl-C or SIGTERM ends it: it accepts
// no more, and connections have ten seconds to end.
#include <eddy/io/copy_both_ways.h>
#include <eddy/io/signals.h>
#include <eddy/io/until_signal.h>
#include <eddy/net/idle_timeout.h>
#include <eddy/net/serve.h>
#include <eddy/net/tcp.h>
#include <eddy/runtime/sync_wait.h>
#include <eddy/runtime/task_scope.h>

#include <algorithm>
#include <cinttypes>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <vector>

using namespace eddy;                  // NOLINT: an example
using namespace std::chrono_literals;  // NOLINT: an example

namespace {

class Proxy {
 public:
  explicit Proxy(net::SocketAddress target) : target_(target) {
    limits_.most_connections = 1000;
    limits_.idle_timeout = 300s;
    limits_.drain = 10s;
    limits_.stats = &stats_;
    limits_.on_failure = [](const net::SocketAddress& peer,
                            const TaskFailure& failure) {
      if (failure.error) {
        std::fprintf(stderr, "%s: %s\n", peer.ToString().c_str(),
                     failure.error->message().c_str());
      }
    };
  }
  Proxy(const Proxy&) = delete;
  Proxy& operator=(const Proxy&) = delete;

  net::ServeOptions& limits() { return limits_; }

  Task<Result<void>> Serve(net::TcpListener& listener) {
    const auto handler = [this](net::TcpStream& client) {
      return Carry(client);
    };
    co_return co_await net::Serve(listener, handler, limits_);
  }

  void PrintStatistics() const {
    io::CopyCounts bytes = ended_;
    for (const io::CopyCounts* counts : open_) Add(*counts, bytes);
    std::printf("connections: %zu open, %zu at most, %" PRIu64
                " ended, %" PRIu64 " failed, %" PRIu64
                " of them by a timeout; bytes: %" PRIu64 " there, %" PRIu64
                " back\n",
                stats_.connections, stats_.most_connections, stats_.ended,
                stats_.failed, stats_.timed_out, bytes.a_to_b, bytes.b_to_a);
    std::fflush(stdout);
  }

 private:
  static constexpr auto kConnectTimeout = 5s;

  // What one connection has carried, in the statistics while it is open.
  class Carried {
   public:
    explicit Carried(Proxy& proxy) : proxy_(proxy) {
      proxy_.open_.push_back(&counts);
    }
    ~Carried() {
      std::erase(proxy_.open_, &counts);
      Add(counts, proxy_.ended_);
    }
    Carried(const Carried&) = delete;
    Carried& operator=(const Carried&) = delete;

    io::CopyCounts counts;

   private:
    Proxy& proxy_;
  };

  static void Add(const io::CopyCounts& from, io::CopyCounts& to) {
    to.a_to_b += from.a_to_b;
    to.b_to_a += from.b_to_a;
  }

  Task<Result<void>> Carry(net::TcpStream& client) {
    Result<net::TcpStream> server =
        co_await WithTimeout(kConnectTimeout, net::TcpStream::Connect(target_));
    Result<void> result;
    if (server) {
      result = co_await CarryTo(client, *server);
    } else {
      result = Unexpected(server.error());
    }
    if (!result) {
      // The peers see a connection that broke, not one that ended. (That it
      // broke by itself is what this fails with, if it does.)
      static_cast<void>(client.ResetOnClose());
      if (server) static_cast<void>(server->ResetOnClose());
    }
    co_return result;
  }

  Task<Result<void>> CarryTo(net::TcpStream& client, net::TcpStream& server) {
    Carried carried(*this);
    co_return co_await net::WithIdleTimeout(
        limits_.idle_timeout, server,
        io::CopyBothWays(client, server, &carried.counts));
  }

  const net::SocketAddress target_;
  net::ServeOptions limits_;
  net::ServeStats stats_;
  io::CopyCounts ended_;
  std::vector<const io::CopyCounts*> open_;
};

// Until it is stopped, which is no failure.
Task<Result<void>> PrintOnSignal(const Proxy& proxy, io::Signals& signals) {
  while (true) {
    EDDY_CO_CHECK(co_await signals.Next());
    proxy.PrintStatistics();
  }
}

}  // namespace

struct TcpProxyOptions {
  const char* listen = "127.0.0.1:7001";
  const char* target = "127.0.0.1:7000";
  std::size_t most_connections = 1000;
  std::chrono::seconds idle_timeout{300};
};

Task<Result<void>> ServeTcpProxy(const TcpProxyOptions& options) {
  EDDY_CO_TRY(auto where, net::SocketAddress::Parse(options.listen));
  EDDY_CO_TRY(auto target, net::SocketAddress::Parse(options.target));
  EDDY_CO_TRY(auto listener, net::TcpListener::Bind(where));
  EDDY_CO_TRY(auto bound, listener.local_address());
  EDDY_CO_TRY(auto signals, io::Signals::Block({SIGUSR1}));
  Proxy proxy(target);
  proxy.limits().most_connections = options.most_connections;
  proxy.limits().idle_timeout = options.idle_timeout;
  std::printf("listening on %s\n", bound.ToString().c_str());
  std::fflush(stdout);
  const auto body = [&](TaskScope& scope) -> Task<Result<void>> {
    scope.Spawn(PrintOnSignal(proxy, signals));
    co_return co_await proxy.Serve(listener);
  };
  const Result<void> served = co_await WithScope(body);
  proxy.PrintStatistics();
  co_return served;
}

int main(int argc, char** argv) {
  TcpProxyOptions options;
  if (argc > 1) options.listen = argv[1];
  if (argc > 2) options.target = argv[2];
  if (argc > 3) options.most_connections = std::strtoul(argv[3], nullptr, 10);
  if (argc > 4) options.idle_timeout = std::chrono::seconds(std::atol(argv[4]));
  auto served =
      SyncWait(io::UntilSignal(ServeTcpProxy(options), SIGINT, SIGTERM));
  if (!served) std::fprintf(stderr, "%s\n", served.error().message().c_str());
  return served ? 0 : 1;
}
