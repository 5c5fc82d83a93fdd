// UdpSocket: sends and receives datagrams.
//
//   EDDY_CO_TRY(auto socket, net::UdpSocket::Bind(address));
//   EDDY_CO_TRY(net::DatagramStream datagrams, socket.Incoming());
//   for (;;) {
//     EDDY_CO_TRY(const net::Datagram one, co_await datagrams.Next());
//     // What fails concerns this peer: a forged port of 0 is EINVAL.
//     static_cast<void>(co_await socket.SendTo(one.from(), one.data()));
//   }
//
// UDP loses, doubles and reorders datagrams, and says so to nobody. What is
// lost on this machine can be seen: `truncated` of what was received, dropped()
// for what came while the receive buffer was full.
//
// Errors of what was sent before: where the peer's machine answers that nobody
// has the port (ICMP), a socket that is connected to it gets ECONNREFUSED,
// once, from whichever of its next sends and receives comes first; that one has
// done nothing else: do it again. Likewise EHOSTUNREACH, ENETUNREACH. A socket
// that is not connected hears nothing.
//
// One task may receive while others send; each send is a datagram of its own.
// Destroying the socket closes it without blocking the loop; its operations
// have to have ended by then (see io::Fd).
#ifndef EDDY_NET_UDP_H_
#define EDDY_NET_UDP_H_

