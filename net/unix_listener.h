// UnixListenerOf<Stream>: a Unix socket that listens, and whose connections are
// Streams: UnixListener (unix.h), UnixSeqPacketListener
// (unix_seq_packet.h).
#ifndef EDDY_NET_UNIX_LISTENER_H_
#define EDDY_NET_UNIX_LISTENER_H_

#include <eddy/io/close.h>
#include <eddy/io/fd.h>
#include <eddy/net/listener.h>
#include <eddy/net/socket_address.h>
#include <eddy/net/unix_name.h>
#include <eddy/net/unix_socket.h>
#include <eddy/runtime/result.h>

#include <utility>

namespace eddy::net {

template <class Stream>
class UnixListenerOf final : public Listener<Stream> {
 public:
  // A socket that listens at a path or an abstract name.
  // Errors: EAFNOSUPPORT for an address that is no Unix address; EADDRINUSE
  // where the path exists (see UnixBindOptions), ENOENT where its folder does
  // not; EACCES, EROFS, and the others of socket(2), bind(2), chmod(2) and
  // listen(2).
  // Cost: three system calls, at a path one more, with a mode two to three, to
  // replace a stale file seven more. They do not wait, but for the file system.
  static Result<UnixListenerOf> Bind(const SocketAddress& address,
                                     const UnixBindOptions& options = {}) {
    Result<internal::BoundUnixSocket> bound =
        internal::BindUnixSocket(Stream::kType, address, options);
    if (!bound) return Unexpected(bound.error());
    return UnixListenerOf(std::move(bound->fd), std::move(bound->name));
  }

  // Takes over a listening socket, whose file stays.
  explicit UnixListenerOf(io::Fd fd) noexcept
      : Listener<Stream>(std::move(fd)) {}

  // Stops listening; connections in the backlog are reset. With unlink_at_close
  // the file goes first.
  io::Close Close() noexcept {
    name_.Remove();
    return Listener<Stream>::Close();
  }

  // Leaves the file in spite of unlink_at_close: for a listener whose socket
  // another process goes on with.
  void KeepName() noexcept { name_.Keep(); }

 private:
  UnixListenerOf(io::Fd fd, UnixName name) noexcept
      : Listener<Stream>(std::move(fd)), name_(std::move(name)) {}

  UnixName name_;
};

}  // namespace eddy::net

#endif  // EDDY_NET_UNIX_LISTENER_H_
