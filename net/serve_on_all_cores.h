// ServeOnAllCores: a handler for each connection of an address, on all cores.
//
//   Task<Result<void>> Main() {
//     net::ServeOnAllCoresOptions options;
//     options.on_listening = [](const net::SocketAddress& address) {
//       std::printf("listening on %s\n", address.ToString().c_str());
//     };
//     co_return co_await net::ServeOnAllCores(address, Echo, options);
//   }
//   ... (*Runtime::Create())->Run(Main());
//
// On each core it does what net::Serve does, with a listener of its own in one
// SO_REUSEPORT group, a copy of the handler, and counts of its own: a
// connection stays on the core that has accepted it, and no core waits for
// another one. All listen before one of them accepts, so no connection is
// refused.
//
// The kernel chooses the listener by a hash of the addresses and ports of both
// ends: with many clients each core gets nearly the same number, with few it
// may not. `most_ahead` evens that out: a core that has more connections than
// so many above the fewest hands what it accepts over to that core.
//
// A Unix address has one listener (the kernel knows no group for them), on the
// core that calls this, which hands connections over so. So has a listener that
// is passed in place of the address: a net::UnixListener with its options, or
// one that was inherited.
//
// The handler is copied on each core, one after the other, from the one given,
// so what it refers to is shared by all cores and must not change, or belong to
// one core (Sharded::Local()). The same holds for ServeOptions::on_failure.
//
// Result: nothing ever; it ends by a stop or a failure.
// Errors: those of TcpListener::Bind, and of net::Serve and SubmitTo.
// EADDRINUSE also where another program of this user listens there with
// SO_REUSEPORT; with ListenOptions::reuse_port the listeners join its group.
// Exceptions: as of net::Serve. A failure of one core stops the others, as a
// stop does, and comes out when they have ended. Stop: all cores accept no
// more; connections go on for ServeOptions::drain; then they are stopped. Those
// that are on their way to another core are served there, or here where that
// has ended already; with most_connections, those that wait for room are
// closed.
//
// The listeners are closed when all connections have ended. What is in a
// backlog by then, its handshake complete and not accepted, the kernel resets,
// since a backlog belongs to one listener; where another process has joined the
// group and net.ipv4.tcp_migrate_req is 1 (Linux 5.14), it goes over to that
// one's.
//
// REQUIRES: awaited on a core of a Runtime. Lifetime: what the options refer
// to, and a listener passed, live until the await returns.
// Cost: as net::Serve on each core. Where a connection is handed over, two
// messages besides (see SubmitTo) and a coroutine frame for that time; with
// `most_ahead` one shared cache line a core, which is looked at for each
// connection. See docs/cores.md.
#ifndef EDDY_NET_SERVE_ON_ALL_CORES_H_
#define EDDY_NET_SERVE_ON_ALL_CORES_H_

#include <eddy/io/fd.h>
#include <eddy/net/connection_count.h>
#include <eddy/net/core_group.h>
#include <eddy/net/incoming.h>
#include <eddy/net/listener.h>
#include <eddy/net/serve.h>
#include <eddy/net/serve_stats_by_core.h>
#include <eddy/net/socket_address.h>
#include <eddy/net/stream_socket.h>
#include <eddy/net/tcp.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/runtime.h>
#include <eddy/runtime/semaphore.h>
#include <eddy/runtime/sharded.h>
#include <eddy/runtime/stop.h>
#include <eddy/runtime/submit_to.h>
#include <eddy/runtime/task.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/until_stopped.h>
#include <eddy/runtime/with_stop.h>

#include <sys/socket.h>

#include <concepts>
#include <cstddef>
#include <exception>
#include <functional>
#include <optional>
#include <utility>

namespace eddy::net {

struct ServeOnAllCoresOptions {
  // (See ServeOptions.)
  ServeOnAllCoresOptions() noexcept {}

