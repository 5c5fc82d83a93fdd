// ReceiveStream: the bytes that arrive on a connected socket, each time in a
// Buffer of the kernel's choice.
//
//   io::ReceiveStream receive(pool);
//   while (true) {
//     EDDY_CO_TRY(io::Buffer data, co_await receive.Next(fd));
//     if (data.empty()) break;                     // the end of the stream
//     ...
//   }
//
// One entry in the kernel brings many of them (a multishot receive), and while
// a socket waits for data it holds no buffer. Where ReceiveOptions'
// most_waiting bytes are received ahead of Next, it ends until Next has given
// them; then the peer's data stays in the socket, and TCP slows the peer down.
// So none of many connections takes all the buffers, or all the time. (Before
// Linux 6.17 what the socket holds by then may come in addition.)
//
// Result: bytes in the order of the stream; a Buffer without bytes at its end.
//
// Errors: those of recv(2), such as ECONNRESET, each once, after the bytes that
// came before it; ENOMEM for the pool; kCanceled.
//
// Stop: nothing is lost. After a stop what the kernel had received is given
// first; then kCanceled, and the kernel receives no more until the next Next.
//
// Lifetime: the Fd lives and stays in place until the await returns. Between
// two Nexts it may be moved. It is closed, or shared with other readers, only
// after the ReceiveStream was destroyed or Reset: bytes may have been received
// ahead. What was received and not asked for is dropped then.
//
// REQUIRES: one Next at a time; violations abort.
//
// Cost: no allocation in a steady state and no system call; one entry for each
// most_waiting bytes, or for each wait after which the kernel had ended it. The
// first Next makes about 200 bytes. See io_uring_prep_recv_multishot(3).
#ifndef EDDY_IO_RECEIVE_STREAM_H_
#define EDDY_IO_RECEIVE_STREAM_H_

#include <eddy/io/buffer.h>
#include <eddy/io/buffer_pool.h>
#include <eddy/io/buffered_multishot.h>
#include <eddy/io/fd.h>
#include <eddy/io/next_of.h>
#include <eddy/runtime/result.h>

#include <cstddef>
#include <optional>
#include <span>

namespace eddy::io {

struct ReceiveOptions {
  // None: the reactor's own.
  std::optional<BufferPool> pool;
  // Bytes that are received ahead, at least 1. Less than 64 in a Buffer count
  // as 64; where buffers are not used in parts, each counts whole.
  std::size_t most_waiting = std::size_t{64} * 1024;
};

namespace internal {

class ReceiveOperation final : public BufferedMultishot {
 public:
  using BufferedMultishot::BufferedMultishot;
  ReceiveOperation(BufferPool pool, std::size_t most_waiting) noexcept
      : BufferedMultishot(std::move(pool), most_waiting) {}

  const char* name() const noexcept override { return "Receive"; }

 private:
  void PrepareMultishot(io_uring_sqe* sqe, int fd) noexcept override;
  void PrepareSingle(io_uring_sqe* sqe, int fd,
                     std::span<std::byte> buffer) noexcept override;
};

}  // namespace internal

class ReceiveStream {
 public:
  using NextAwaiter = internal::NextOf<internal::ReceiveOperation>;

  // Not begun; Next begins with the default options.
  ReceiveStream() noexcept = default;
  // Errors: ENOMEM; EINVAL (most_waiting is 0). REQUIRES: a reactor is running.
  static Result<ReceiveStream> Create(const ReceiveOptions& options = {});

  NextAwaiter Next(const Fd& fd) noexcept;

  // Whether Next was called, or Create has made it.
  bool begun() const noexcept { return operation_ != nullptr; }
  // As if new; drops what was received and not asked for.
  void Reset() noexcept { operation_.reset(); }

 private:
  eddy::internal::MultishotPtr<internal::ReceiveOperation> operation_;
};

}  // namespace eddy::io

#endif  // EDDY_IO_RECEIVE_STREAM_H_
