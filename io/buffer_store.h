// BufferStore: what a BufferPool's handles and the Buffers lent from it share:
// the memory, and the ring of buffers that the kernel takes from.
//
// A buffer is available (the kernel may put bytes into it), or taken, and in
// that case lent in one or more slices; when the last slice has come back, it
// is available again. Where the kernel uses buffers part by part, one is lent
// in slices while it is still available for its rest.
//
// Invariants:
//  1. The kernel takes buffers in the order in which they were published; each
//     knows its successor, which is how a completion that spans several names
//     only the first.
//  2. Completions are given to Take in the kernel's order, which is that of the
//     parts of a buffer.
//  3. A slice is lent until Return; memory and ring live as long as a handle or
//     a slice.
#ifndef EDDY_IO_BUFFER_STORE_H_
#define EDDY_IO_BUFFER_STORE_H_

#include <eddy/runtime/intrusive_list.h>
#include <eddy/runtime/reactor.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/uring_abi.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <thread>
#include <vector>

namespace eddy::io {

struct BufferPoolOptions;

namespace internal {

// A part of a buffer that is lent.
struct BufferSlice {
  std::uint32_t offset = 0;
  std::uint32_t size = 0;
  std::uint16_t id = 0;
};

// Something that waits until a buffer is available.
class BufferWaiter : public eddy::internal::ListHook<BufferWaiter> {
 public:
  // Out of the list by now. Takes no SQE.
  virtual void BufferAvailable() noexcept = 0;

 protected:
  ~BufferWaiter() = default;
};

class BufferGroups;

struct UnmapMemory {
  std::size_t size = 0;
  void operator()(void* memory) const noexcept;
};

class BufferStore {
 public:
  static Result<BufferStore*> Create(const BufferPoolOptions& options,
                                     Reactor& reactor);
  BufferStore(const BufferStore&) = delete;
  BufferStore& operator=(const BufferStore&) = delete;

  // Handles and slices. The last Unref destroys the store.
  void Ref() noexcept {
    ExpectOwnThread();
    ++references_;
  }
  void Unref() noexcept {
    ExpectOwnThread();
    if (--references_ == 0) delete this;
  }

  // True where the kernel picks the buffer; false where it cannot, and
  // operations name one of TakeFree.
  bool kernel_picks() const noexcept { return ring_ != nullptr; }
  bool incremental() const noexcept { return incremental_; }
  std::uint16_t group() const noexcept { return group_; }
  const Reactor* reactor() const noexcept { return reactor_; }
  std::size_t buffer_size() const noexcept { return buffer_size_; }
  unsigned available() const noexcept { return available_; }
  unsigned buffers() const noexcept { return made_; }
  unsigned lent() const noexcept { return lent_; }

  // True if a buffer is available, perhaps by making more. If not, the waiter
  // is told when one is.
  bool IsAvailable(BufferWaiter& waiter) noexcept;

  // The kernel has found no buffer: makes more if it may, so that it does not
  // the next time.
  void Exhausted() noexcept {
    if (available_ == 0) Grow();
  }

  // The bytes of a completion, as slices that are lent from now on, in order:
  // sink(slice) for each. `flags` are the completion's, with
  // IORING_CQE_F_BUFFER.
  template <class Sink>
  void Take(std::size_t bytes, std::uint32_t flags, Sink sink);

  // Where the kernel does not pick. REQUIRES: available() != 0.
  std::uint16_t TakeFree() noexcept;

  std::byte* DataOf(const BufferSlice& slice) noexcept {
    return memory_ + slice.id * buffer_size_ + slice.offset;
  }
  std::span<std::byte> Whole(std::uint16_t id) noexcept {
    return {memory_ + id * buffer_size_, buffer_size_};
  }

  // A slice of the buffer is lent no more.
  void Return(std::uint16_t id) noexcept;

