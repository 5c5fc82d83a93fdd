// ReceiveMessage: a message, or what there is of a stream, into one or several
// buffers, with its sender's address and its control data.
//
// `flags` are those of recvmsg(2); MSG_CMSG_CLOEXEC is always set.
//
// Result: a ReceivedMessage. Its `flags` tell what was lost: MSG_TRUNC, a
// datagram that did not fit (with MSG_TRUNC among the flags asked for, `size`
// is what it had); MSG_CTRUNC, control data that did not. 0 bytes are the end
// of a stream, or an empty datagram.
// Errors: those of recvmsg(2), such as ECONNRESET, ECONNREFUSED (an earlier
// datagram, of a connected UDP socket), EMSGSIZE (more than 1024 buffers);
// kCanceled.
// Ownership: descriptors that came with the message (SCM_RIGHTS) belong to the
// result, whose destructor closes those that nobody took, so that none leaks
// where the result is dropped. The control data still shows their numbers:
// they are not to be closed by them. The kernel closes those that had no room.
// Lifetime: fd, the buffers and their array, address and control live until the
// await returns; `control` of the result is a part of the caller's.
// Stop: after kCanceled nothing was consumed; what had arrived before the stop
// took effect is the result.
// Cost: one operation; an allocation where descriptors came. See recvmsg(2),
// cmsg(3), unix(7).
#ifndef EDDY_IO_RECEIVE_MESSAGE_H_
#define EDDY_IO_RECEIVE_MESSAGE_H_

#include <eddy/io/control_message.h>
#include <eddy/io/fd_operation.h>

#include <sys/socket.h>
#include <sys/uio.h>

#include <cstddef>
#include <span>
#include <vector>

namespace eddy::io {

// Where the parts of a message besides its data go.
struct ReceiveMessageOptions {
  // The sender's address; null: it is not asked for.
  sockaddr* address = nullptr;
  socklen_t address_size = 0;
  // Control data, as much as fits.
  std::span<std::byte> control;
  int flags = 0;
};

struct ReceivedMessage {
  std::size_t size = 0;
  // MSG_TRUNC, MSG_CTRUNC, MSG_EOR, MSG_OOB, MSG_ERRQUEUE.
  int flags = 0;
  // Of the sender's address, 0 if it has none. More than there was room for
  // where it was cut short.
  socklen_t address_size = 0;
  // See control_message.h.
  std::span<const std::byte> control;
  std::vector<Fd> descriptors;
};

class [[nodiscard]] ReceiveMessage final : public FdOperation<ReceiveMessage> {
 public:
  ReceiveMessage(const Fd& fd, std::span<std::byte> buffer,
                 const ReceiveMessageOptions& options = {}) noexcept
      : ReceiveMessage(fd, options) {
    buffer_.iov_base = buffer.data();
    buffer_.iov_len = buffer.size();
    message_.msg_iovlen = 1;
  }
  ReceiveMessage(const Fd& fd, std::span<const iovec> buffers,
                 const ReceiveMessageOptions& options = {}) noexcept
      : ReceiveMessage(fd, options) {
    // The kernel only reads it.
    message_.msg_iov = const_cast<iovec*>(buffers.data());
    message_.msg_iovlen = buffers.size();
  }

  const char* name() const noexcept override { return "ReceiveMessage"; }
  void Prepare(io_uring_sqe* sqe, int fd) noexcept {
    // From here on the awaiter stays where it is.
    if (message_.msg_iov == nullptr) message_.msg_iov = &buffer_;
    io_uring_prep_recvmsg(sqe, fd, &message_, flags_);
  }
  [[nodiscard]] Result<ReceivedMessage> await_resume();

 private:
  ReceiveMessage(const Fd& fd, const ReceiveMessageOptions& options) noexcept
      : FdOperation(fd),
        flags_(static_cast<unsigned>(options.flags) | MSG_CMSG_CLOEXEC) {
    message_.msg_name = options.address;
    message_.msg_namelen = options.address_size;
    message_.msg_control = options.control.data();
    message_.msg_controllen = options.control.size();
  }

  msghdr message_{};
  iovec buffer_{};
  unsigned flags_;
};

}  // namespace eddy::io

#endif  // EDDY_IO_RECEIVE_MESSAGE_H_
