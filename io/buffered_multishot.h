// BufferedMultishot: a MultishotOperation whose elements are bytes in buffers
// of a BufferPool: what ReceiveStream and streams of datagrams have in common.
//
// A derived class prepares the entry. Where the kernel cannot pick buffers, it
// prepares one for a buffer that was picked before, which completes once.
#ifndef EDDY_IO_BUFFERED_MULTISHOT_H_
#define EDDY_IO_BUFFERED_MULTISHOT_H_

#include <eddy/io/buffer.h>
#include <eddy/io/buffer_pool.h>
#include <eddy/io/buffer_store.h>
#include <eddy/io/fd.h>
#include <eddy/runtime/fifo.h>
#include <eddy/runtime/multishot_operation.h>
#include <eddy/runtime/result.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace eddy::io::internal {

class BufferedMultishot : public eddy::internal::MultishotOperation,
                          private BufferWaiter {
 public:
  // The next element. After Await, where EndAwait() was true.
  Result<Buffer> Take();

  // The descriptor that the entry is submitted for.
  void set_fd(int fd) noexcept { fd_ = fd; }

 protected:
  // It ends by itself, until an element is waited for, where `most_waiting`
  // bytes of memory wait or a little more.
  BufferedMultishot(BufferPool pool, std::size_t most_waiting) noexcept;
  ~BufferedMultishot() override;

  // The caller adds IOSQE_BUFFER_SELECT and the group.
  virtual void PrepareMultishot(io_uring_sqe* sqe, int fd) noexcept = 0;
  virtual void PrepareSingle(io_uring_sqe* sqe, int fd,
                             std::span<std::byte> buffer) noexcept = 0;
  // The bytes of the buffer that a single one has filled, from its result.
  virtual std::int32_t FinishSingle(std::int32_t result,
                                    std::span<std::byte> buffer) noexcept;

  // For PrepareMultishot: the kernel ends it by itself after so many bytes,
  // where it can.
  void LimitReceive(io_uring_sqe* sqe) noexcept;
  BufferStore& store() const noexcept { return pool_.store(); }

 private:
  // Bytes, the end of the stream (no bytes), or an error.
  struct Element {
    std::int32_t error = 0;
    BufferSlice slice;
  };

  void Prepare(io_uring_sqe* sqe) noexcept final;
  void Deliver(std::int32_t result, std::uint32_t flags) noexcept final;
  void DeliverSingle(std::int32_t result) noexcept;
  bool HasElement() const noexcept final { return !elements_.empty(); }
  bool MaySubmit() noexcept final;
  void ForgetWait() noexcept final;
  bool IsBehind() const noexcept final { return waiting_ >= MostWaiting(); }
  void BufferAvailable() noexcept final { ContinueLater(); }
  void PushSlice(const BufferSlice& slice);
  std::size_t MostWaiting() const noexcept {
    return store().scarce() ? 1 : most_waiting_;
  }
  void PushError(std::int32_t result) { elements_.Push({-result, {}}); }

  BufferPool pool_;
  eddy::internal::Fifo<Element> elements_;
  std::size_t most_waiting_;
  std::size_t waiting_ = 0;
  int fd_ = -1;
  std::uint16_t picked_ = 0;
  bool single_ = false;
  bool limited_ = false;
  // It was refused with a limit.
  bool without_limit_ = false;
};

}  // namespace eddy::io::internal

#endif  // EDDY_IO_BUFFERED_MULTISHOT_H_
