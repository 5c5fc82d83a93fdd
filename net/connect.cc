#include <eddy/net/connect.h>

#include <eddy/net/resolve.h>
#include <eddy/runtime/stop.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/timeout.h>
#include <eddy/runtime/timer.h>
#include <eddy/runtime/with_stop.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>
#include <utility>

namespace eddy::net {
namespace {

// RFC 8305, section 8: never less.
constexpr Duration kMinAttemptDelay = std::chrono::milliseconds(10);

// How much an error tells of the host.
int Telling(Error error) {
  if (error == std::errc::connection_refused ||
      error == std::errc::connection_reset) {
    return 3;
  }
  if (error == std::errc::timed_out) return 2;
  if (error == std::errc::host_unreachable ||
      error == std::errc::network_unreachable ||
      error == std::errc::network_down) {
    return 1;
  }
  return 0;
}

// The families in turns, each in its order, beginning with the first address's.
std::vector<SocketAddress> Interleaved(
    const std::vector<SocketAddress>& addresses) {
  std::vector<SocketAddress> ones;
  std::vector<SocketAddress> others;
  for (const SocketAddress& each : addresses) {
    const bool is_one = each.family() == addresses.front().family();
    (is_one ? ones : others).push_back(each);
  }
  std::vector<SocketAddress> result;
  for (std::size_t i = 0; result.size() < addresses.size(); ++i) {
    if (i < ones.size()) result.push_back(ones[i]);
    if (i < others.size()) result.push_back(others[i]);
  }
  return result;
}

// The attempts of one call. Outlives the scope that they run in.
class Race {
 public:
  explicit Race(ConnectOptions options) : options_(std::move(options)) {
    delay_ = std::max(options_.attempt_delay, kMinAttemptDelay);
    // Over all of them, and not each.
    options_.timeout = Duration::max();
  }

  Task<Result<void>> Run(TaskScope& scope,
                         const std::vector<SocketAddress>& addresses) {
    for (const SocketAddress& address : addresses) {
      StopSource failed;
      failed_ = &failed;
      scope.Spawn(Attempt(scope, address));
      Result<void> slept;
      if (&address != &addresses.back()) {
        slept = co_await WithStop(failed.token(), Sleep(delay_));
      }
      failed_ = nullptr;
      if (winner_) break;
      if (!slept && !failed.stop_requested()) co_return slept;
    }
    co_return Result<void>();
  }

  std::optional<TcpStream>& winner() { return winner_; }
  // REQUIRES: no winner, and an attempt has failed.
  Error error() const { return *error_; }

 private:
  Task<Result<void>> Attempt(TaskScope& scope, SocketAddress address) {
    Result<TcpStream> stream = co_await TcpStream::Connect(address, options_);
    if (stream && !winner_) {
      winner_ = *std::move(stream);
      scope.RequestStop();
    } else if (!stream && stream.error() == kCanceled) {
      co_return Unexpected(kCanceled);
    } else if (!stream) {
      if (!error_ || Telling(stream.error()) > Telling(*error_)) {
        error_ = stream.error();
      }
      if (failed_ != nullptr) failed_->RequestStop();
    }
    co_return Result<void>();
  }

  ConnectOptions options_;
  Duration delay_;
  // Ends the wait for the next attempt's turn, while there is one.
  StopSource* failed_ = nullptr;
  std::optional<TcpStream> winner_;
  std::optional<Error> error_;
};

Task<Result<TcpStream>> ResolveAndConnect(std::string host, std::uint16_t port,
                                          ConnectOptions options) {
  EDDY_CO_TRY(std::vector<SocketAddress> addresses,
              co_await Resolve(std::move(host), port, options.family));
  options.timeout = Duration::max();
  co_return co_await ConnectAny(std::move(addresses), std::move(options));
}

}  // namespace

Task<Result<TcpStream>> Connect(std::string host, std::uint16_t port) {
  return Connect(std::move(host), port, ConnectOptions());
}

Task<Result<TcpStream>> Connect(std::string host, std::uint16_t port,
                                ConnectOptions options) {
  const Duration timeout = options.timeout;
  co_return co_await WithTimeout(
      timeout, ResolveAndConnect(std::move(host), port, std::move(options)));
}

Task<Result<TcpStream>> ConnectAny(std::vector<SocketAddress> addresses) {
  return ConnectAny(std::move(addresses), ConnectOptions());
}

Task<Result<TcpStream>> ConnectAny(std::vector<SocketAddress> addresses,
                                   ConnectOptions options) {
  if (addresses.empty()) co_return Unexpected(std::errc::invalid_argument);
  EDDY_CO_CHECK(internal::CheckTcpOptions(options.tcp));
  addresses = Interleaved(addresses);
  const Duration timeout = options.timeout;
  Race race(std::move(options));
  const auto body = [&](TaskScope& scope) {
    return race.Run(scope, addresses);
  };
  const Result<void> ended = co_await WithTimeout(timeout, WithScope(body));
  if (race.winner()) co_return *std::move(race.winner());
  if (!ended) co_return Unexpected(ended.error());
  co_return Unexpected(race.error());
}

}  // namespace eddy::net
