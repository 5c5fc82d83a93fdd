// The floor of the echo benchmark: an echo server written by hand on liburing,
// with no layer between the request and the ring. One-shot recv and send.
//
//   liburing_server [PORT]      prints its port; SIGTERM ends it

#include "bench/lib/twin_ring.h"

namespace eddy::bench {
namespace {

enum Kind : std::uint64_t { kRecv = kFirstKind, kSend };

struct alignas(8) Connection {
  int fd;
  unsigned sent;      // of the `received` bytes
  unsigned received;  // by the last recv
  char buffer[kBufferSize];
};

TwinRing ring;

void StartRecv(Connection* c) {
  ring.Recv(c->fd, c->buffer, kBufferSize, 0, c, kRecv);
}

void StartSend(Connection* c) {
  ring.Send(c->fd, c->buffer + c->sent, c->received - c->sent, c, kSend);
}

// A connection has one operation in flight at most, so when that has failed or
// met the end of the stream nothing refers to it any more.
void End(Connection* c) {
  ::close(c->fd);
  delete c;
}

void OnSocket(int fd) {
  auto* c = new Connection;
  c->fd = fd;
  StartRecv(c);
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

void OnCompletion(const io_uring_cqe& cqe) {
  auto* c = ObjectOf<Connection>(cqe);
  if ((cqe.user_data & kKindMask) == kRecv) {
    OnRecv(c, cqe.res);
  } else {
    OnSend(c, cqe.res);
  }
}

}  // namespace
}  // namespace eddy::bench

int main(int argc, char** argv) {
  using namespace eddy::bench;  // NOLINT: a program
  return ServeTcp(ring, argc, argv, OnSocket, OnCompletion);
}
