// Streams in one direction on liburing.

#include <vector>

#include "bench/network/buffer_ring.h"
#include "bench/network/connection_server.h"
#include "bench/network/liburing.h"
#include "bench/network/protocol.h"

namespace eddy::bench::twin {
namespace {

// Answers with single bytes, whose success nobody needs to know of.
void SendAnswers(TwinRing& ring, int fd, std::size_t count) {
  for (; count > 0; --count) {
    io_uring_sqe* sqe = ring.Sqe();
    io_uring_prep_send(sqe, fd, answer_block, 1, MSG_NOSIGNAL);
    io_uring_sqe_set_flags(sqe, IOSQE_CQE_SKIP_SUCCESS);
    io_uring_sqe_set_data64(sqe, kIgnored);
  }
}

struct alignas(8) ReceivingConnection {
  int fd;
  BatchCounter counter;
  char buffer[kBlock];
};

class OneShotReceive
    : public ConnectionServer<OneShotReceive, ReceivingConnection> {
 public:
  using Connection = ReceivingConnection;

  explicit OneShotReceive(int flags) : flags_(flags) {}

  void StartRecv(Connection* c) {
    ring_.Recv(c->fd, c->buffer, kBlock, flags_, c, kRecv);
  }

  void OnRecv(Connection* c, const io_uring_cqe& cqe) {
    if (cqe.res <= 0) return End(c);
    SendAnswers(ring_, c->fd,
                c->counter.Add(static_cast<std::size_t>(cqe.res)));
    StartRecv(c);
  }

  void OnSend(Connection*, const io_uring_cqe&) {}

 private:
  const int flags_;
};

struct alignas(8) CountingConnection {
  int fd;
  BatchCounter counter;
};

class MultishotReceive
    : public ConnectionServer<MultishotReceive, CountingConnection> {
 public:
  using Connection = CountingConnection;

  void StartRecv(Connection* c) { BufferRing::Recv(ring_, c->fd, c, kRecv); }

  void OnRecv(Connection* c, const io_uring_cqe& cqe) {
    if ((cqe.flags & IORING_CQE_F_BUFFER) != 0) {
      buffers_.Return(BufferRing::IdOf(cqe));
    }
    if (cqe.res > 0) {
      SendAnswers(ring_, c->fd,
                  c->counter.Add(static_cast<std::size_t>(cqe.res)));
    }
    if ((cqe.flags & IORING_CQE_F_MORE) != 0) return;
    if (cqe.res > 0 || cqe.res == -ENOBUFS) {
      // All buffers are back by the end of the turn; more help all the same.
      if (cqe.res < 0) buffers_.Grow();
      StartRecv(c);
    } else {
      End(c);
    }
  }

  void OnSend(Connection*, const io_uring_cqe&) {}

 private:
  static constexpr unsigned kBuffers = 64;

  BufferRing buffers_{ring_, kBuffers, kBlock};
};

struct alignas(8) SendingConnection {
  int fd;
  std::size_t rest = 0;  // of what was asked for
  char request;
};

class OneShotSend : public ConnectionServer<OneShotSend, SendingConnection> {
 public:
  using Connection = SendingConnection;

  void StartRecv(Connection* c) {
    ring_.Recv(c->fd, &c->request, 1, 0, c, kRecv);
  }

  void OnRecv(Connection* c, const io_uring_cqe& cqe) {
    if (cqe.res <= 0) return End(c);
    c->rest = kBatch;
    StartSend(c);
  }

  void OnSend(Connection* c, const io_uring_cqe& cqe) {
    if (cqe.res <= 0) return End(c);
    c->rest -= static_cast<std::size_t>(cqe.res);
    if (c->rest > 0) {
      StartSend(c);
    } else {
      StartRecv(c);
    }
  }

 private:
  void StartSend(Connection* c) {
    ring_.Send(c->fd, answer_block, c->rest < kBlock ? c->rest : kBlock, c,
               kSend);
  }
};

}  // namespace

int Receive(int argc, char** argv) {
  static OneShotReceive server(0);
  return server.Serve(argc, argv);
}

int ReceiveMultishot(int argc, char** argv) {
  static MultishotReceive server;
  return server.Serve(argc, argv);
}

int Drain(int argc, char** argv) {
  static OneShotReceive server(MSG_TRUNC);
  return server.Serve(argc, argv);
}

int Send(int argc, char** argv) {
  static OneShotSend server;
  return server.Serve(argc, argv);
}

}  // namespace eddy::bench::twin
