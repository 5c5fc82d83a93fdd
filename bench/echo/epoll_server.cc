// The classical rival in the echo benchmark: an echo server written by hand on
// epoll. Edge-triggered, which saves the kernel a second look at every ready
// socket; a read that does not fill the buffer has emptied the socket
// (epoll(7)), so a request costs one recv and one send.
//
//   epoll_server [PORT]      prints its port; SIGTERM ends it

#include <sys/epoll.h>

#include <cerrno>

#include "bench/lib/twin.h"

namespace eddy::bench {
namespace {

constexpr int kEvents = 512;
constexpr unsigned kGone = EPOLLRDHUP | EPOLLHUP | EPOLLERR;

struct Connection {
  int fd;
  std::size_t sent;      // of the `received` bytes
  std::size_t received;  // by the last recv; 0 when all is echoed
  char buffer[kBufferSize];
};

enum class Progress { kWaiting, kDone, kClosed };

void Watch(int epoll, int fd, unsigned events, void* data) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = data;
  if (::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) Die("epoll_ctl");
}

// Takes one connection per call; the listener is level-triggered and comes
// back while there are more.
void Accept(int epoll, int listener) {
  const int fd =
      ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) return;
  auto* c = new Connection;
  c->fd = fd;
  c->sent = c->received = 0;
  Watch(epoll, fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, c);
}

Progress SendRest(Connection* c) {
  while (c->sent < c->received) {
    const ssize_t n =
        ::send(c->fd, c->buffer + c->sent, c->received - c->sent, MSG_NOSIGNAL);
    if (n < 0) {
      if (errno == EINTR) continue;
      return errno == EAGAIN ? Progress::kWaiting : Progress::kClosed;
    }
    c->sent += static_cast<std::size_t>(n);
  }
  c->received = c->sent = 0;
  return Progress::kDone;
}

Progress Serve(Connection* c, unsigned events) {
  for (;;) {
    // What an earlier event could not send goes first.
    if (const Progress p = SendRest(c); p != Progress::kDone) return p;
    if ((events & (EPOLLIN | kGone)) == 0) return Progress::kDone;
    const ssize_t n = ::recv(c->fd, c->buffer, kBufferSize, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return Progress::kDone;
    if (n <= 0) return Progress::kClosed;
    c->received = static_cast<std::size_t>(n);
    if (const Progress p = SendRest(c); p != Progress::kDone) return p;
    // Emptied, unless the end of the stream stands behind the data.
    if (static_cast<std::size_t>(n) < kBufferSize && (events & kGone) == 0) {
      return Progress::kDone;
    }
  }
}

int Main(int argc, char** argv) {
  const int termination = TerminationFd();
  const int listener = ListenAndAnnounce(argc, argv, SOCK_NONBLOCK);
  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  if (epoll < 0) Die("epoll_create1");
  int listener_tag = 0;
  int termination_tag = 0;
  Watch(epoll, listener, EPOLLIN, &listener_tag);
  Watch(epoll, termination, EPOLLIN, &termination_tag);

  static epoll_event events[kEvents];
  for (;;) {
    const int n = ::epoll_wait(epoll, events, kEvents, -1);
    if (n < 0 && errno != EINTR) Die("epoll_wait");
    for (int i = 0; i < n; ++i) {
      void* const data = events[i].data.ptr;
      if (data == &listener_tag) {
        Accept(epoll, listener);
        continue;
      }
      if (data == &termination_tag) return 0;
      auto* c = static_cast<Connection*>(data);
      if (Serve(c, events[i].events) == Progress::kClosed) {
        ::close(c->fd);
        delete c;
      }
    }
  }
}

}  // namespace
}  // namespace eddy::bench

int main(int argc, char** argv) { return eddy::bench::Main(argc, argv); }
