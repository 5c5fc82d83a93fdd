// The floor of the HTTP benchmark: a server written by hand on liburing that
// gives every request the same answer. It looks for the empty line that ends a
// request, and at nothing else. One-shot recv and send.
//
//   canned_server PORT FILE     answers with FILE; prints its port; SIGTERM
//                               ends it

#include <cstring>

#include "bench/http/canned.h"
#include "bench/lib/twin_ring.h"

namespace eddy::bench {
namespace {

enum Kind : std::uint64_t { kRecv = kFirstKind, kSend };

struct alignas(8) Connection {
  int fd;
  std::size_t filled;  // of the buffer, by a request that is not complete
  std::size_t owed;    // answers
  std::size_t sent;    // bytes of the answers that are being sent
  char buffer[kBufferSize];
};

TwinRing ring;
const CannedAnswers* answers;

void StartRecv(Connection* c) {
  ring.Recv(c->fd, c->buffer + c->filled, kBufferSize - c->filled, 0, c, kRecv);
}

void StartSend(Connection* c) {
  const std::string_view rest = answers->To(c->owed).substr(c->sent);
  ring.Send(c->fd, rest.data(), rest.size(), c, kSend);
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
  c->filled = 0;
  StartRecv(c);
}

void OnRecv(Connection* c, int result) {
  if (result <= 0) return End(c);
  const char* begin = c->buffer;
  const char* end = begin + c->filled + result;
  c->owed = 0;
  c->sent = 0;
  while (const void* found = ::memmem(
             begin, static_cast<std::size_t>(end - begin), "\r\n\r\n", 4)) {
    begin = static_cast<const char*>(found) + 4;
    ++c->owed;
  }
  c->filled = static_cast<std::size_t>(end - begin);
  std::memmove(c->buffer, begin, c->filled);
  if (c->filled == kBufferSize) return End(c);
  if (c->owed > 0) {
    StartSend(c);
  } else {
    StartRecv(c);
  }
}

void OnSend(Connection* c, int result) {
  if (result <= 0) return End(c);
  c->sent += static_cast<std::size_t>(result);
  if (c->sent == answers->To(c->owed).size()) {
    c->owed -= std::min(c->owed, CannedAnswers::kTogether);
    c->sent = 0;
  }
  if (c->owed > 0) {
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
  if (argc != 3) return 2;
  static const CannedAnswers canned(argv[2]);
  answers = &canned;
  return ServeTcp(ring, argc, argv, OnSocket, OnCompletion);
}
