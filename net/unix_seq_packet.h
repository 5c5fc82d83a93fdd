// UnixSeqPacket, UnixSeqPacketListener: connections that keep the boundaries of
// what is sent (SOCK_SEQPACKET).
//
//   EDDY_CO_CHECK(co_await stream.Send(request));
//   Result<net::UnixMessage> answer = co_await stream.Receive(buffer);
//   if (!answer && answer.error() == kEndOfStream) ...   // the peer has ended
//
// A packet arrives whole, or cut short where the buffer is too small, and never
// together with another one. None is lost while the connection lives, and they
// arrive in their order.
//
// One task may receive while another sends. Destroying it closes it without
// blocking the loop; its operations have to have ended by then (see io::Fd).
#ifndef EDDY_NET_UNIX_SEQ_PACKET_H_
#define EDDY_NET_UNIX_SEQ_PACKET_H_

#include <eddy/io/close.h>
#include <eddy/io/fd.h>
#include <eddy/io/send.h>
#include <eddy/io/shutdown.h>
#include <eddy/net/socket_address.h>
#include <eddy/net/unix_credentials.h>
#include <eddy/net/unix_listener.h>
#include <eddy/net/unix_message.h>
#include <eddy/runtime/attributes.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>

#include <sys/socket.h>

#include <cstddef>
#include <span>
#include <utility>

namespace eddy::net {

class UnixSeqPacket final {
 public:
  static constexpr int kType = SOCK_SEQPACKET;

  // No connection.
  UnixSeqPacket() noexcept = default;
  // Takes over a connected socket. Cost: one system call.
  explicit UnixSeqPacket(io::Fd fd) noexcept : fd_(std::move(fd)) {
    internal::EnableEndOfPackets(fd_);
  }

  // See UnixStream::Connect. Cost: three system calls, and one operation.
  static Task<Result<UnixSeqPacket>> Connect(SocketAddress address);
  // See UnixStream::Pair. Cost: three system calls.
  static Result<std::pair<UnixSeqPacket, UnixSeqPacket>> Pair();

  // One packet, which may be empty. Where the peer's queue is full, waits.
  // Errors: EMSGSIZE for more than half of the send buffer takes (about 200 KiB
  // by default); those of io::Send.
  io::Send Send(std::span<const std::byte> packet) noexcept {
    return io::Send(fd_, packet);
  }

  // The next packet. Of one that is longer than the buffer the rest is lost,
  // and `truncated` is set. Its descriptors, if it has any, are closed.
  // Errors: kEndOfStream where the peer has closed its end or shut it down, and
  // all that it sent was received; ECONNRESET where it closed without having
  // received all; those of io::ReceiveMessage; kCanceled.
  // Lifetime: the socket and buffer live until the await returns.
  // Stop: after kCanceled nothing was consumed; a packet that came before the
  // stop took effect is the result.
  // Cost: a coroutine frame and an operation.
  EDDY_CORO_WRAPPER Task<Result<UnixMessage>> Receive(
      std::span<std::byte> buffer);

  // The same with descriptors; see UnixStream::SendDescriptors and
  // ReceiveDescriptors. The packet is sent as a whole, and may be empty.
  // Cost: two coroutine frames and an operation; a heap allocation to send more
  // than 12 and to ask for more than 4, and one where descriptors came.
  Task<Result<void>> SendDescriptors(std::span<const int> descriptors,
                                     std::span<const std::byte> packet);
  EDDY_CORO_WRAPPER Task<Result<UnixMessage>> ReceiveDescriptors(
      std::size_t most, std::span<std::byte> buffer);

  // The peer receives the end after what was sent; receiving goes on. See
  // io::Shutdown.
  io::Shutdown Shutdown(int how = SHUT_WR) noexcept {
    return io::Shutdown(fd_, how);
  }

  // See io::Close. The socket is empty from the call on.
  io::Close Close() noexcept { return fd_.Close(); }

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
  io::Fd fd_;
};

using UnixSeqPacketListener = UnixListenerOf<UnixSeqPacket>;

}  // namespace eddy::net

#endif  // EDDY_NET_UNIX_SEQ_PACKET_H_