#include <eddy/io/close.h>
#include <eddy/io/fd.h>
#include <eddy/io/receive.h>
#include <eddy/io/send.h>
#include <eddy/io/send_message.h>
#include <eddy/net/datagram_stream.h>
#include <eddy/net/receive_from.h>
#include <eddy/net/received_datagram.h>
#include <eddy/net/send_batch.h>
#include <eddy/net/send_from.h>
#include <eddy/net/send_segments.h>
#include <eddy/net/socket_address.h>
#include <eddy/net/udp_options.h>
#include <eddy/runtime/result.h>

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace eddy::net {

class UdpSocket {
 public:
  // The most bytes of a datagram, over IPv4. (IPv6: 65527.)
  static constexpr std::size_t kMostBytes = 65507;

  // No socket.
  UdpSocket() noexcept = default;
  // Takes over a UDP socket. (`dropped` of what it receives is told where it
  // has SO_RXQ_OVFL set, as those of Bind and Connect have.)
  explicit UdpSocket(io::Fd fd) noexcept : fd_(std::move(fd)) {}
  UdpSocket(UdpSocket&&) noexcept = default;
  UdpSocket& operator=(UdpSocket&&) noexcept = default;

  // A socket that receives what is sent to an IPv4 or IPv6 address. Port 0
  // takes a free one; see local_address().
  // Errors: EADDRINUSE, EACCES (a port below 1024), EADDRNOTAVAIL,
  // EAFNOSUPPORT (no such address); those of UdpOptions.
  // Cost: three system calls and one for each option; they do not block.
  static Result<UdpSocket> Bind(const SocketAddress& address,
                                const UdpOptions& options = {});

  // A socket with a free port that sends to `peer`, and receives from it alone.
  // Nothing is sent by that.
  // Errors: ENETUNREACH, and as Bind.
  static Result<UdpSocket> Connect(const SocketAddress& peer,
                                   const UdpOptions& options = {});

  // From now on this socket sends to `peer` and receives from it alone; what
  // came from others before is still there. Disconnect takes that back; the
  // port stays the same.
  // Errors: those of connect(2); of Disconnect EADDRINUSE (another socket took
  // the port, where it was chosen by the kernel, at that moment).
  // Cost: one system call, of Disconnect three or four; they do not block.
  Result<void> ConnectTo(const SocketAddress& peer) noexcept;
  Result<void> Disconnect() noexcept;

  // --- Sending ---------------------------------------------------------------
  // Result: the bytes, always all. Waits while the send buffer is full.
  // Errors: EMSGSIZE (longer than a datagram can be), EPERM (a firewall),
  // ENETUNREACH, ENOBUFS, and those of earlier datagrams (above); kCanceled.
  // Lifetime: the socket, addresses and data live until the await returns.
  // Stop: after kCanceled nothing was sent. Cost: one operation.

  // To whom the socket is connected; else EDESTADDRREQ.
  io::Send Send(std::span<const std::byte> data) noexcept {
    return io::Send(fd_, data);
  }
  io::SendMessage SendTo(const SocketAddress& to,
                         std::span<const std::byte> data) noexcept {
    io::SendMessageOptions options;
    options.address = to.native();
    options.address_size = to.size();
    return io::SendMessage(fd_, data, options);
  }
  // The same from an address of this machine, where the socket is bound to all:
  // the answer to a datagram comes from where that was sent to with
  // PacketInfo::local. No address: as SendTo.
  net::SendFrom SendFrom(const SocketAddress& source, const SocketAddress& to,
                         std::span<const std::byte> data) noexcept {
    return {fd_, source, to, data};
  }

  // Many datagrams at once. See SendBatch.
  SendBatchAwaiter Send(SendBatch& batch) noexcept { return {fd_, batch}; }

  // `data` as datagrams of `segment_size` bytes, the last one of what is left,
  // in order. What of it was sent is told by `transferred`, if not null, also
  // after an error or a stop.
  // Result: nothing; all were sent. Errors: as Send; EINVAL (segment_size 0).
  // Cost: an entry for up to 64 datagrams or 64 KiB, where kernel and device
  // cut them (UDP_SEGMENT), else one each; for the socket's first, a system
  // call. See SendSegments.
  net::SendSegments SendSegments(const SocketAddress& to,
                                 std::span<const std::byte> data,
                                 std::size_t segment_size,
                                 std::size_t* transferred = nullptr) noexcept {
    return {fd_, segmentation_, &to, data, segment_size, transferred};
  }
  net::SendSegments SendSegments(std::span<const std::byte> data,
                                 std::size_t segment_size,
                                 std::size_t* transferred = nullptr) noexcept {
    return {fd_, segmentation_, nullptr, data, segment_size, transferred};
  }

  // --- Receiving -------------------------------------------------------------
  // Waits for a datagram. Several tasks may; each gets another one.
  // Errors: those of earlier datagrams (above); kCanceled.
  // Stop: after kCanceled no datagram was taken.

  // Result: the size that the datagram has; more than the buffer's where that
  // holds only its first bytes, and the others are lost. 0 for an empty one.
  // Cost: one operation. REQUIRES: the buffer is not empty.
  io::Receive Receive(std::span<std::byte> buffer) noexcept {
    return io::Receive(fd_, buffer, MSG_TRUNC);
  }
  // With its sender, and what else the options ask for.
  // Lifetime: socket and buffer live until the await returns. Cost: one
  // operation; an awaiter of 280 bytes.
  net::ReceiveFrom ReceiveFrom(std::span<std::byte> buffer) noexcept {
    return net::ReceiveFrom(fd_, buffer);
  }

  // All that comes, one after the other, in buffers of a pool: the fastest way
  // for a server. Errors: ENOMEM; EINVAL (a pool that takes no datagrams). See
  // DatagramStream. The socket stays where it is as long as the stream lives.
  Result<DatagramStream> Incoming(const DatagramStreamOptions& options = {}) {
    return DatagramStream::Create(fd_, options);
  }

  // Datagrams that were dropped because the receive buffer was full, in all of
  // the socket's life, modulo 2^32. Errors: EBADF. Cost: one system call.
  Result<std::uint32_t> dropped() const noexcept;

  // --- Options ---------------------------------------------------------------

  // Sets what is given; see UdpOptions. Cost: a system call for each.
  Result<void> SetOptions(const UdpOptions& options) noexcept;
  // All of them, as they are; multicast_interface only of IPv6. Cost: about
  // twelve system calls.
  Result<UdpOptions> options() const noexcept;

  // Receives what is sent to a group, through the interface with this index; 0:
  // by the routes. Leave takes it back.
  // Errors: EINVAL (no group), ENODEV, EADDRINUSE (a member already),
  // EADDRNOTAVAIL (no member), ENOBUFS (net.ipv4.igmp_max_memberships).
  // Cost: one system call, which does not block.
  Result<void> Join(const SocketAddress& group,
                    unsigned interface = 0) noexcept;
  Result<void> Leave(const SocketAddress& group,
                     unsigned interface = 0) noexcept;

  Result<SocketAddress> local_address() const {
    return SocketAddress::LocalOf(fd_.get());
  }
  // Errors: ENOTCONN.
  Result<SocketAddress> peer_address() const {
    return SocketAddress::PeerOf(fd_.get());
  }

  // See io::Close. The socket is empty from the call on. REQUIRES: its
  // DatagramStream is destroyed.
  io::Close Close() noexcept { return fd_.Close(); }

  const io::Fd& fd() const noexcept { return fd_; }
  io::Fd& fd() noexcept { return fd_; }

 private:
  io::Fd fd_;
  internal::Segmentation segmentation_ = internal::Segmentation::kUnknown;
};

}  // namespace eddy::net

#endif  // EDDY_NET_UDP_H_
