#include <eddy/net/unix_datagram.h>

#include <eddy/net/unix_socket.h>

#include <sys/socket.h>

#include <cerrno>

namespace eddy::net {

Result<UnixDatagram> UnixDatagram::Bind(const SocketAddress& address,
                                        const UnixBindOptions& options) {
  Result<internal::BoundUnixSocket> bound =
      internal::BindUnixSocket(SOCK_DGRAM, address, options);
  if (!bound) return Unexpected(bound.error());
  return UnixDatagram(std::move(bound->fd), std::move(bound->name));
}

Result<UnixDatagram> UnixDatagram::BindToAnyName() {
  sockaddr unnamed{};
  unnamed.sa_family = AF_UNIX;
  return Bind(SocketAddress::FromNative(&unnamed, sizeof unnamed.sa_family));
}

Result<UnixDatagram> UnixDatagram::Open() {
  return internal::MakeUnixSocket(SOCK_DGRAM).map([](io::Fd fd) {
    return UnixDatagram(std::move(fd));
  });
}

Result<std::pair<UnixDatagram, UnixDatagram>> UnixDatagram::Pair() {
  return internal::MakeUnixPair(SOCK_DGRAM)
      .map([](std::pair<io::Fd, io::Fd> ends) {
        return std::pair(UnixDatagram(std::move(ends.first)),
                         UnixDatagram(std::move(ends.second)));
      });
}

Result<void> UnixDatagram::Connect(const SocketAddress& peer) noexcept {
  if (connect(fd_.get(), peer.native(), peer.size()) != 0) {
    return Unexpected(Error::FromErrno(errno));
  }
  return {};
}

Task<Result<void>> UnixDatagram::SendTo(const SocketAddress& peer,
                                        std::span<const std::byte> data,
                                        std::span<const int> descriptors) {
  EDDY_CO_CHECK(
      co_await internal::SendUnixMessage(fd_, data, descriptors, &peer));
  co_return Result<void>();
}

Task<Result<void>> UnixDatagram::SendDescriptors(
    std::span<const int> descriptors, std::span<const std::byte> data) {
  EDDY_CO_CHECK(co_await internal::SendUnixMessage(fd_, data, descriptors));
  co_return Result<void>();
}

Task<Result<UnixMessage>> UnixDatagram::Receive(std::span<std::byte> buffer,
                                                SocketAddress* sender) {
  return ReceiveDescriptors(0, buffer, sender);
}

Task<Result<UnixMessage>> UnixDatagram::ReceiveDescriptors(
    std::size_t most, std::span<std::byte> buffer, SocketAddress* sender) {
  internal::UnixReceive what;
  what.descriptors = most;
  what.from = sender;
  return internal::ReceiveUnixMessage(fd_, buffer, what);
}

}  // namespace eddy::net
