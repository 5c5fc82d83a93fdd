// SendFrom: a datagram with a source address that is said for it alone: the
// awaiter of UdpSocket::SendFrom.
#ifndef EDDY_NET_SEND_FROM_H_
#define EDDY_NET_SEND_FROM_H_

#include <eddy/io/control_message.h>
#include <eddy/io/fd_operation.h>
#include <eddy/net/socket_address.h>
#include <eddy/runtime/result.h>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <cstddef>
#include <span>

namespace eddy::net {

class [[nodiscard]] SendFrom final : public io::FdOperation<SendFrom> {
 public:
  SendFrom(const io::Fd& fd, const SocketAddress& source,
           const SocketAddress& to, std::span<const std::byte> data) noexcept;

  const char* name() const noexcept override { return "SendFrom"; }
  void Prepare(io_uring_sqe* sqe, int fd) noexcept {
    message_.msg_iov = &buffer_;
    message_.msg_iovlen = 1;
    message_.msg_control = const_cast<std::byte*>(control_.data().data());
    message_.msg_controllen = control_.size();
    io_uring_prep_sendmsg(sqe, fd, &message_, MSG_NOSIGNAL);
  }
  [[nodiscard]] Result<std::size_t> await_resume() const {
    return CountResult();
  }

 private:
  msghdr message_{};
  iovec buffer_;
  io::ControlBuffer<io::ControlSpace(sizeof(in6_pktinfo))> control_;
};

}  // namespace eddy::net

#endif  // EDDY_NET_SEND_FROM_H_
