// What the hand-written echo twins share: the listening socket, the announced
// port and the wish to end. Not here: anything on the path of a request, which
// each twin writes out in full, because that path is what is compared.

#ifndef EDDY_BENCH_ECHO_TWIN_H_
#define EDDY_BENCH_ECHO_TWIN_H_

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

namespace eddy::bench {

// Every subject gives a connection one buffer of this size.
inline constexpr std::size_t kBufferSize = std::size_t{16} * 1024;
inline constexpr int kBacklog = 4096;

[[noreturn]] inline void Die(const char* what) {
  std::perror(what);
  std::exit(1);
}

// Listens on the loopback port named by `argv[1]` (0 or none: the kernel
// picks) and prints the port on a line of its own, which tells the driver that
// connections are welcome. `extra_type` is SOCK_NONBLOCK or 0.
inline int ListenAndAnnounce(int argc, char** argv, int extra_type) {
  const int fd =
      ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | extra_type, IPPROTO_TCP);
  if (fd < 0) Die("socket");
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port =
      htons(static_cast<std::uint16_t>(argc > 1 ? std::atoi(argv[1]) : 0));
  socklen_t length = sizeof address;
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), length) != 0) {
    Die("bind");
  }
  if (::listen(fd, kBacklog) != 0) Die("listen");
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    Die("getsockname");
  }
  std::printf("%d\n", ntohs(address.sin_port));
  std::fflush(stdout);
  return fd;
}

inline void SetNoDelay(int fd) {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
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

}  // namespace eddy::bench

#endif  // EDDY_BENCH_ECHO_TWIN_H_