  // What of the memory a slice keeps from others: no less than its account,
  // and where it has a buffer of its own, the pages that it has touched.
  std::size_t CostOf(const BufferSlice& slice) const noexcept {
    constexpr std::size_t kOfAnAccount = 64;
    constexpr std::size_t kPage = 4096;
    if (incremental_) return std::max<std::size_t>(slice.size, kOfAnAccount);
    return std::min(buffer_size_, (slice.size + kPage - 1) / kPage * kPage);
  }
  // More than half of all that there may be are lent: nobody should take more
  // than it needs now.
  bool scarce() const noexcept {
    return made_ == most_ && available_ < most_ / 2;
  }

  // The kernel does not know what it was asked for with this feature.
  bool limits_receive() const noexcept { return limits_receive_; }
  void set_no_receive_limit() noexcept { limits_receive_ = false; }
  bool bundles() const noexcept { return bundles_; }

 private:
  friend class BufferGroups;
  using Mapping = std::unique_ptr<void, UnmapMemory>;
  struct Slot {
    // Slices that are lent.
    std::uint32_t lent = 0;
    // Bytes that the kernel has filled.
    std::uint32_t used = 0;
    // What was published after it.
    std::uint16_t next = 0;
    // No more the kernel's.
    bool taken = false;
  };

  BufferStore() noexcept = default;
  // (After the reactor's end one thread is as good as another.)
  void ExpectOwnThread() const noexcept {
#ifndef NDEBUG
    if (groups_ != nullptr && thread_ != std::this_thread::get_id()) {
      UsedOnAnotherThread();
    }
#endif
  }
  [[noreturn]] static void UsedOnAnotherThread() noexcept;
  ~BufferStore();
  static Result<Mapping> Map(std::size_t size, bool populate);
  Result<void> RegisterRing(Reactor& reactor);

  void Grow() noexcept;
  void MakeAvailable(std::uint16_t id) noexcept;

  Mapping memory_mapping_;
  Mapping ring_mapping_;
  std::byte* memory_ = nullptr;
  io_uring_buf_ring* ring_ = nullptr;
  std::size_t buffer_size_ = 0;
  // How many there may be, a power of two; how many there are.
  unsigned most_ = 0;
  unsigned made_ = 0;
  unsigned first_ = 0;
  unsigned available_ = 0;
  unsigned lent_ = 0;
  unsigned references_ = 1;
  const Reactor* reactor_ = nullptr;
  const std::thread::id thread_ = std::this_thread::get_id();
  std::uint16_t group_ = 0;
  std::uint16_t last_published_ = 0;
  bool incremental_ = false;
  bool limits_receive_ = true;
  bool bundles_ = false;
  std::vector<Slot> slots_;
  // Where the kernel does not pick.
  std::vector<std::uint16_t> free_;
  eddy::internal::IntrusiveList<BufferWaiter> waiters_;
  // The reactor's account of its stores; null when the reactor is gone.
  BufferGroups* groups_ = nullptr;
};

template <class Sink>
void BufferStore::Take(std::size_t bytes, std::uint32_t flags, Sink sink) {
  // The end of a stream takes no part of a buffer.
  if (incremental_ && bytes == 0) return;
  auto id = static_cast<std::uint16_t>(flags >> IORING_CQE_BUFFER_SHIFT);
  const bool rest_available =
      incremental_ && (flags & IORING_CQE_F_BUF_MORE) != 0;
  for (;;) {
    Slot& slot = slots_[id];
    const std::size_t room = buffer_size_ - slot.used;
    BufferSlice slice;
    slice.id = id;
    slice.offset = slot.used;
    slice.size = static_cast<std::uint32_t>(std::min(bytes, room));
    const std::uint16_t next = slot.next;
    bytes -= slice.size;
    slot.used += slice.size;
    if (bytes != 0 || !rest_available) {
      slot.taken = true;
      --available_;
    }
    // Also one without bytes: giving it back is what makes it available.
    ++slot.lent;
    ++lent_;
    Ref();
    if (slice.size != 0) {
      sink(slice);
    } else {
      Return(id);
    }
    if (bytes == 0) return;
    id = next;
  }
}

}  // namespace internal
}  // namespace eddy::io

#endif  // EDDY_IO_BUFFER_STORE_H_
