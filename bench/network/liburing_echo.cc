// Echo on liburing: with multishot receives into a ring of buffers; with large
// messages, sent as usual and zero-copy. (The plain one for small messages is
// bench/echo's.)

#include <vector>

#include "bench/network/buffer_ring.h"
#include "bench/network/connection_server.h"
#include "bench/network/liburing.h"
#include "bench/network/protocol.h"

namespace eddy::bench::twin {
namespace {

constexpr unsigned kBuffers = 1024;
constexpr unsigned kNone = kBuffers;

// What has come but is not sent back yet is a list of buffers; the first one is
// being sent.
struct alignas(8) MultishotConnection {
  int fd;
  unsigned first = kNone;
  unsigned last = kNone;
  unsigned sent = 0;  // of the first one
  bool receiving = false;
};

class MultishotEcho
    : public ConnectionServer<MultishotEcho, MultishotConnection> {
 public:
  using Connection = MultishotConnection;

  void StartRecv(Connection* c) {
    BufferRing::Recv(ring_, c->fd, c, kRecv);
    c->receiving = true;
  }

  void StartSend(Connection* c) {
    ring_.Send(c->fd, buffers_.At(c->first) + c->sent,
               filled_[c->first].size - c->sent, c, kSend);
  }

  void OnRecv(Connection* c, const io_uring_cqe& cqe) {
    if ((cqe.flags & IORING_CQE_F_BUFFER) != 0) {
      const unsigned id = BufferRing::IdOf(cqe);
      filled_[id] = {static_cast<unsigned>(cqe.res), kNone};
      if (cqe.res <= 0) {
        GiveBack(id);
      } else if (c->first == kNone) {
        c->first = c->last = id;
        StartSend(c);
      } else {
        filled_[c->last].next = id;
        c->last = id;
      }
    }
    if ((cqe.flags & IORING_CQE_F_MORE) != 0) return;
    c->receiving = false;
    if (cqe.res > 0 || (cqe.res == -ENOBUFS && buffers_.Grow())) {
      StartRecv(c);
    } else if (cqe.res == -ENOBUFS) {
      starving_.push_back(c);
      c->receiving = true;
    } else if (c->first == kNone) {
      End(c);
    }
  }

  void OnSend(Connection* c, const io_uring_cqe& cqe) {
    const int result = cqe.res;
    if (result > 0) c->sent += static_cast<unsigned>(result);
    if (result > 0 && c->sent < filled_[c->first].size) return StartSend(c);
    const unsigned id = c->first;
    c->first = filled_[id].next;
    c->sent = 0;
    GiveBack(id);
    if (c->first != kNone) {
      StartSend(c);
    } else if (!c->receiving) {
      End(c);
    }
  }

 private:
  struct Filled {
    unsigned size;
    unsigned next;
  };

  void GiveBack(unsigned id) {
    buffers_.Return(id);
    if (starving_.empty()) return;
    StartRecv(starving_.back());
    starving_.pop_back();
  }

  BufferRing buffers_{ring_, kBuffers, kBufferSize};
  Filled filled_[kBuffers];
  std::vector<Connection*> starving_;
};

struct alignas(8) LargeConnection {
  int fd;
  unsigned sent;
  unsigned received;
  bool failed;
  char buffer[kBlock];
};

// One-shot, with buffers of kBlock. Zero-copy: waits for the notification,
// after which the buffer is free again.
class LargeEcho : public ConnectionServer<LargeEcho, LargeConnection> {
 public:
  using Connection = LargeConnection;

  explicit LargeEcho(bool zero_copy) : zero_copy_(zero_copy) {}

  void StartRecv(Connection* c) {
    ring_.Recv(c->fd, c->buffer, kBlock, 0, c, kRecv);
  }

  void StartSend(Connection* c) {
    const char* rest = c->buffer + c->sent;
    const std::size_t size = c->received - c->sent;
    if (!zero_copy_) return ring_.Send(c->fd, rest, size, c, kSend);
    io_uring_sqe* sqe = ring_.Sqe();
    io_uring_prep_send_zc(sqe, c->fd, rest, size, MSG_NOSIGNAL, 0);
    Tag(sqe, c, kSend);
  }

  void OnRecv(Connection* c, const io_uring_cqe& cqe) {
    if (cqe.res <= 0) return End(c);
    c->received = static_cast<unsigned>(cqe.res);
    c->sent = 0;
    c->failed = false;
    StartSend(c);
  }

  void OnSend(Connection* c, const io_uring_cqe& cqe) {
    if ((cqe.flags & IORING_CQE_F_NOTIF) == 0) {
      if (cqe.res <= 0) c->failed = true;
      if (cqe.res > 0) c->sent += static_cast<unsigned>(cqe.res);
      if ((cqe.flags & IORING_CQE_F_MORE) != 0) return;
    }
    if (c->failed) return End(c);
    if (c->sent < c->received) {
      StartSend(c);
    } else {
      StartRecv(c);
    }
  }

 private:
  const bool zero_copy_;
};

}  // namespace

int EchoMultishot(int argc, char** argv) {
  static MultishotEcho echo;
  return echo.Serve(argc, argv);
}

int EchoLarge(int argc, char** argv) {
  static LargeEcho echo(/*zero_copy=*/false);
  return echo.Serve(argc, argv);
}

int EchoZeroCopy(int argc, char** argv) {
  static LargeEcho echo(/*zero_copy=*/true);
  return echo.Serve(argc, argv);
}

}  // namespace eddy::bench::twin
