#include <eddy/net/receive_from.h>

#include <algorithm>

namespace eddy::net {

Result<ReceivedDatagram> ReceiveFrom::await_resume() const {
  if (failed()) return Unexpected(error());
  const io::ControlMessages control(
      std::span<const std::byte>(control_).first(message_.msg_controllen));
  ReceivedDatagram received;
  received.size = static_cast<std::size_t>(raw_result());
  received.from = SocketAddress::FromNative(
      reinterpret_cast<const sockaddr*>(&from_),
      // The kernel tells the whole length, also where it did not fit.
      std::min<socklen_t>(message_.msg_namelen, sizeof from_));
  received.truncated = (message_.msg_flags & MSG_TRUNC) != 0;
  received.segment_size = internal::SegmentSizeOf(control);
  received.dropped = internal::DroppedOf(control);
  received.packet_info = internal::PacketInfoOf(control);
  return received;
}

}  // namespace eddy::net
