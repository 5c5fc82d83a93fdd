// StreamSocket: what TcpStream and UnixStream have in common: a connected
// socket that carries bytes both ways.
//
// One task may read while another writes. Destroying it closes it without
// blocking the loop; its operations have to have ended by then (see io::Fd).
#ifndef EDDY_NET_STREAM_SOCKET_H_
#define EDDY_NET_STREAM_SOCKET_H_

#include <eddy/io/close.h>
#include <eddy/io/fd.h>
#include <eddy/io/read_vector.h>
#include <eddy/io/receive.h>
#include <eddy/io/receive_stream.h>
#include <eddy/io/send.h>
#include <eddy/io/send_all.h>
#include <eddy/io/shutdown.h>
#include <eddy/io/write_all.h>
#include <eddy/net/socket_address.h>
#include <eddy/runtime/attributes.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>

#include <sys/uio.h>

#include <cstddef>
#include <memory>
#include <ranges>
#include <span>
#include <utility>
#include <vector>

namespace eddy::net {

class StreamSocket {
 public:
  // Some bytes; 0 at the end of the stream. See io::Receive.
  // REQUIRES: Receive was not called: it receives ahead.
  io::Receive Read(std::span<std::byte> buffer) noexcept {
    if (receive_.begun()) [[unlikely]] {
      ReadAfterReceive();
    }
    return io::Receive(fd_, buffer);
  }

  // Into several buffers, one after the other. See io::ReadVector.
  // REQUIRES: as above.
  io::ReadVector Read(std::span<const iovec> buffers) noexcept {
    if (receive_.begun()) [[unlikely]] {
      ReadAfterReceive();
    }
    return io::ReadVector(fd_, buffers);
  }

  // Some bytes in a buffer of the kernel's choice, which is given back when the
  // io::Buffer is destroyed; an empty one at the end of the stream. While it
  // waits, no buffer is held. See io::ReceiveStream: `co_await Receive()` gives
  // a Result<io::Buffer>.
  io::ReceiveStream::NextAwaiter Receive() noexcept {
    return receive_.Next(fd_);
  }
  // How Receive receives, before its first call.
  // Errors: EINVAL, ENOMEM; EBUSY (Receive was called already).
  Result<void> SetReceiveOptions(const io::ReceiveOptions& options);
  // Receives no more ahead, and appends to `received` what was received and not
  // asked for. From then on the stream is as new: Read may be called, or
  // Detach, or Receive once more.
  // Errors: those of Receive, after the bytes that came before; the stream is
  // as new all the same. No stop point: nothing is lost.
  // Lifetime: `received` lives until the await returns.
  // REQUIRES: no task awaits Receive; aborts otherwise.
  // Cost: a coroutine frame; where the kernel receives, a cancel.
  Task<Result<void>> EndReceive(std::vector<std::byte>& received);

  // All of `data`. See io::SendAll.
  io::SendAll Write(std::span<const std::byte> data,
                    std::size_t* transferred = nullptr) noexcept {
    return io::SendAll(fd_, data, transferred);
  }

  // All of several buffers, one after the other. See io::WriteAll.
  EDDY_CORO_WRAPPER Task<Result<void>> Write(
      std::span<const iovec> buffers, std::size_t* transferred = nullptr) {
    return io::WriteAll(fd_, buffers, transferred);
  }

  // All of the bytes of `owner` (a string, a vector, or another container),
  // without a copy where the kernel can: it reads them where they are, and the
  // owner is kept until it does no more. The await returns when the socket has
  // taken all, as that of Write. It is plain Write for less than
  // io::kZeroCopyThreshold bytes, and where the socket or the kernel cannot.
  // See send_zero_copy.h for whether it pays, and for what a peer that
  // acknowledges nothing holds up.
  // Errors: as Write.
  template <class Owner>
  EDDY_CORO_WRAPPER Task<Result<void>> WriteZeroCopy(
      Owner owner, std::size_t* transferred = nullptr) {
    static_assert(!std::ranges::view<Owner>,
                  "a view owns no bytes: pass their owner");
    auto kept = std::make_shared<const Owner>(std::move(owner));
    const std::span<const std::byte> data = std::as_bytes(std::span(*kept));
    return WriteZeroCopy(data, std::move(kept), transferred);
  }
  // The same for bytes that several share.
  Task<Result<void>> WriteZeroCopy(std::span<const std::byte> data,
                                   std::shared_ptr<const void> owner,
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
  io::Close Close() noexcept {
    receive_.Reset();
    return fd_.Close();
  }

  Result<SocketAddress> local_address() const {
    return SocketAddress::LocalOf(fd_.get());
  }
  Result<SocketAddress> peer_address() const {
    return SocketAddress::PeerOf(fd_.get());
  }

  const io::Fd& fd() const noexcept { return fd_; }
  io::Fd& fd() noexcept { return fd_; }

  // Takes the descriptor out: for a stream of another core or reactor, which is
  // made from it there (see hand_over.h), or for code without eddy. The stream
  // is empty then. REQUIRES: no operation in flight; Receive was not called, or
  // EndReceive after it. Violations abort.
  [[nodiscard]] io::Fd Detach() noexcept {
    if (receive_.begun()) [[unlikely]] {
      DetachAfterReceive();
    }
    return std::move(fd_);
  }

 protected:
  StreamSocket() noexcept = default;
  explicit StreamSocket(io::Fd fd) noexcept : fd_(std::move(fd)) {}
  StreamSocket(StreamSocket&&) noexcept = default;
  StreamSocket& operator=(StreamSocket&& other) noexcept {
    receive_ = std::move(other.receive_);
    fd_ = std::move(other.fd_);
    return *this;
  }
  ~StreamSocket() = default;

 private:
  [[noreturn]] static void ReadAfterReceive() noexcept;
  [[noreturn]] static void DetachAfterReceive() noexcept;

  io::Fd fd_;
  // Last: what is in flight is cancelled before the descriptor is closed.
  io::ReceiveStream receive_;
};

}  // namespace eddy::net

#endif  // EDDY_NET_STREAM_SOCKET_H_
