// What the hand-written echo twins share: the listening socket, the announced
// port and the wish to end. Not here: anything on the path of a request, which
// each twin writes out in full, because that path is what is compared.

#ifndef EDDY_BENCH_LIB_TWIN_H_
#define EDDY_BENCH_LIB_TWIN_H_

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "bench/lib/die.h"

namespace eddy::bench {

// Every subject gives a connection one buffer of this size.
inline constexpr std::size_t kBufferSize = std::size_t{16} * 1024;
inline constexpr int kBacklog = 4096;

inline sockaddr_in Loopback(const char* port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(std::atoi(port)));
  return address;
}

// A socket on the loopback port named by `argv[1]` (0 or none: the kernel
// picks). `type` may have SOCK_NONBLOCK in it.
inline int BindLoopback(int argc, char** argv, int type) {
  const int fd = ::socket(AF_INET, type | SOCK_CLOEXEC, 0);
  if (fd < 0) Die("socket");
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  // So that a server for each core can share a port.
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  const sockaddr_in address = Loopback(argc > 1 ? argv[1] : "0");
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) !=
      0) {
    Die("bind");
  }
  return fd;
}

// Prints the socket's port on a line of its own, which tells the driver that
// requests are welcome.
inline void Announce(int fd) {
  sockaddr_in address{};
  socklen_t length = sizeof address;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    Die("getsockname");
  }
  std::printf("%d\n", ntohs(address.sin_port));
  std::fflush(stdout);
}

inline void SetNoDelay(int fd) {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

// Listens on the loopback port named by `argv[1]` and announces it. Its
// connections have TCP_NODELAY, which they inherit. `extra_type` is
// SOCK_NONBLOCK or 0.
inline int ListenAndAnnounce(int argc, char** argv, int extra_type) {
  const int fd = BindLoopback(argc, argv, SOCK_STREAM | extra_type);
  SetNoDelay(fd);
  if (::listen(fd, kBacklog) != 0) Die("listen");
  Announce(fd);
  return fd;
}

// A descriptor that becomes readable when SIGTERM or SIGINT asks for the end.
inline int TerminationFd() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  const int fd = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  if (fd < 0) Die("signalfd");
  return fd;
}

// For programs whose loop knows no signalfd: SIGTERM and SIGINT end them at
// once, and well.
inline void ExitOnTermination() {
  struct sigaction action {};
  action.sa_handler = [](int) { ::_exit(0); };
  ::sigaction(SIGTERM, &action, nullptr);
  ::sigaction(SIGINT, &action, nullptr);
}

}  // namespace eddy::bench

#endif  // EDDY_BENCH_LIB_TWIN_H_
