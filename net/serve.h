// Serve: a handler for each connection of a listener, until it is stopped.
//
//   Task<Result<void>> Echo(net::TcpStream& client) {
//     while (true) {
//       EDDY_CO_TRY(io::Buffer data, co_await client.Receive());
//       if (data.empty()) co_return Result<void>();
//       EDDY_CO_CHECK(co_await client.Write(data.bytes()));
//     }
//   }
//
//   EDDY_CO_TRY(auto listener, net::TcpListener::Bind(address));
//   co_return co_await net::Serve(listener, Echo);
//
// It does what every server would otherwise write by hand: a limit of
// connections at once, with the others in the backlog; a limit of the time that
// a peer may be silent; failures of single connections, which reach a callback
// and no other connection; running out of descriptors (see Incoming); and an
// end in which connections may finish what they do.
//
// The handler is called with the stream, as an lvalue, which is closed when it
// has returned. It returns a Task of nothing or of a Result. A second parameter
// of type StopToken is stopped when the server drains; a handler that waits for
// the next request need not go on then:
//
//   Task<> Talk(net::TcpStream& client, StopToken draining) {
//     while (auto data = co_await WithStop(draining, client.Receive())) ...
//
// Result: nothing ever; it ends by a stop or a failure.
// Errors: kCanceled; those of Incoming::Next.
// Exceptions: one that leaves a handler goes to on_failure; without that it
// stops the server and comes out of it.
// Stop: accepts no more, lets the connections go on for `drain`, then stops
// them, and returns when all have ended.
// Lifetime: the listener, and options.stats, live until the await returns. The
// handler is kept.
// Cost: for a connection a task with a frame of its own besides the handler's,
// and the file descriptor; see docs/costs.md.
#ifndef EDDY_NET_SERVE_H_
#define EDDY_NET_SERVE_H_

#include <eddy/net/connection_count.h>
#include <eddy/net/idle_timeout.h>
#include <eddy/net/incoming.h>
#include <eddy/net/socket_address.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/stop.h>
#include <eddy/runtime/task.h>
#include <eddy/runtime/task_failure.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/time.h>
#include <eddy/runtime/timeout.h>
#include <eddy/runtime/with_stop.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <limits>
#include <memory>
#include <type_traits>
#include <utility>

namespace eddy::net {

struct ServeStats {
  IncomingStats incoming;
  // Connections now, and the most that there were at once.
  std::size_t connections = 0;
  std::size_t most_connections = 0;
  // Those that were given to another core (see ServeOnAllCores).
  std::uint64_t handed_over = 0;
  // Connections whose handler has ended well; with an error or an exception;
  // and of these with kTimedOut: idle, or by a timeout of the handler's own.
  std::uint64_t ended = 0;
  std::uint64_t failed = 0;
  std::uint64_t timed_out = 0;
};

struct ServeOptions {
  // (No aggregate: g++ 12 destroys those twice as a coroutine's arguments.)
  ServeOptions() noexcept {}

  static constexpr std::size_t kNoLimit =
      std::numeric_limits<std::size_t>::max();

  // At once, at least 1; more wait in the backlog. Without a limit the kernel
  // accepts ahead (a multishot accept); with a limit each connection is asked
  // for.
  std::size_t most_connections = kNoLimit;
  // How long a peer may be silent, see WithIdleTimeout; max(): without bound.
  Duration idle_timeout = Duration::max();
  // How long connections may go on after a stop, those too that were accepted
  // by then and not served yet.
  Duration drain = Duration::zero();
  // Called with the peer's address (none where the kernel did not know it any
  // more when the connection was accepted) and the error or exception that
  // ended the connection. Not called for the kCanceled of a stop or of the
  // drain. Must not throw.
  std::function<void(const SocketAddress& peer, const TaskFailure& failure)>
      on_failure;
  // Kept up to date while it serves.
  ServeStats* stats = nullptr;
};

namespace internal {

// Told when a connection has ended.
class ConnectionEnd {
 public:
  virtual void ConnectionEnded() noexcept = 0;

