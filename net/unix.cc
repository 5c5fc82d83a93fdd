#include <eddy/net/unix.h>

#include <eddy/net/unix_socket.h>

namespace eddy::net {
Task<Result<UnixStream>> UnixStream::Connect(SocketAddress address) {
  EDDY_CO_TRY(io::Fd fd, co_await internal::ConnectUnixSocket(kType, address));
  co_return UnixStream(std::move(fd));
}

Result<std::pair<UnixStream, UnixStream>> UnixStream::Pair() {
  return internal::MakeUnixPair(kType).map([](std::pair<io::Fd, io::Fd> ends) {
    return std::pair(UnixStream(std::move(ends.first)),
                     UnixStream(std::move(ends.second)));
  });
}

Task<Result<void>> UnixStream::SendDescriptors(std::span<const int> descriptors,
                                               std::span<const std::byte> data,
                                               std::size_t* transferred) {
  std::size_t ignored = 0;
  std::size_t& done = transferred != nullptr ? *transferred : ignored;
  done = 0;
  // The kernel would drop the descriptors.
  if (data.empty()) co_return Unexpected(std::errc::invalid_argument);
  EDDY_CO_TRY(done,
              co_await internal::SendUnixMessage(fd(), data, descriptors));
  if (done == data.size()) co_return Result<void>();
  std::size_t more = 0;
  const Result<void> rest = co_await Write(data.subspan(done), &more);
  done += more;
  co_return rest;
}

Task<Result<UnixMessage>> UnixStream::ReceiveDescriptors(
    std::size_t most, std::span<std::byte> buffer) {
  // recvmsg(2) answers 0 to it, as at the end of the stream.
  if (buffer.empty()) co_return Unexpected(std::errc::invalid_argument);
  internal::UnixReceive what;
  what.descriptors = most;
  co_return co_await internal::ReceiveUnixMessage(fd(), buffer, what);
}

}  // namespace eddy::net
