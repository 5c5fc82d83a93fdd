// Listener<Stream>: what TcpListener and UnixListener have in common: a socket
// whose connections are Streams.
#ifndef EDDY_NET_LISTENER_H_
#define EDDY_NET_LISTENER_H_

#include <eddy/io/accept.h>
#include <eddy/io/close.h>
#include <eddy/io/fd.h>
#include <eddy/net/incoming.h>
#include <eddy/net/socket_address.h>
#include <eddy/runtime/result.h>

#include <utility>

namespace eddy::net {

template <class Stream>
class Listener {
 public:
  using StreamType = Stream;

  class [[nodiscard]] AcceptOperation final : public io::Accept {
   public:
    [[nodiscard]] Result<Stream> await_resume() const {
      return io::Accept::await_resume().map(
          [](io::Fd fd) { return Stream(std::move(fd)); });
    }

   private:
    friend class Listener;
    explicit AcceptOperation(const io::Fd& fd) noexcept : io::Accept(fd) {}
  };

  // The next connection. See io::Accept for errors and what to do about them.
  AcceptOperation Accept() noexcept { return AcceptOperation(fd_); }

  // All connections, one after another. See net::Incoming.
  net::Incoming<Stream> Incoming(const io::AcceptStreamOptions& options = {}) {
    return net::Incoming<Stream>(fd_, options);
  }

  // Stops listening; connections in the backlog are reset.
  io::Close Close() noexcept { return fd_.Close(); }

  Result<SocketAddress> local_address() const {
    return SocketAddress::LocalOf(fd_.get());
  }

  const io::Fd& fd() const noexcept { return fd_; }
  io::Fd& fd() noexcept { return fd_; }

 protected:
  explicit Listener(io::Fd fd) noexcept : fd_(std::move(fd)) {}
  Listener(Listener&&) noexcept = default;
  Listener& operator=(Listener&&) noexcept = default;
  ~Listener() = default;

 private:
  io::Fd fd_;
};

}  // namespace eddy::net

#endif  // EDDY_NET_LISTENER_H_
