// What the typed options of sockets (tcp_options.h, udp_options.h) are made of:
// single options, set and read one after the other until one fails.
#ifndef EDDY_NET_SOCKET_OPTION_H_
#define EDDY_NET_SOCKET_OPTION_H_

#include <eddy/runtime/result.h>

#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <limits>
#include <optional>

namespace eddy::net::internal {

// SO_SNDBUF and SO_RCVBUF: the kernel doubles what it is given.
inline constexpr int kMaxSocketBuffer = std::numeric_limits<int>::max() / 2;

// Differentiated services code points; one stands above the bits of ECN.
inline constexpr int kMaxDscp = 63;
inline constexpr int kDscpShift = 2;

// The family of a socket.
Result<int> FamilyOf(int socket) noexcept;

Result<void> SetSocketOption(int socket, int level, int option,
                             int value) noexcept;

// Whether the value, if there is one, is in this range.
template <class T>
bool IsWithin(const std::optional<T>& value, T low, T high) noexcept {
  return !value || (low <= *value && *value <= high);
}

// Sets one option after the other, until one fails.
class SocketOptionSetter {
 public:
  explicit SocketOptionSetter(int socket) noexcept : socket_(socket) {}

  void Set(int level, int option, int value) noexcept {
    SetAs(level, option, value);
  }
  template <class T>
  void Set(int level, int option, const std::optional<T>& value) noexcept {
    if (value) Set(level, option, static_cast<int>(*value));
  }
  template <class Rep, class Period>
  void Set(int level, int option,
           const std::optional<std::chrono::duration<Rep, Period>>& value) {
    if (value) Set(level, option, static_cast<int>(value->count()));
  }
  // Of another type than int.
  template <class T>
  void SetAs(int level, int option, const T& value) noexcept {
    if (result_ &&
        setsockopt(socket_, level, option, &value, sizeof value) != 0) {
      result_ = Unexpected(Error::FromErrno(errno));
    }
  }

  Result<void> result() const noexcept { return result_; }

 private:
  int socket_;
  Result<void> result_;
};

// Reads one option after the other; after one that failed all are zero.
class SocketOptionGetter {
 public:
  explicit SocketOptionGetter(int socket) noexcept : socket_(socket) {}

  int Get(int level, int option) noexcept { return GetAs<int>(level, option); }
  template <class T>
  T GetAs(int level, int option) noexcept {
    T value{};
    socklen_t size = sizeof value;
    if (result_ && getsockopt(socket_, level, option, &value, &size) != 0) {
      result_ = Unexpected(Error::FromErrno(errno));
      return {};
    }
    return value;
  }

  Result<void> result() const noexcept { return result_; }

 private:
  int socket_;
  Result<void> result_;
};

}  // namespace eddy::net::internal

#endif  // EDDY_NET_SOCKET_OPTION_H_
