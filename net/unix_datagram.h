// UnixDatagram: messages to processes of the same machine, without a connection
// (SOCK_DGRAM).
//
//   EDDY_CO_TRY(auto socket, net::UnixDatagram::Bind(address));
//   net::SocketAddress sender;
//   EDDY_CO_TRY(auto message, co_await socket.Receive(buffer, &sender));
//   EDDY_CO_CHECK(co_await socket.SendTo(sender, answer));
//
// A datagram arrives whole, or cut short where the buffer is too small. None is
// lost and they keep their order, unlike over UDP: where the receiver's queue
// is full (net.unix.max_dgram_qlen, 10 by default on many systems), sending
// waits.
//
// One task may receive while another sends. Destroying it closes it without
// blocking the loop; its operations have to have ended by then (see io::Fd).
#ifndef EDDY_NET_UNIX_DATAGRAM_H_
#define EDDY_NET_UNIX_DATAGRAM_H_

#include <eddy/io/close.h>
#include <eddy/io/fd.h>
#include <eddy/io/send.h>
#include <eddy/net/socket_address.h>
#include <eddy/net/unix_credentials.h>
#include <eddy/net/unix_message.h>
#include <eddy/net/unix_name.h>
#include <eddy/runtime/attributes.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>

#include <cstddef>
#include <span>
#include <utility>

namespace eddy::net {

class UnixDatagram final {
 public:
  // No socket.
  UnixDatagram() noexcept = default;
  // Takes over a datagram socket.
  explicit UnixDatagram(io::Fd fd) noexcept : fd_(std::move(fd)) {}

  // A socket that is reached at a path or an abstract name.
  // Errors: EAFNOSUPPORT for an address that is no Unix address; EADDRINUSE
  // where the path exists (see UnixBindOptions), ENOENT where its folder does
  // not; EACCES, and the others of socket(2), bind(2) and chmod(2).
  // Cost: as UnixListener::Bind, without one for listening.
  static Result<UnixDatagram> Bind(const SocketAddress& address,
                                   const UnixBindOptions& options = {});
  // One with an abstract name that the kernel chooses, for a client that wants
  // answers; see local_address(). Cost: two system calls.
  static Result<UnixDatagram> BindToAnyName();
  // One without a name, which nobody can answer. Cost: one system call.
  static Result<UnixDatagram> Open();
  // Two that are connected to each other. Cost: one system call.
  static Result<std::pair<UnixDatagram, UnixDatagram>> Pair();

  // From here on Send goes to this address, and only what comes from it is
  // received.
  // Errors: ENOENT, ECONNREFUSED (a stale file, or an abstract name that nobody
  // has), EACCES, EPROTOTYPE (a socket of another type), EPERM (one that is
  // connected to another one). Cost: one system call.
  Result<void> Connect(const SocketAddress& peer) noexcept;

  // A datagram to the peer of Connect or Pair.
  // Errors: ENOTCONN; ECONNREFUSED, ECONNRESET where the peer has gone;
  // EMSGSIZE for more than half of the send buffer takes (about 200 KiB by
  // default); those of io::Send.
  io::Send Send(std::span<const std::byte> data) noexcept {
    return io::Send(fd_, data);
  }

  // A datagram to an address, with descriptors if there are any (see
  // UnixStream::SendDescriptors).
  // Errors: those of Connect and of Send; EINVAL for more than
  // kMaxSentDescriptors; EBADF; ETOOMANYREFS; kCanceled.
  // Lifetime: all arguments live until the await returns.
  // Stop: after kCanceled nothing was sent.
  // Cost: two coroutine frames and an operation; a heap allocation for more
  // than 12 descriptors.
  Task<Result<void>> SendTo(const SocketAddress& peer,
                            std::span<const std::byte> data,
                            std::span<const int> descriptors = {});
  // The same to the peer of Connect or Pair.
  Task<Result<void>> SendDescriptors(std::span<const int> descriptors,
                                     std::span<const std::byte> data);

  // The next datagram. Of one that is longer than the buffer the rest is lost,
  // and `truncated` is set. `sender`, if not null, gets its address: none
  // (AF_UNSPEC) where it has no name. Descriptors that came are closed.
  // Errors: ECONNRESET where the peer of Connect or Pair has gone without
  // having received all; those of io::ReceiveMessage; kCanceled.
  // Lifetime: the socket, buffer and sender live until the await returns.
  // Stop: after kCanceled nothing was consumed; a datagram that came before the
  // stop took effect is the result.
  // Cost: a coroutine frame and an operation.
  EDDY_CORO_WRAPPER Task<Result<UnixMessage>> Receive(
      std::span<std::byte> buffer, SocketAddress* sender = nullptr);
  // The same with up to `most` descriptors; see UnixStream::ReceiveDescriptors.
  EDDY_CORO_WRAPPER Task<Result<UnixMessage>> ReceiveDescriptors(
      std::size_t most, std::span<std::byte> buffer,
      SocketAddress* sender = nullptr);

  // See io::Close. The socket is empty from the call on. With unlink_at_close
  // the file goes first.
  io::Close Close() noexcept {
    name_.Remove();
    return fd_.Close();
  }

  // Of the other half of a pair.
  Result<UnixCredentials> peer_credentials() const {
    return UnixCredentials::OfPeer(fd_.get());
  }
  Result<SocketAddress> local_address() const {
    return SocketAddress::LocalOf(fd_.get());
  }
  Result<SocketAddress> peer_address() const {
    return SocketAddress::PeerOf(fd_.get());
  }

  const io::Fd& fd() const noexcept { return fd_; }
  io::Fd& fd() noexcept { return fd_; }

 private:
  UnixDatagram(io::Fd fd, UnixName name) noexcept
      : fd_(std::move(fd)), name_(std::move(name)) {}

  io::Fd fd_;
  UnixName name_;
};

}  // namespace eddy::net

#endif  // EDDY_NET_UNIX_DATAGRAM_H_
