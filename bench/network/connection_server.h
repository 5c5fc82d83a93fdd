// A hand-written TCP twin as a class: connections that receive and send.

#ifndef EDDY_BENCH_NETWORK_CONNECTION_SERVER_H_
#define EDDY_BENCH_NETWORK_CONNECTION_SERVER_H_

#include <unistd.h>

#include <cstdint>

#include "bench/lib/twin_ring.h"

namespace eddy::bench {

// `Twin` derives from this and has StartRecv(c), OnRecv(c, cqe) and
// OnSend(c, cqe). A Connection is aligned to 8 and has a member `fd`.
template <typename Twin, typename Connection>
class ConnectionServer {
 public:
  int Serve(int argc, char** argv) {
    return ServeTcp(
        ring_, argc, argv,
        [this](int fd) {
          auto* c = new Connection;
          c->fd = fd;
          twin().StartRecv(c);
        },
        [this](const io_uring_cqe& cqe) {
          auto* c = ObjectOf<Connection>(cqe);
          if ((cqe.user_data & kKindMask) == kRecv) {
            twin().OnRecv(c, cqe);
          } else {
            twin().OnSend(c, cqe);
          }
        });
  }

 protected:
  enum Kind : std::uint64_t { kRecv = kFirstKind, kSend };

  // Nothing of the connection is in flight.
  void End(Connection* c) {
    ::close(c->fd);
    delete c;
  }

  TwinRing ring_;

 private:
  Twin& twin() { return static_cast<Twin&>(*this); }
};

}  // namespace eddy::bench

#endif  // EDDY_BENCH_NETWORK_CONNECTION_SERVER_H_
