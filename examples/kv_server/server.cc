#include "examples/kv_server/server.h"

#include <eddy/io/until_signal.h>
#include <eddy/net/serve.h>
#include <eddy/runtime/for_each_core.h>
#include <eddy/runtime/runtime.h>
#include <eddy/runtime/sharded.h>
#include <eddy/runtime/stop.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/with_stop.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "examples/kv_server/log_set.h"
#include "examples/kv_server/session.h"

namespace kv_server {
namespace {

using eddy::Result;
using eddy::Runtime;
using eddy::Sharded;
using eddy::StopToken;
using eddy::Task;
using eddy::TaskScope;
using eddy::Unexpected;
using eddy::net::TcpListener;
using eddy::net::TcpStream;

// Counts a client while it is there.
class Counted {
 public:
  explicit Counted(std::atomic<std::size_t>& count)
      // (Nothing else hangs on the order.)
      : count_(count),
        number_(count.fetch_add(1, std::memory_order_relaxed) + 1) {}
  ~Counted() { count_.fetch_sub(1, std::memory_order_relaxed); }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

  std::size_t number() const { return number_; }

 private:
  std::atomic<std::size_t>& count_;
  const std::size_t number_;
};

Task<Result<void>> TalkTo(TcpStream& stream, const Place& place,
                          StopToken draining) {
  const Counted counted(place.clients());
  ++place.here().stats().connections;
  if (counted.number() > place.here().options().most_clients) {
    ++place.here().stats().refused;
    constexpr std::string_view kTooMany =
        "-ERR max number of clients reached\r\n";
    co_return co_await stream.Write(std::as_bytes(std::span(kTooMany)));
  }
  Session session(place, stream, std::move(draining));
  co_return co_await session.Run();
}

std::uint64_t RandomSeed() {
  std::random_device random;
  return std::uint64_t{random()} << 32 | random();
}

// The seed of the keys' hashes: that of the logs, if there are any.
Task<Result<std::uint64_t>> FindSeed(const Options& options) {
  if (options.log.empty()) co_return RandomSeed();
  std::string problem;
  const auto seed =
      co_await CheckLogs(options.log, Runtime::OfTask().cores(), problem);
  if (!seed) {
    std::fprintf(stderr, "kv_server: %s\n", problem.c_str());
    co_return Unexpected(seed.error());
  }
  co_return seed->value_or(RandomSeed());
}

// All listen on one port: core 0 takes it, the others share it.
class Listening {
 public:
  explicit Listening(const Options& options) : options_(options) {}

  // On core 0.
  Task<Result<TcpListener>> BindFirst() {
    EDDY_CO_TRY(address_, eddy::net::SocketAddress::Parse(options_.listen));
    // A socket of the file system is one core's.
    shared_ =
        Runtime::OfTask().cores() > 1 && !options_.listen.starts_with("unix:");
    if (shared_) {
      // Who shares a port is not told that another server has it. Who does not
      // share it is told.
      EDDY_CO_TRY(TcpListener alone, TcpListener::Bind(address_));
      EDDY_CO_CHECK(co_await alone.Close());
    }
    EDDY_CO_TRY(TcpListener listener, Bind());
    EDDY_CO_TRY(address_, listener.local_address());
    co_return listener;
  }

  // On the others, afterwards.
  bool shared() const { return shared_; }
  Result<TcpListener> Bind() const {
    eddy::net::ListenOptions listen;
    listen.reuse_port = shared_;
    return TcpListener::Bind(address_, listen);
  }

  std::string name() const { return address_.ToString(); }

 private:
  const Options& options_;
  eddy::net::SocketAddress address_;
  bool shared_ = false;
};

Task<Result<void>> ServeOnAllCores(const Options& options,
                                   Sharded<Core>& cores) {
  std::atomic<std::size_t> clients = 0;
  Listening listening(options);
  auto first = co_await listening.BindFirst();
  if (!first) {
    std::fprintf(stderr, "kv_server: cannot listen on %s\n",
                 options.listen.c_str());
    co_return Unexpected(first.error());
  }
  std::printf("listening on %s\n", listening.name().c_str());
  std::fflush(stdout);
  const auto serve = [&](Core& core) -> Task<Result<void>> {
    const Place place(core, cores, clients);
    if (core.index() == 0) co_return co_await ServeClients(*first, place);
    if (!listening.shared()) co_return Result<void>();
    EDDY_CO_TRY(TcpListener own, listening.Bind());
    co_return co_await ServeClients(own, place);
  };
  co_return co_await eddy::io::UntilSignal(cores.InvokeOnAll(serve), SIGINT,
                                           SIGTERM);
}

// The logs are written until no client is left on any core.
Task<Result<void>> ServeInFrontOfLogs(const Options& options,
                                      Sharded<Core>& cores) {
  eddy::StopSource served;
  const auto body = [&](TaskScope& scope) -> Task<Result<void>> {
    scope.Spawn([&]() -> Task<Result<void>> {
      const auto run = [](Core& core) { return core.RunBackground(); };
      const Result<void> ended = co_await eddy::Shield(
          eddy::WithStop(served.token(), cores.InvokeOnAll(run)));
      if (!ended && ended.error() == eddy::kCanceled) co_return Result<void>();
      co_return ended;
    });
    const Result<void> ended = co_await ServeOnAllCores(options, cores);
    served.RequestStop();
    co_return ended;
  };
  co_return co_await eddy::WithScope(body);
}

}  // namespace

Task<Result<void>> ServeClients(TcpListener& listener, Place place) {
  const Options& options = place.here().options();
  eddy::net::ServeOptions serve;
  serve.idle_timeout = options.idle;
  serve.drain = options.drain;
  // One client's end is no failure of the others.
  serve.on_failure = [](const auto&, const auto&) {};
  const auto talk = [&place](TcpStream& stream, StopToken draining) {
    return TalkTo(stream, place, std::move(draining));
  };
  co_return co_await eddy::net::Serve(listener, talk, std::move(serve));
}

Task<Result<void>> RunServer(const Options& options) {
  EDDY_CO_TRY(const std::uint64_t seed, co_await FindSeed(options));
  Sharded<Core> cores;
  EDDY_CO_CHECK(co_await cores.Start(options, seed));
  const auto recover = [seed](Core& core) { return core.Recover(seed); };
  Result<void> ended = co_await cores.InvokeOnAll(recover);
  if (ended) ended = co_await ServeInFrontOfLogs(options, cores);
  const Result<void> stopped = co_await cores.Stop();
  co_return ended ? stopped : ended;
}

}  // namespace kv_server
