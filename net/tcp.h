// TcpListener, TcpStream: TCP servers and clients.
//
//   EDDY_CO_TRY(auto listener, net::TcpListener::Bind(address));
//   EDDY_CO_TRY(auto stream, co_await listener.Accept());
//   EDDY_CO_TRY(std::size_t n, co_await stream.Read(buffer));
//   EDDY_CO_CHECK(co_await stream.Write(buffer.first(n)));
//
// One task may read a stream while another writes it. Destroying a stream
// closes it without blocking the loop; its operations have to have ended by
// then (see io::Fd).
#ifndef EDDY_NET_TCP_H_
#define EDDY_NET_TCP_H_

#include <eddy/io/accept.h>
#include <eddy/io/close.h>
#include <eddy/io/fd.h>
#include <eddy/io/receive.h>
#include <eddy/io/send.h>
#include <eddy/io/shutdown.h>
#include <eddy/net/socket_address.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>

#include <cstddef>
#include <span>
#include <utility>

namespace eddy::net {

class TcpStream {
 public:
  // No connection.
  TcpStream() noexcept = default;
  // Takes over a connected socket.
  explicit TcpStream(io::Fd fd) noexcept : fd_(std::move(fd)) {}

  // Connects to an IPv4, IPv6 or Unix stream address.
  // Errors: those of socket(2) and io::Connect; kCanceled, after which nothing
  // is left. For a time limit: WithTimeout(5s, TcpStream::Connect(address)).
  // Cost: two system calls that do not block, and one operation.
  static Task<Result<TcpStream>> Connect(SocketAddress address);

  // Some bytes; 0 at the end of the stream. See io::Receive.
  io::Receive Read(std::span<std::byte> buffer) noexcept {
    return io::Receive(fd_, buffer);
  }

  // All of `data`.
  // Errors: those of io::Send; kCanceled. After an error or a stop a part of
  // the data may have been sent; `transferred`, if not null, gets how much.
  // Lifetime: the stream, data and transferred live until the await returns.
  // Cost: a coroutine frame and, nearly always, one operation.
  Task<Result<void>> Write(std::span<const std::byte> data,
                           std::size_t* transferred = nullptr);

  // What the socket takes of `data` at once. See io::Send.
  io::Send WriteSome(std::span<const std::byte> data, int flags = 0) noexcept {
    return io::Send(fd_, data, flags);
  }

  // The peer reads the end of the stream after what was written; reading goes
  // on. See io::Shutdown.
  io::Shutdown Shutdown(int how = SHUT_WR) noexcept {
    return io::Shutdown(fd_, how);
  }

  // See io::Close. The stream is empty from the call on.
  io::Close Close() noexcept { return fd_.Close(); }

  // TCP_NODELAY: send small writes at once. Streams of a TcpListener and of
  // Connect have it set.
  Result<void> SetNoDelay(bool on) noexcept;

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

struct ListenOptions {
  // Connections that wait to be accepted; limited by net.core.somaxconn.
  int backlog = 4096;
  // SO_REUSEADDR: bind while old connections of the port linger.
  bool reuse_address = true;
  // SO_REUSEPORT: several listeners share the port.
  bool reuse_port = false;
  // TCP_NODELAY on every accepted stream.
  bool no_delay = true;
};

class TcpListener {
 public:
  // A socket that listens on an IPv4, IPv6 or Unix address. Port 0 takes a free
  // port; see local_address(). A Unix path must not exist.
  // Errors: EADDRINUSE, EACCES (a port below 1024), EADDRNOTAVAIL, and the
  // others of socket(2), bind(2) and listen(2).
  // Cost: four to six system calls, which do not block.
  static Result<TcpListener> Bind(const SocketAddress& address,
                                  const ListenOptions& options = {});

  // Takes over a listening socket.
  explicit TcpListener(io::Fd fd) noexcept : fd_(std::move(fd)) {}

  class [[nodiscard]] AcceptOperation final : public io::Accept {
   public:
    [[nodiscard]] Result<TcpStream> await_resume() const {
      return io::Accept::await_resume().map(
          [](io::Fd fd) { return TcpStream(std::move(fd)); });
    }

   private:
    friend class TcpListener;
    explicit AcceptOperation(const io::Fd& fd) noexcept : io::Accept(fd) {}
  };

  // The next connection. See io::Accept for errors and what to do about them.
  AcceptOperation Accept() noexcept { return AcceptOperation(fd_); }

  // Stops listening; connections in the backlog are reset.
  io::Close Close() noexcept { return fd_.Close(); }

  Result<SocketAddress> local_address() const {
    return SocketAddress::LocalOf(fd_.get());
  }

  const io::Fd& fd() const noexcept { return fd_; }

 private:
  io::Fd fd_;
};

}  // namespace eddy::net

#endif  // EDDY_NET_TCP_H_
