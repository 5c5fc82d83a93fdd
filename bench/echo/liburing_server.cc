// The floor of the echo benchmark: an echo server written by hand on liburing,
// with no layer between the request and the ring. One-shot recv and send, one
// system call per loop turn, and the ring flags that eddy's reactor uses (but
// for NO_SQARRAY, which liburing 2.3 cannot drive).
//
//   liburing_server [PORT]      prints its port; SIGTERM ends it

#include <liburing.h>
#include <poll.h>

#include <cerrno>
#include <cstdint>
#include <cstring>

#include "bench/echo/twin.h"

namespace eddy::bench {
namespace {

constexpr unsigned kSubmissions = 512;
constexpr unsigned kCompletions = 4096;

// The low bits of user_data say which operation has completed; the rest is the
// connection.
enum Kind : std::uint64_t { kRecv, kSend, kAccept, kTerminate, kKindMask = 3 };

struct Connection {
  int fd;
  unsigned sent;      // of the `received` bytes
  unsigned received;  // by the last recv
  char buffer[kBufferSize];
};

io_uring ring;

io_uring_sqe* Sqe() {
  io_uring_sqe* sqe = io_uring_get_sqe(&ring);
  while (sqe == nullptr) {
    io_uring_submit(&ring);
    sqe = io_uring_get_sqe(&ring);
  }
  return sqe;
}

void Tag(io_uring_sqe* sqe, Connection* connection, Kind kind) {
  io_uring_sqe_set_data64(sqe,
                          reinterpret_cast<std::uintptr_t>(connection) | kind);
}

void StartAccept(int listener) {
  io_uring_sqe* sqe = Sqe();
  io_uring_prep_multishot_accept(sqe, listener, nullptr, nullptr, SOCK_CLOEXEC);
  Tag(sqe, nullptr, kAccept);
}

void StartRecv(Connection* c) {
  io_uring_sqe* sqe = Sqe();
  io_uring_prep_recv(sqe, c->fd, c->buffer, kBufferSize, 0);
  Tag(sqe, c, kRecv);
}

void StartSend(Connection* c) {
  io_uring_sqe* sqe = Sqe();
  io_uring_prep_send(sqe, c->fd, c->buffer + c->sent, c->received - c->sent,
                     MSG_NOSIGNAL);
  Tag(sqe, c, kSend);
}

// A connection has one operation in flight at most, so when that has failed or
// met the end of the stream nothing refers to it any more.
void End(Connection* c) {
  ::close(c->fd);
  delete c;
}

void OnAccept(int listener, const io_uring_cqe* cqe) {
  if (cqe->res >= 0) {
    SetNoDelay(cqe->res);
    auto* c = new Connection;
    c->fd = cqe->res;
    StartRecv(c);
  }
  if ((cqe->flags & IORING_CQE_F_MORE) == 0) StartAccept(listener);
}

void OnRecv(Connection* c, int result) {
  if (result <= 0) return End(c);
  c->received = static_cast<unsigned>(result);
  c->sent = 0;
  StartSend(c);
}

void OnSend(Connection* c, int result) {
  if (result <= 0) return End(c);
  c->sent += static_cast<unsigned>(result);
  if (c->sent < c->received) {
    StartSend(c);
  } else {
    StartRecv(c);
  }
}

void SetUpRing() {
  io_uring_params params{};
  params.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                 IORING_SETUP_SUBMIT_ALL | IORING_SETUP_TASKRUN_FLAG |
                 IORING_SETUP_CQSIZE;
  params.cq_entries = kCompletions;
  const int result = io_uring_queue_init_params(kSubmissions, &ring, &params);
  if (result < 0) {
    errno = -result;
    Die("io_uring_queue_init_params");
  }
  io_uring_register_ring_fd(&ring);
}

int Main(int argc, char** argv) {
  const int termination = TerminationFd();
  const int listener = ListenAndAnnounce(argc, argv, 0);
  SetUpRing();
  StartAccept(listener);
  io_uring_sqe* sqe = Sqe();
  io_uring_prep_poll_add(sqe, termination, POLLIN);
  Tag(sqe, nullptr, kTerminate);

  for (;;) {
    const int result = io_uring_submit_and_wait(&ring, 1);
    if (result < 0 && result != -EINTR && result != -EBUSY &&
        result != -EAGAIN) {
      errno = -result;
      Die("io_uring_submit_and_wait");
    }
    unsigned head;
    unsigned seen = 0;
    io_uring_cqe* cqe;
    io_uring_for_each_cqe(&ring, head, cqe) {
      ++seen;
      const std::uint64_t data = cqe->user_data;
      auto* c = reinterpret_cast<Connection*>(
          static_cast<std::uintptr_t>(data & ~std::uint64_t{kKindMask}));
      switch (data & kKindMask) {
        case kRecv:
          OnRecv(c, cqe->res);
          break;
        case kSend:
          OnSend(c, cqe->res);
          break;
        case kAccept:
          OnAccept(listener, cqe);
          break;
        case kTerminate:
          return 0;  // The process ends here, and with it all connections.
      }
    }
    io_uring_cq_advance(&ring, seen);
  }
}

}  // namespace
}  // namespace eddy::bench

int main(int argc, char** argv) { return eddy::bench::Main(argc, argv); }