 protected:
  ~ConnectionEnd() = default;
};

class ServeState {
 public:
  explicit ServeState(ServeOptions options, ConnectionEnd* end = nullptr)
      : options_(std::move(options)),
        stats_(options_.stats != nullptr ? *options_.stats : own_stats_),
        end_(end) {
    options_.most_connections =
        std::max<std::size_t>(options_.most_connections, 1);
  }
  ServeState(const ServeState&) = delete;
  ServeState& operator=(const ServeState&) = delete;

  const ServeOptions& options() const noexcept { return options_; }
  StopSource& draining() noexcept { return draining_; }
  ConnectionCount& count() noexcept { return count_; }
  ServeStats& stats() noexcept { return stats_; }

  void Begin() noexcept;
  // Rethrows an exception that nobody handles.
  void End(const SocketAddress* peer, TaskFailure failure, bool stopped);

 private:
  ServeOptions options_;
  ServeStats own_stats_;
  ServeStats& stats_;
  ConnectionEnd* const end_;
  ConnectionCount count_;
  StopSource draining_;
};

std::unique_ptr<const SocketAddress> PeerOf(const io::Fd& fd);

template <class Stream, class Handler>
EDDY_CORO_WRAPPER auto Handle(Handler& handler, Stream& stream,
                              StopSource& draining) {
  if constexpr (std::is_invocable_v<Handler&, Stream&, StopToken>) {
    return handler(stream, draining.token());
  } else {
    static_assert(std::is_invocable_v<Handler&, Stream&>,
                  "a handler of Serve is called with the stream as an lvalue, "
                  "and, if it likes, a StopToken");
    return handler(stream);
  }
}

template <class Stream, class Handler>
Task<> ServeConnection(ServeState& state, Handler& handler, Stream stream) {
  TaskFailure failure;
  // Later the kernel may not know it any more.
  std::unique_ptr<const SocketAddress> peer;
  if (state.options().on_failure) peer = PeerOf(stream.fd());
  try {
    const auto result =
        co_await WithIdleTimeout(state.options().idle_timeout, stream,
                                 Handle(handler, stream, state.draining()));
    if (!result) failure.error = result.error();
  } catch (...) {
    failure.exception = std::current_exception();
  }
  bool stopped = state.draining().stop_requested();
  // To ask takes an allocation, and matters only to what was canceled.
  if (!stopped && failure.error == kCanceled) {
    const StopToken stop = co_await CurrentStopToken();
    stopped = stop.stop_requested();
  }
  state.End(peer.get(), std::move(failure), stopped);
}

// Lets accept(scope) begin connections in the scope, until it ends or is
// stopped; then they may go on for as long as they may.
template <class Accept>
Task<Result<void>> AcceptAndDrain(ServeState& state, Accept& accept) {
  const StopToken stop = co_await CurrentStopToken();
  const auto body = [&](TaskScope& scope) -> Task<Result<void>> {
    const Result<void> ended = co_await WithStop(stop, accept(scope));
    state.draining().RequestStop();
    if (!scope.stop_requested()) {
      static_cast<void>(
          co_await WithTimeout(state.options().drain, state.count().AtMost(0)));
    }
    scope.RequestStop();
    co_return ended;
  };
  co_return co_await Shield(WithScope(body));
}

}  // namespace internal

template <class Listener, class Handler>
Task<Result<void>> Serve(Listener& listener, Handler handler,
                         ServeOptions options = ServeOptions()) {
  using Stream = typename Listener::StreamType;
  internal::ServeState state(std::move(options));
  io::AcceptStreamOptions accepting;
  accepting.multishot =
      state.options().most_connections == ServeOptions::kNoLimit;
  Incoming<Stream> incoming(listener.fd(), accepting, &state.stats().incoming);
  const auto accept = [&](TaskScope& scope) -> Task<Result<void>> {
    const std::size_t most = state.options().most_connections;
    while (true) {
      if (state.count().now() >= most) {
        EDDY_CO_CHECK(co_await state.count().AtMost(most - 1));
      }
      Result<Stream> stream = co_await incoming.Next();
      if (!stream) co_return Unexpected(stream.error());
      state.Begin();
      scope.Spawn(
          internal::ServeConnection(state, handler, *std::move(stream)));
    }
  };
  co_return co_await internal::AcceptAndDrain(state, accept);
}

}  // namespace eddy::net

#endif  // EDDY_NET_SERVE_H_