  // Of each listener.
  ListenOptions listen;
  // Of each core: most_connections are those of one core, on_failure is called
  // on the core of the connection. `stats` is not used; see below.
  ServeOptions serve;
  // None: connections stay where the kernel has put them. Otherwise a core that
  // has more connections than so many above the core with the fewest gives that
  // one what it accepts. 0: as even as can be.
  std::optional<std::size_t> most_ahead;
  // Called once, on the core that calls ServeOnAllCores, when all listen.
  std::function<void(const SocketAddress& address)> on_listening;
  // Kept up to date while it serves.
  ServeStatsByCore* stats = nullptr;
};

namespace internal {

// What one core serves.
template <class Stream, class Handler>
class CoreServer final : private ConnectionEnd {
 public:
  using Servers = Sharded<CoreServer>;

  CoreServer(const Handler& handler, const ServeOnAllCoresOptions* options,
             CoreGroup* group)
      : core_(Runtime::CurrentCore()),
        group_(*group),
        balances_(group->balances()),
        handler_(handler),
        state_(OptionsFor(*options, core_), this) {
    const std::size_t most = state_.options().most_connections;
    if (most != ServeOptions::kNoLimit) room_.emplace(most);
  }

  Task<Result<void>> Start() {
    EDDY_CO_TRY(listener_, group_.Listen(core_));
    co_return Result<void>();
  }

  // (Awaits the close: then the address may be bound again.)
  Task<Result<void>> Stop() {
    if (!listener_) co_return Result<void>();
    co_return co_await listener_->Close();
  }

  Task<Result<void>> Run(Servers& servers) {
    servers_ = &servers;
    const auto accept = [this](TaskScope& scope) -> Task<Result<void>> {
      scope_ = &scope;
      group_.SetOpen(core_, true);
      const Result<void> ended = co_await Accept();
      group_.SetOpen(core_, false);
      // Those that wait for room do no more; all arrive here or there.
      accepting_.RequestStop();
      static_cast<void>(co_await Shield(on_the_way_.AtMost(0)));
      co_return ended;
    };
    std::exception_ptr exception;
    Result<void> ended;
    try {
      ended = co_await AcceptAndDrain(state_, accept);
    } catch (...) {
      exception = std::current_exception();
    }
    scope_ = nullptr;
    if (exception) std::rethrow_exception(exception);
    co_return ended;
  }

 private:
  // Connections that a core hands over at the same time; then it accepts no
  // more.
  static constexpr std::size_t kMostOnTheWay = 64;

  static ServeOptions OptionsFor(const ServeOnAllCoresOptions& all,
                                 unsigned core) {
    ServeOptions options = all.serve;
    options.stats = all.stats != nullptr ? &all.stats->Of(core) : nullptr;
    return options;
  }

  bool ends() const noexcept {
    return scope_ == nullptr || scope_->stop_requested();
  }

  Task<Result<void>> Accept() {
    const io::Fd* const listener =
        listener_ ? &listener_->fd() : group_.SharedListener(core_);
    if (listener == nullptr) {
      co_await UntilStopped();
      co_return Unexpected(kCanceled);
    }
    io::AcceptStreamOptions accepting;
    accepting.multishot = !room_;
    Incoming<Stream> incoming(*listener, accepting, &state_.stats().incoming);
    while (true) {
      std::optional<Semaphore::Permit> permit;
      if (room_ && !balances_) {
        EDDY_CO_TRY(permit, co_await room_->Acquire());
      }
      Result<Stream> accepted = co_await incoming.Next();
      if (!accepted) co_return Unexpected(accepted.error());
      if (!balances_) {
        if (permit) permit->Forget();
        Begin(*std::move(accepted));
        continue;
      }
      const unsigned core = group_.Choose(core_);
      if (core == core_ && !room_) {
        Begin(*std::move(accepted));
        continue;
      }
      on_the_way_.Add();
      scope_->Spawn(Bring(core, *std::move(accepted)));
      static_cast<void>(co_await on_the_way_.AtMost(kMostOnTheWay - 1));
    }
  }

