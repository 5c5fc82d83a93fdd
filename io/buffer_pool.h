// BufferPool: buffers that the kernel picks from when data is there, so that a
// socket which waits for data holds none.
//
//   stream.Receive()                          uses the reactor's own pool
//
//   io::BufferPoolOptions options;            or one of its own
//   options.buffer_size = 64 * 1024;
//   EDDY_CO_TRY(io::BufferPool pool, io::BufferPool::Create(options));
//   stream.ReceiveInto(pool);
//
// It begins small and doubles when all its buffers are lent, up to
// most_buffers. When those are lent too, who receives waits for one to come
// back; nothing is lost, data waits in the sockets. When more than half of them
// are lent, nobody receives ahead more than a buffer. What bounds the time that
// a peer may keep buffers, by not reading what it is answered, is a timeout
// (see net::WithIdleTimeout).
//
// The kernel uses a buffer part by part where it can (Linux 6.12): a message of
// 64 bytes takes 64 bytes. Otherwise each takes a buffer of its own. Where the
// kernel has no buffer rings or no multishot receive (before 6.0), each receive
// that waits holds a buffer, so there are no more than most_buffers of them.
//
// Ownership: a handle, copied for the cost of a counter; the memory lives as
// long as a handle, or a Buffer lent from it.
// Thread safety: belongs to the reactor that was running when it was made.
// See io_uring_register_buf_ring(3).
#ifndef EDDY_IO_BUFFER_POOL_H_
#define EDDY_IO_BUFFER_POOL_H_

#include <eddy/io/buffer_store.h>
#include <eddy/runtime/reactor.h>
#include <eddy/runtime/result.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace eddy::io {

struct BufferPoolOptions {
  // Bytes of a buffer: the most that one Buffer has.
  std::size_t buffer_size = std::size_t{16} * 1024;
  // How many there are at first, and may become: 1 to 32768, rounded up to a
  // power of two. Address space is reserved for all of them; memory is used by
  // those that were used.
  unsigned first_buffers = 16;
  unsigned most_buffers = 4096;
  // Uses memory for all at once, so that no page fault comes later.
  bool populate = false;
  // What is used where the kernel has it: parts of buffers, several buffers for
  // one receive, a limit for what one entry receives, buffer rings at all.
  bool incremental = true;
  bool bundles = true;
  bool limit_receive = true;
  bool kernel_picks = true;
};

class BufferPool {
 public:
  // Errors: EINVAL (sizes out of range), ENOMEM, EMFILE (a reactor has
  // 65535 pools), kMemoryLockLimit (see ReactorOptions::lock_memory; all of
  // most_buffers counts). REQUIRES: a reactor is running.
  // Cost: up to four system calls, and the memory.
  static Result<BufferPool> Create(const BufferPoolOptions& options = {});

  // The running reactor's own pool, with the default options; made at the first
  // call.
  static Result<BufferPool> Default();

  BufferPool(const BufferPool& other) noexcept : store_(other.store_) {
    store_->Ref();
  }
  BufferPool& operator=(const BufferPool& other) noexcept {
    BufferPool copy(other);
    std::swap(store_, copy.store_);
    return *this;
  }
  ~BufferPool() { store_->Unref(); }

  std::size_t buffer_size() const noexcept { return store_->buffer_size(); }
  // Buffers that there are by now.
  unsigned buffers() const noexcept { return store_->buffers(); }
  // Buffer objects that are not given back yet.
  unsigned lent() const noexcept { return store_->lent(); }

  // For operations.
  internal::BufferStore& store() const noexcept { return *store_; }

 private:
  explicit BufferPool(internal::BufferStore* store) noexcept : store_(store) {}

  internal::BufferStore* store_;
};

namespace internal {

// A reactor's account of its pools.
class BufferGroups {
 public:
  explicit BufferGroups(Reactor& reactor) noexcept : reactor_(reactor) {}
  BufferGroups(const BufferGroups&) = delete;
  BufferGroups& operator=(const BufferGroups&) = delete;
  ~BufferGroups();

  // A number by which the kernel knows the store.
  Result<std::uint16_t> Add(BufferStore& store);
  void Remove(BufferStore& store) noexcept;

  std::optional<BufferPool>& default_pool() noexcept { return default_pool_; }

 private:
  static constexpr std::uint16_t kMostGroups = 65535;

  Reactor& reactor_;
  std::uint16_t next_ = 0;
  std::vector<std::uint16_t> free_;
  std::vector<BufferStore*> stores_;
  std::optional<BufferPool> default_pool_;
};

}  // namespace internal
}  // namespace eddy::io

#endif  // EDDY_IO_BUFFER_POOL_H_
