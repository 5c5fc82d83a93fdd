// UDP echo on liburing.

#include <netinet/udp.h>

#include <cstring>

#include "bench/network/buffer_ring.h"
#include "bench/network/liburing.h"
#include "bench/network/protocol.h"
#include "bench/network/udp_twin.h"

namespace eddy::bench::twin {
namespace {

enum Kind : std::uint64_t { kRecv, kSend, kStop };

// Waits for SIGTERM besides.
template <typename Handle>
int ServeUdp(TwinRing& ring, Handle&& handle) {
  io_uring_sqe* sqe = ring.Sqe();
  io_uring_prep_poll_add(sqe, TerminationFd(), POLLIN);
  Tag(sqe, nullptr, kStop);
  ring.Loop([&](const io_uring_cqe& cqe) {
    if ((cqe.user_data & kKindMask) == kStop) return false;
    handle(cqe);
    return true;
  });
  return 0;
}

// One datagram, or with `bulk` several of one peer, after the other.
int ServeOneByOne(int argc, char** argv, bool bulk) {
  static TwinRing ring;
  const int fd = BindAndAnnounceUdp(argc, argv);
  if (bulk) EnableGro(fd);
  static char buffer[kBulk];
  static UdpMessage message;
  const auto start_recv = [fd] {
    message.ExpectAnything(buffer, sizeof buffer);
    io_uring_sqe* sqe = ring.Sqe();
    io_uring_prep_recvmsg(sqe, fd, &message.header, 0);
    Tag(sqe, nullptr, kRecv);
  };
  start_recv();
  return ServeUdp(ring, [&](const io_uring_cqe& cqe) {
    if ((cqe.user_data & kKindMask) == kSend || cqe.res < 0) {
      return start_recv();
    }
    message.AnswerWith(static_cast<std::size_t>(cqe.res));
    io_uring_sqe* sqe = ring.Sqe();
    io_uring_prep_sendmsg(sqe, fd, &message.header, 0);
    Tag(sqe, nullptr, kSend);
  });
}

class MultishotUdp {
 public:
  explicit MultishotUdp(int fd) : fd_(fd) {
    layout_.msg_namelen = sizeof(sockaddr_in);
    StartRecv();
  }

  int Serve() {
    return ServeUdp(ring_, [this](const io_uring_cqe& cqe) {
      if ((cqe.user_data & kKindMask) == kSend) {
        GiveBack(static_cast<unsigned>(cqe.user_data >> kIdShift));
      } else {
        OnRecv(cqe);
      }
    });
  }

 private:
  static constexpr unsigned kBuffers = 256;
  static constexpr unsigned kIdShift = 3;
  struct Answer {
    msghdr header;
    iovec part;
  };

  void StartRecv() {
    io_uring_sqe* sqe = ring_.Sqe();
    io_uring_prep_recvmsg_multishot(sqe, fd_, &layout_, 0);
    BufferRing::Select(sqe);
    Tag(sqe, nullptr, kRecv);
  }

  void OnRecv(const io_uring_cqe& cqe) {
    if ((cqe.flags & IORING_CQE_F_BUFFER) != 0) {
      const unsigned id = BufferRing::IdOf(cqe);
      io_uring_recvmsg_out* out =
          io_uring_recvmsg_validate(buffers_.At(id), cqe.res, &layout_);
      if (out == nullptr) {
        GiveBack(id);
      } else {
        Send(id, out, cqe.res);
      }
    }
    if ((cqe.flags & IORING_CQE_F_MORE) != 0) return;
    if (cqe.res == -ENOBUFS && !buffers_.Grow()) {
      starving_ = true;
    } else {
      StartRecv();
    }
  }

  void Send(unsigned id, io_uring_recvmsg_out* out, int size) {
    Answer& answer = answers_[id];
    answer.part.iov_base = io_uring_recvmsg_payload(out, &layout_);
    answer.part.iov_len = io_uring_recvmsg_payload_length(out, size, &layout_);
    answer.header = {};
    answer.header.msg_name = io_uring_recvmsg_name(out);
    answer.header.msg_namelen = out->namelen;
    answer.header.msg_iov = &answer.part;
    answer.header.msg_iovlen = 1;
    io_uring_sqe* sqe = ring_.Sqe();
    io_uring_prep_sendmsg(sqe, fd_, &answer.header, 0);
    io_uring_sqe_set_data64(sqe, (std::uint64_t{id} << kIdShift) | kSend);
  }

  void GiveBack(unsigned id) {
    buffers_.Return(id);
    if (!starving_) return;
    starving_ = false;
    StartRecv();
  }

  const int fd_;
  TwinRing ring_;
  BufferRing buffers_{ring_, kBuffers, kDatagram + 64};
  msghdr layout_{};
  Answer answers_[kBuffers];
  bool starving_ = false;
};

}  // namespace

int Udp(int argc, char** argv) {
  return ServeOneByOne(argc, argv, /*bulk=*/false);
}

int UdpMultishot(int argc, char** argv) {
  static MultishotUdp server(BindAndAnnounceUdp(argc, argv));
  return server.Serve();
}

int UdpBulk(int argc, char** argv) {
  return ServeOneByOne(argc, argv, /*bulk=*/true);
}

}  // namespace eddy::bench::twin
