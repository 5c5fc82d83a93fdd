#include <eddy/net/incoming.h>

#include <eddy/runtime/timer.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

namespace eddy::net::internal {
namespace {

constexpr Duration kFirstPause = std::chrono::milliseconds(10);
constexpr Duration kLongestPause = std::chrono::seconds(1);

// accept(2), "Error handling": what has happened to the connection.
bool IsOfTheConnection(Error error) {
  switch (error.code()) {
    case ECONNABORTED:
    case ECONNRESET:
    case EPERM:  // a firewall
    case EPROTO:
    case ENOPROTOOPT:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENONET:
    case ETIMEDOUT:
    case EINTR:
      return true;
    default:
      return false;
  }
}

bool IsExhaustion(Error error) {
  switch (error.code()) {
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
      return true;
    default:
      return false;
  }
}

}  // namespace

Task<Result<io::Fd>> IncomingSockets::Next() {
  while (true) {
    Result<io::Fd> socket = co_await connections_.Next(*listener_);
    if (socket) {
      ++Stats().accepted;
      pause_ = Duration::zero();
      co_return socket;
    }
    if (IsOfTheConnection(socket.error())) {
      ++Stats().given_up;
    } else if (IsExhaustion(socket.error())) {
      ++Stats().exhausted;
      pause_ = std::clamp(2 * pause_, kFirstPause, kLongestPause);
      EDDY_CO_CHECK(co_await Sleep(pause_));
    } else {
      co_return socket;
    }
  }
}

}  // namespace eddy::net::internal
