#include <eddy/net/tcp.h>

#include <eddy/io/connect.h>

#include <netinet/tcp.h>

#include <cerrno>

namespace eddy::net {
namespace {

Result<void> SetOption(int socket, int level, int option, bool on) {
  const int value = on ? 1 : 0;
  if (setsockopt(socket, level, option, &value, sizeof value) != 0) {
    return Unexpected(Error::FromErrno(errno));
  }
  return {};
}

Result<io::Fd> MakeSocket(int family) {
  io::Fd fd(socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return Unexpected(Error::FromErrno(errno));
  return fd;
}

bool IsInternet(const SocketAddress& address) {
  return address.family() == AF_INET || address.family() == AF_INET6;
}

}  // namespace

Task<Result<TcpStream>> TcpStream::Connect(SocketAddress address) {
  EDDY_CO_TRY(io::Fd fd, MakeSocket(address.family()));
  EDDY_CO_CHECK(co_await io::Connect(fd, address.native(), address.size()));
  TcpStream stream(std::move(fd));
  if (IsInternet(address)) EDDY_CO_CHECK(stream.SetNoDelay(true));
  co_return stream;
}

Task<Result<void>> TcpStream::Write(std::span<const std::byte> data,
                                    std::size_t* transferred) {
  std::size_t ignored = 0;
  std::size_t& done = transferred != nullptr ? *transferred : ignored;
  done = 0;
  while (done < data.size()) {
    // MSG_WAITALL: the kernel itself goes on after a short transfer.
    EDDY_CO_TRY(const std::size_t n,
                co_await WriteSome(data.subspan(done), MSG_WAITALL));
    if (n == 0) co_return Unexpected(std::errc::io_error);
    done += n;
  }
  co_return Result<void>();
}

Result<void> TcpStream::SetNoDelay(bool on) noexcept {
  return SetOption(fd_.get(), IPPROTO_TCP, TCP_NODELAY, on);
}

Result<TcpListener> TcpListener::Bind(const SocketAddress& address,
                                      const ListenOptions& options) {
  Result<io::Fd> fd = MakeSocket(address.family());
  if (!fd) return Unexpected(fd.error());
  const int socket = fd->get();
  const auto configure = [&]() -> Result<void> {
    if (options.reuse_address) {
      const Result<void> set =
          SetOption(socket, SOL_SOCKET, SO_REUSEADDR, true);
      if (!set) return set;
    }
    if (options.reuse_port) {
      const Result<void> set =
          SetOption(socket, SOL_SOCKET, SO_REUSEPORT, true);
      if (!set) return set;
    }
    // Accepted sockets inherit it.
    if (options.no_delay && IsInternet(address)) {
      const Result<void> set =
          SetOption(socket, IPPROTO_TCP, TCP_NODELAY, true);
      if (!set) return set;
    }
    if (bind(socket, address.native(), address.size()) != 0 ||
        listen(socket, options.backlog) != 0) {
      return Unexpected(Error::FromErrno(errno));
    }
    return {};
  };
  if (const Result<void> configured = configure(); !configured) {
    return Unexpected(configured.error());
  }
  return TcpListener(*std::move(fd));
}

}  // namespace eddy::net
