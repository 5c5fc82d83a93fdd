// UnixListener, UnixStream: connections to processes of the same machine, over
// a path or an abstract name.
//
//   EDDY_CO_TRY(auto address, net::SocketAddress::Parse("unix:/run/x.sock"));
//   EDDY_CO_TRY(auto listener, net::UnixListener::Bind(address));
//   EDDY_CO_TRY(auto stream, co_await listener.Accept());
//   EDDY_CO_TRY(auto peer, stream.peer_credentials());
//
// Reading and writing are StreamSocket's (stream_socket.h). What only Unix
// sockets have is here: the peer's credentials, and descriptors that are sent.
// (A server for any kind of address is a TcpListener, which takes Unix
// addresses too.)
#ifndef EDDY_NET_UNIX_H_
#define EDDY_NET_UNIX_H_

#include <eddy/io/fd.h>
#include <eddy/net/socket_address.h>
#include <eddy/net/stream_socket.h>
#include <eddy/net/unix_credentials.h>
#include <eddy/net/unix_listener.h>
#include <eddy/net/unix_message.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>

#include <sys/socket.h>

#include <cstddef>
#include <span>
#include <utility>

namespace eddy::net {

class UnixStream final : public StreamSocket {
 public:
  static constexpr int kType = SOCK_STREAM;

  // No connection.
  UnixStream() noexcept = default;
  // Takes over a connected socket.
  explicit UnixStream(io::Fd fd) noexcept : StreamSocket(std::move(fd)) {}

  // Connects to a listener. Where its backlog is full, waits.
  // Errors: EAFNOSUPPORT for an address that is no Unix address; ENOENT,
  // ECONNREFUSED (a stale file, or an abstract name that nobody has), EACCES,
  // EPROTOTYPE (a socket of another type at the path), and the others of
  // socket(2) and io::Connect; kCanceled, after which nothing is left.
  // Cost: two system calls, and one operation.
  static Task<Result<UnixStream>> Connect(SocketAddress address);

  // Two streams that are connected to each other, for two tasks or for a child
  // process.
  // Errors: those of socketpair(2), such as EMFILE. Cost: one system call.
  static Result<std::pair<UnixStream, UnixStream>> Pair();

  // All of `data`, and descriptors with its first byte.
  // Errors: EINVAL for no data or more than kMaxSentDescriptors; EBADF for a
  // number that is no descriptor; ETOOMANYREFS where this user's processes have
  // more in flight than RLIMIT_NOFILE; those of io::Send; kCanceled. After an
  // error or a stop a part of the data may have been sent, as with Write;
  // `transferred`, if not null, gets how much. If it is not 0 the descriptors
  // have gone.
  // Lifetime: all arguments live until the await returns. Then the descriptors
  // may be closed: those in flight are the kernel's.
  // Cost: two coroutine frames and an operation; a heap allocation for more
  // than 12 descriptors; what Write costs for the rest where not all went at
  // once.
  Task<Result<void>> SendDescriptors(std::span<const int> descriptors,
                                     std::span<const std::byte> data,
                                     std::size_t* transferred = nullptr);

  // Some bytes, and the descriptors that were sent with one of them, up to
  // `most` (and kMaxSentDescriptors). There need not be any. One receive gives
  // those of one SendDescriptors at most, and ends with its data; bytes that
  // were sent before may come in front. 0 bytes are the end of the stream.
  // (Read closes descriptors that come.)
  // Errors: EINVAL for an empty buffer; EMSGSIZE where more than `most` came;
  // EMFILE where this process may not have so many more; those of io::Receive;
  // kCanceled. After EMSGSIZE and EMFILE the bytes are lost, and all
  // descriptors that came are closed.
  // Lifetime: the stream and buffer live until the await returns.
  // Stop: after kCanceled nothing was consumed; a message that came before the
  // stop took effect is the result. No descriptor leaks either way.
  // Cost: two coroutine frames, an operation, and an allocation where
  // descriptors came; one more for a `most` above 12.
  Task<Result<UnixMessage>> ReceiveDescriptors(std::size_t most,
                                               std::span<std::byte> buffer);

  Result<UnixCredentials> peer_credentials() const {
    return UnixCredentials::OfPeer(fd().get());
  }
};

using UnixListener = UnixListenerOf<UnixStream>;

}  // namespace eddy::net

#endif  // EDDY_NET_UNIX_H_
