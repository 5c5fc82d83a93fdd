// DatagramStream, Datagram: the datagrams of a socket, one after another, in
// buffers that the kernel picks from a pool.
//
//   EDDY_CO_TRY(net::DatagramStream datagrams, socket.Incoming());
//   EDDY_CO_TRY(net::Datagram one, co_await datagrams.Next());
//   Handle(one.data(), one.from());
//
// One entry in the kernel brings many of them (a multishot recvmsg); while none
// comes, no buffer is held.
//
// Result: a Datagram, which holds its buffer until it is destroyed. An empty
// datagram is one too.
// Errors: those of recvmsg(2); on a connected socket ECONNREFUSED and its like
// for what was sent before (see UdpSocket), after which Next goes on as before;
// kCanceled.
// Bounds: about `most_waiting` bytes are received ahead of Next; then, and
// where all buffers of the pool are lent, the others wait in the socket's
// receive buffer, and when that is full, the kernel drops and counts what
// comes: Datagram::dropped, UdpSocket::dropped. Lifetime: the stream lives no
// longer than its socket, which stays where it is. A Datagram may outlive both.
// Destroying the stream drops what it had received ahead. Stop: after kCanceled
// the kernel receives no more until the next Next, and no datagram is lost:
// what was received is given by the next one. REQUIRES: one Next at a time, and
// no other receive of the socket meanwhile, which would take its share;
// violations of the first abort. Cost: no entry for a datagram but the first,
// and after a pause or an empty one. Where the kernel has no multishot receive
// (before 6.0), one each. See io_uring_prep_recvmsg_multishot(3).
#ifndef EDDY_NET_DATAGRAM_STREAM_H_
#define EDDY_NET_DATAGRAM_STREAM_H_

#include <eddy/io/buffer.h>
#include <eddy/io/buffer_pool.h>
#include <eddy/io/buffered_multishot.h>
#include <eddy/io/control_message.h>
#include <eddy/io/fd.h>
#include <eddy/io/next_of.h>
#include <eddy/net/received_datagram.h>
#include <eddy/net/socket_address.h>
#include <eddy/runtime/multishot_operation.h>
#include <eddy/runtime/result.h>

#include <sys/socket.h>
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

namespace eddy::net {

struct DatagramStreamOptions {
  // Made with the options of DatagramPoolOptions; none: the reactor's own for
  // datagrams, whose buffers hold the largest there are.
  std::optional<io::BufferPool> pool;
  // Bytes that are received ahead, at least 1; a datagram counts with its
  // address and what else is said of it.
  std::size_t most_waiting = std::size_t{64} * 1024;
};

// Options of a pool whose buffers hold a datagram of so many bytes each; what
// is longer is cut, and says so. (A pool whose buffers the kernel uses part by
// part would cut any datagram that meets the end of one.)
io::BufferPoolOptions DatagramPoolOptions(std::size_t most_bytes);

// Bytes that the kernel has put into a buffer: a header, the sender's address,
// control data and the payload. It looks at them only when asked.
class Datagram {
 public:
  std::span<const std::byte> data() const noexcept;
  std::size_t size() const noexcept { return data().size(); }
  SocketAddress from() const noexcept;

  // It had more bytes than the buffer; they are lost.
  bool truncated() const noexcept;
  // Not 0: several that came as one. See ReceivedDatagram, also for the others.
  std::size_t segment_size() const noexcept {
    return internal::SegmentSizeOf(control());
  }
  DatagramSegments segments() const noexcept {
    return {data(), segment_size()};
  }
  std::uint32_t dropped() const noexcept {
    return internal::DroppedOf(control());
  }
  std::optional<PacketInfo> packet_info() const noexcept {
    return internal::PacketInfoOf(control());
  }
  // Whatever else options of the socket make the kernel say.
  io::ControlMessages control() const noexcept;

  // For DatagramStream.
  explicit Datagram(io::Buffer buffer) noexcept : buffer_(std::move(buffer)) {}

 private:
  io::Buffer buffer_;
};

namespace internal {

class DatagramOperation final : public io::internal::BufferedMultishot {
 public:
  DatagramOperation(const io::BufferPool& pool,
                    std::size_t most_waiting) noexcept;

  const char* name() const noexcept override { return "Receive datagram"; }
  Result<Datagram> Take() {
    return BufferedMultishot::Take().map(
        [](io::Buffer buffer) { return Datagram(std::move(buffer)); });
  }

 private:
  void PrepareMultishot(io_uring_sqe* sqe, int fd) noexcept override;
  void PrepareSingle(io_uring_sqe* sqe, int fd,
                     std::span<std::byte> buffer) noexcept override;
  std::int32_t FinishSingle(std::int32_t result,
                            std::span<std::byte> buffer) noexcept override;

  msghdr message_{};
  iovec payload_{};
};

}  // namespace internal

class DatagramStream {
 public:
  using NextAwaiter = io::internal::NextOf<internal::DatagramOperation>;

  // For UdpSocket::Incoming.
  // Errors: ENOMEM; EINVAL (most_waiting is 0, or a pool that is not made with
  // DatagramPoolOptions). REQUIRES: a reactor is running.
  static Result<DatagramStream> Create(
      const io::Fd& fd, const DatagramStreamOptions& options = {});

  NextAwaiter Next() noexcept { return {*operation_, *fd_}; }

 private:
  DatagramStream(const io::Fd& fd, const io::BufferPool& pool,
                 std::size_t most_waiting);

  const io::Fd* fd_;
  eddy::internal::MultishotPtr<internal::DatagramOperation> operation_;
};

}  // namespace eddy::net

#endif  // EDDY_NET_DATAGRAM_STREAM_H_
