// UnixMessage: what came over a Unix socket in one piece, with descriptors.
//
// A process gives others what it has open by sending descriptors: the receiver
// gets descriptors of its own for the same open files and sockets. They travel
// with data, on a stream with at least one byte, and arrive with its first
// byte.
#ifndef EDDY_NET_UNIX_MESSAGE_H_
#define EDDY_NET_UNIX_MESSAGE_H_

#include <eddy/io/fd.h>
#include <eddy/net/socket_address.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>

#include <cstddef>
#include <span>
#include <vector>

namespace eddy::net {

// As many as the kernel lets go with one message (SCM_MAX_FD).
inline constexpr std::size_t kMaxSentDescriptors = 253;

struct UnixMessage {
  // Bytes in the buffer.
  std::size_t size = 0;
  // A datagram or packet was longer than the buffer; its rest is lost.
  bool truncated = false;
  // In the order in which they were sent, close-on-exec.
  std::vector<io::Fd> descriptors;
};

namespace internal {

// Sends data, to an address or to the peer. On a stream some of it; the
// descriptors go with the first byte.
Task<Result<std::size_t>> SendUnixMessage(const io::Fd& socket,
                                          std::span<const std::byte> data,
                                          std::span<const int> descriptors,
                                          const SocketAddress* to = nullptr);

// What a receive is to look for besides the data.
struct UnixReceive {
  // Descriptors, so many at the most.
  std::size_t descriptors = 0;
  // The end of a stream of packets, for which EnableEndOfPackets was called.
  bool end_of_packets = false;
  // Gets the sender's address if it is not null.
  SocketAddress* from = nullptr;
};

// Receives a message.
// Errors: those of io::ReceiveMessage; where descriptors are asked for,
// EMSGSIZE (more of them were sent) and EMFILE (this process may not have so
// many): then the message is consumed, and all its descriptors are closed;
// kEndOfStream.
Task<Result<UnixMessage>> ReceiveUnixMessage(const io::Fd& socket,
                                             std::span<std::byte> buffer,
                                             UnixReceive what);

// Both the end of a stream of packets and an empty packet are 0 bytes. From
// here on packets come with the time of their arrival, which the end does not
// have: that is what tells them apart. (Credentials would do too, but give the
// sockets names.)
void EnableEndOfPackets(const io::Fd& socket) noexcept;

}  // namespace internal
}  // namespace eddy::net

#endif  // EDDY_NET_UNIX_MESSAGE_H_
