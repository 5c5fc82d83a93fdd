// ReceiveFrom: a datagram with its sender, into a buffer of the caller's: the
// awaiter of UdpSocket::ReceiveFrom.
#ifndef EDDY_NET_RECEIVE_FROM_H_
#define EDDY_NET_RECEIVE_FROM_H_

#include <eddy/io/fd_operation.h>
#include <eddy/net/received_datagram.h>
#include <eddy/runtime/result.h>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <span>

namespace eddy::net {

class [[nodiscard]] ReceiveFrom final : public io::FdOperation<ReceiveFrom> {
 public:
  ReceiveFrom(const io::Fd& fd, std::span<std::byte> buffer) noexcept
      : FdOperation(fd), buffer_{buffer.data(), buffer.size()} {}

  const char* name() const noexcept override { return "ReceiveFrom"; }
  void Prepare(io_uring_sqe* sqe, int fd) noexcept {
    message_.msg_name = &from_;
    message_.msg_namelen = sizeof from_;
    message_.msg_iov = &buffer_;
    message_.msg_iovlen = 1;
    message_.msg_control = control_.data();
    message_.msg_controllen = control_.size();
    io_uring_prep_recvmsg(sqe, fd, &message_, MSG_CMSG_CLOEXEC);
  }
  [[nodiscard]] Result<ReceivedDatagram> await_resume() const;

 private:
  msghdr message_{};
  iovec buffer_;
  sockaddr_in6 from_;
  alignas(
      cmsghdr) std::array<std::byte, internal::kDatagramControlRoom> control_;
};

}  // namespace eddy::net

#endif  // EDDY_NET_RECEIVE_FROM_H_
