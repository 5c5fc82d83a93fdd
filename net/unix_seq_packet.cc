#include <eddy/net/unix_seq_packet.h>

#include <eddy/net/unix_socket.h>

namespace eddy::net {

Task<Result<UnixSeqPacket>> UnixSeqPacket::Connect(SocketAddress address) {
  EDDY_CO_TRY(io::Fd fd, co_await internal::ConnectUnixSocket(kType, address));
  co_return UnixSeqPacket(std::move(fd));
}

Result<std::pair<UnixSeqPacket, UnixSeqPacket>> UnixSeqPacket::Pair() {
  return internal::MakeUnixPair(kType).map([](std::pair<io::Fd, io::Fd> ends) {
    return std::pair(UnixSeqPacket(std::move(ends.first)),
                     UnixSeqPacket(std::move(ends.second)));
  });
}

Task<Result<UnixMessage>> UnixSeqPacket::Receive(std::span<std::byte> buffer) {
  return ReceiveDescriptors(0, buffer);
}

Task<Result<void>> UnixSeqPacket::SendDescriptors(
    std::span<const int> descriptors, std::span<const std::byte> packet) {
  EDDY_CO_CHECK(co_await internal::SendUnixMessage(fd_, packet, descriptors));
  co_return Result<void>();
}

Task<Result<UnixMessage>> UnixSeqPacket::ReceiveDescriptors(
    std::size_t most, std::span<std::byte> buffer) {
  internal::UnixReceive what;
  what.descriptors = most;
  what.end_of_packets = true;
  return internal::ReceiveUnixMessage(fd_, buffer, what);
}

}  // namespace eddy::net