  // To the core that was chosen for it; to this one where that does not take
  // it.
  Task<> Bring(unsigned core, Stream stream) {
    if (core != core_) {
      const auto take = [&]() -> Result<void> {
        return servers_->Local().Take(stream);
      };
      const auto take_when_room = [&]() -> Task<Result<void>> {
        co_return co_await servers_->Local().TakeWhenRoom(stream);
      };
      Result<void> taken;
      if (room_) {
        taken = co_await WithStop(accepting_.token(),
                                  SubmitTo(core, take_when_room));
      } else {
        taken = co_await SubmitTo(core, take);
      }
      if (taken) {
        ++state_.stats().handed_over;
        on_the_way_.Remove();
        co_return;
      }
      group_.Move(core, core_);
    }
    bool has_room = true;
    if (room_) {
      Result<Semaphore::Permit> permit =
          co_await WithStop(accepting_.token(), room_->Acquire());
      has_room = permit.has_value();
      if (permit) permit->Forget();
    }
    if (has_room) {
      Begin(std::move(stream));
    } else {
      group_.Leave(core_);
    }
    on_the_way_.Remove();
  }

  // For another core, on this one: moves from the stream where it succeeds.
  Result<void> Take(Stream& stream) {
    if (ends()) return Unexpected(kClosed);
    Begin(Stream(stream.Detach()));
    return {};
  }
  Task<Result<void>> TakeWhenRoom(Stream& stream) {
    if (ends()) co_return Unexpected(kClosed);
    EDDY_CO_TRY(Semaphore::Permit permit, co_await room_->Acquire());
    EDDY_CO_CHECK(Take(stream));
    permit.Forget();
    co_return Result<void>();
  }

  void Begin(Stream stream) {
    state_.Begin();
    scope_->Spawn(ServeConnection(state_, handler_, std::move(stream)));
  }

  void ConnectionEnded() noexcept override {
    if (room_) room_->Release();
    group_.Leave(core_);
  }

  const unsigned core_;
  CoreGroup& group_;
  Servers* servers_ = nullptr;
  const bool balances_;
  Handler handler_;
  ServeState state_;
  std::optional<TcpListener> listener_;
  std::optional<Semaphore> room_;
  ConnectionCount on_the_way_;
  StopSource accepting_;
  TaskScope* scope_ = nullptr;
};

template <class Stream, class Handler>
Task<Result<void>> ServeInGroup(CoreGroup& group, const Handler& handler,
                                const ServeOnAllCoresOptions& options) {
  static_assert(std::derived_from<Stream, StreamSocket>,
                "ServeOnAllCores serves byte streams");
  using Server = CoreServer<Stream, Handler>;
  if (options.stats != nullptr) options.stats->Begin(Runtime::OfTask().cores());
  const auto serve = [&](Sharded<Server>& servers) -> Task<Result<void>> {
    if (options.on_listening) options.on_listening(group.address());
    const auto run = [&servers](Server& server) { return server.Run(servers); };
    co_return co_await servers.InvokeOnAll(run);
  };
  co_return co_await WithSharded<Server>(serve, handler, &options, &group);
}

}  // namespace internal

// The handler: as net::Serve's, for a TcpStream.
template <class Handler>
Task<Result<void>> ServeOnAllCores(
    SocketAddress address, Handler handler,
    ServeOnAllCoresOptions options = ServeOnAllCoresOptions()) {
  if (address.family() == AF_UNIX) {
    EDDY_CO_TRY(TcpListener listener,
                TcpListener::Bind(address, options.listen));
    co_return co_await ServeOnAllCores(listener, std::move(handler),
                                       std::move(options));
  }
  internal::CoreGroup group(Runtime::OfTask().cores(), address, options.listen,
                            options.most_ahead);
  co_return co_await internal::ServeInGroup<TcpStream>(group, handler, options);
}

// The handler: as net::Serve's, for a Stream of the listener.
template <class Stream, class Handler>
Task<Result<void>> ServeOnAllCores(
    Listener<Stream>& listener, Handler handler,
    ServeOnAllCoresOptions options = ServeOnAllCoresOptions()) {
  EDDY_CO_TRY(const SocketAddress address, listener.local_address());
  internal::CoreGroup group(Runtime::OfTask().cores(), address, listener.fd(),
                            options.most_ahead.value_or(0));
  co_return co_await internal::ServeInGroup<Stream>(group, handler, options);
}

}  // namespace eddy::net

#endif  // EDDY_NET_SERVE_ON_ALL_CORES_H_
