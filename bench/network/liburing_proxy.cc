// A proxy on liburing: each direction receives into a buffer and sends that.

#include <cstdlib>

#include "bench/lib/twin_ring.h"
#include "bench/network/liburing.h"
#include "bench/network/protocol.h"

namespace eddy::bench::twin {
namespace {

enum Kind : std::uint64_t { kConnect = kFirstKind, kRecv, kSend };

struct Pair;

// One direction.
struct alignas(8) Pump {
  Pair* pair;
  int from;
  int to;
  unsigned sent;
  unsigned received;
  char buffer[kBlock];
};

struct alignas(8) Pair {
  int client;
  int backend;
  int open = 2;  // directions that have not ended
  Pump pumps[2];
};

TwinRing ring;
sockaddr_in backend_address;

void StartRecv(Pump* p) { ring.Recv(p->from, p->buffer, kBlock, 0, p, kRecv); }

void StartSend(Pump* p) {
  ring.Send(p->to, p->buffer + p->sent, p->received - p->sent, p, kSend);
}

void EndPair(Pair* pair) {
  ::close(pair->client);
  ::close(pair->backend);
  delete pair;
}

void End(Pump* p, bool failed) {
  // A direction that has ended well closes its half; one that has failed takes
  // the other one along.
  if (failed) ::shutdown(p->from, SHUT_RDWR);
  ::shutdown(p->to, failed ? SHUT_RDWR : SHUT_WR);
  if (--p->pair->open == 0) EndPair(p->pair);
}

void OnSocket(int fd) {
  auto* pair = new Pair;
  pair->client = fd;
  pair->backend = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
  if (pair->backend < 0) Die("socket");
  SetNoDelay(pair->backend);
  io_uring_sqe* sqe = ring.Sqe();
  io_uring_prep_connect(sqe, pair->backend,
                        reinterpret_cast<sockaddr*>(&backend_address),
                        sizeof backend_address);
  Tag(sqe, pair, kConnect);
}

void OnConnect(Pair* pair, int result) {
  if (result < 0) return EndPair(pair);
  pair->pumps[0].from = pair->pumps[1].to = pair->client;
  pair->pumps[0].to = pair->pumps[1].from = pair->backend;
  for (Pump& pump : pair->pumps) {
    pump.pair = pair;
    StartRecv(&pump);
  }
}

void OnCompletion(const io_uring_cqe& cqe) {
  switch (cqe.user_data & kKindMask) {
    case kConnect:
      return OnConnect(ObjectOf<Pair>(cqe), cqe.res);
    case kRecv: {
      auto* p = ObjectOf<Pump>(cqe);
      if (cqe.res <= 0) return End(p, cqe.res < 0);
      p->received = static_cast<unsigned>(cqe.res);
      p->sent = 0;
      return StartSend(p);
    }
    default: {
      auto* p = ObjectOf<Pump>(cqe);
      if (cqe.res <= 0) return End(p, true);
      p->sent += static_cast<unsigned>(cqe.res);
      return p->sent < p->received ? StartSend(p) : StartRecv(p);
    }
  }
}

}  // namespace

int Proxy(int argc, char** argv) {
  backend_address = Loopback(argc > 1 ? argv[1] : "0");
  return ServeTcp(ring, argc - 1, argv + 1, OnSocket, OnCompletion);
}

}  // namespace eddy::bench::twin
