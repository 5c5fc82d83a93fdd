#include "examples/blocking_sockets/socket.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <stdexcept>
#include <system_error>
#include <thread>

namespace blocking_sockets {
namespace {

constexpr int kBacklog = 4096;
// Before the next try after an error.
constexpr std::chrono::milliseconds kPause(10);

[[noreturn]] void Fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

timeval ToTimeval(std::chrono::nanoseconds time) {
  using std::chrono::microseconds;
  const auto us =
      std::max(std::chrono::duration_cast<microseconds>(time), microseconds(1));
  return {us.count() / 1'000'000, us.count() % 1'000'000};
}

void SetOption(int fd, int level, int name, int value) {
  setsockopt(fd, level, name, &value, sizeof value);
}

struct FreeAddresses {
  void operator()(addrinfo* addresses) const { freeaddrinfo(addresses); }
};
using Addresses = std::unique_ptr<addrinfo, FreeAddresses>;

Addresses Parse(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  std::string host = address.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (colon == std::string::npos ||
      getaddrinfo(host.c_str(), address.substr(colon + 1).c_str(), &hints,
                  &found) != 0) {
    throw std::invalid_argument("no address: " + address);
  }
  return Addresses(found);
}

}  // namespace

Socket::~Socket() {
  if (fd_ >= 0) close(fd_);
}

Socket Socket::Connect(const std::string& address) {
  const Addresses to = Parse(address);
  Socket connected(socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (connected.fd_ < 0 ||
      connect(connected.fd_, to->ai_addr, to->ai_addrlen) != 0) {
    Fail(address.c_str());
  }
  return connected;
}

void Socket::SetReceiveTimeout(std::chrono::nanoseconds timeout) {
  const timeval time = ToTimeval(timeout);
  setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
}

void Socket::SetSendTimeout(std::chrono::nanoseconds timeout) {
  const timeval time = ToTimeval(timeout);
  setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
}

std::optional<std::size_t> Socket::Receive(char* to, std::size_t size) {
  while (true) {
    const ssize_t n = recv(fd_, to, size, 0);
    if (n >= 0) return static_cast<std::size_t>(n);
    if (errno == EAGAIN) return std::nullopt;
    if (errno != EINTR) return 0;
  }
}

bool Socket::SendAll(std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
    if (n > 0) {
      text.remove_prefix(static_cast<std::size_t>(n));
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

void Socket::EndGently(std::chrono::nanoseconds time) {
  using Clock = std::chrono::steady_clock;
  EndSends();
  const Clock::time_point end = Clock::now() + time;
  std::array<char, 1024> buffer;
  while (true) {
    const std::chrono::nanoseconds left = end - Clock::now();
    if (left <= std::chrono::nanoseconds::zero()) return;
    SetReceiveTimeout(left);
    if (Receive(buffer.data(), buffer.size()).value_or(0) == 0) return;
  }
}

void Socket::EndReceives() noexcept { shutdown(fd_, SHUT_RD); }
void Socket::EndSends() noexcept { shutdown(fd_, SHUT_WR); }
void Socket::EndBoth() noexcept { shutdown(fd_, SHUT_RDWR); }

Listener::Listener(const std::string& address, int send_buffer) {
  const Addresses to = Parse(address);
  fd_ = socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd_ < 0) Fail("socket");
  SetOption(fd_, SOL_SOCKET, SO_REUSEADDR, 1);
  SetOption(fd_, IPPROTO_TCP, TCP_NODELAY, 1);
  if (send_buffer > 0) SetOption(fd_, SOL_SOCKET, SO_SNDBUF, send_buffer);
  if (bind(fd_, to->ai_addr, to->ai_addrlen) != 0 ||
      listen(fd_, kBacklog) != 0) {
    const int error = errno;
    close(fd_);
    errno = error;
    Fail(address.c_str());
  }
}

Listener::~Listener() { close(fd_); }

std::string Listener::address() const {
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  auto* const to = reinterpret_cast<sockaddr*>(&bound);
  char host[NI_MAXHOST];
  char port[NI_MAXSERV];
  if (getsockname(fd_, to, &size) != 0 ||
      getnameinfo(to, size, host, sizeof host, port, sizeof port,
                  NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
    Fail("getsockname");
  }
  const std::string name(host);
  return (bound.ss_family == AF_INET6 ? "[" + name + "]" : name) + ":" + port;
}

std::optional<Socket> Listener::Accept() {
  while (true) {
    const int fd = accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd >= 0) return Socket(fd);
    if (errno == EINVAL) return std::nullopt;
    // A client that has gone already, or no descriptor is free.
    if (errno != EINTR) std::this_thread::sleep_for(kPause);
  }
}

void Listener::Stop() noexcept { shutdown(fd_, SHUT_RDWR); }

}  // namespace blocking_sockets
