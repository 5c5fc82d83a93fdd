// SendMessage: data from one or several buffers in one message, to a connected
// socket or to an address, with control data.
//
// `flags` are those of sendmsg(2); MSG_NOSIGNAL is always set. With MSG_WAITALL
// the kernel goes on, on a stream, until all is sent, an error, or a stop.
// Control data (see control_message.h) carries what sendmsg(2) calls ancillary:
// SCM_RIGHTS gives the receiver copies of descriptors, which stay the caller's;
// UDP_SEGMENT the size of a datagram's segments; IP_PKTINFO its source.
//
// Result: the bytes that the socket took. A datagram or a packet goes as a
// whole; of a stream fewer than given is normal, and the control data has gone
// with the first of them.
// Errors: those of sendmsg(2), such as EPIPE, ECONNRESET, EMSGSIZE (a message
// too long for its socket, or more than 1024 buffers), EDESTADDRREQ, EISCONN;
// ETOOMANYREFS (too many descriptors in flight), EINVAL (control data);
// kCanceled.
// Lifetime: fd, the data, the array of buffers, address and control live until
// the await returns.
// Stop: after kCanceled nothing was sent; what had been sent before is counted
// in the result.
// Cost: one operation. See sendmsg(2), io_uring_prep_sendmsg(3).
#ifndef EDDY_IO_SEND_MESSAGE_H_
#define EDDY_IO_SEND_MESSAGE_H_

#include <eddy/io/fd_operation.h>

#include <sys/socket.h>
#include <sys/uio.h>

#include <cstddef>
#include <span>

namespace eddy::io {

// What a message has besides its data.
struct SendMessageOptions {
  // Where it goes; null: to whom the socket is connected.
  const sockaddr* address = nullptr;
  socklen_t address_size = 0;
  std::span<const std::byte> control;
  int flags = 0;
};

class [[nodiscard]] SendMessage final : public FdOperation<SendMessage> {
 public:
  SendMessage(const Fd& fd, std::span<const std::byte> data,
              const SendMessageOptions& options = {}) noexcept
      : SendMessage(fd, options) {
    // The kernel only reads it.
    buffer_.iov_base = const_cast<std::byte*>(data.data());
    buffer_.iov_len = data.size();
    message_.msg_iovlen = 1;
  }
  SendMessage(const Fd& fd, std::span<const iovec> buffers,
              const SendMessageOptions& options = {}) noexcept
      : SendMessage(fd, options) {
    message_.msg_iov = const_cast<iovec*>(buffers.data());
    message_.msg_iovlen = buffers.size();
  }

  const char* name() const noexcept override { return "SendMessage"; }
  void Prepare(io_uring_sqe* sqe, int fd) noexcept {
    // From here on the awaiter stays where it is.
    if (message_.msg_iov == nullptr) message_.msg_iov = &buffer_;
    io_uring_prep_sendmsg(sqe, fd, &message_, flags_);
  }
  [[nodiscard]] Result<std::size_t> await_resume() const {
    return CountResult();
  }

 private:
  SendMessage(const Fd& fd, const SendMessageOptions& options) noexcept
      : FdOperation(fd),
        flags_(static_cast<unsigned>(options.flags) | MSG_NOSIGNAL) {
    message_.msg_name = const_cast<sockaddr*>(options.address);
    message_.msg_namelen = options.address_size;
    message_.msg_control = const_cast<std::byte*>(options.control.data());
    message_.msg_controllen = options.control.size();
  }

  msghdr message_{};
  iovec buffer_{};
  unsigned flags_;
};

}  // namespace eddy::io

#endif  // EDDY_IO_SEND_MESSAGE_H_
