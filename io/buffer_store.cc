#include <eddy/io/buffer_store.h>

#include <eddy/io/buffer_pool.h>
#include <eddy/io/fd_operation.h>
#include <eddy/runtime/misuse.h>
#include <eddy/runtime/resident_memory.h>

#include <sys/mman.h>

#include <bit>
#include <cerrno>

namespace eddy::io::internal {
namespace {

constexpr unsigned kMostBuffers = 32768;
constexpr std::size_t kMostBytes = std::size_t{1} << 40;

}  // namespace

void UnmapMemory::operator()(void* memory) const noexcept {
  munmap(memory, size);
}

Result<BufferStore::Mapping> BufferStore::Map(std::size_t size, bool populate) {
  const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE |
                    (populate ? MAP_POPULATE : 0);
  void* memory =
      mmap(nullptr, size, PROT_READ | PROT_WRITE, flags, /*fd=*/-1, 0);
  if (memory == MAP_FAILED) return Unexpected(Error::FromErrno(errno));
  return Mapping(memory, UnmapMemory{size});
}

Result<BufferStore*> BufferStore::Create(const BufferPoolOptions& options,
                                         Reactor& reactor) {
  if (options.buffer_size == 0 || options.buffer_size > kMaxTransfer ||
      options.most_buffers == 0 || options.most_buffers > kMostBuffers ||
      options.first_buffers == 0) {
    return Unexpected(std::errc::invalid_argument);
  }
  const unsigned most = std::bit_ceil(options.most_buffers);
  if (options.buffer_size > kMostBytes / most) {
    return Unexpected(std::errc::invalid_argument);
  }
  std::unique_ptr<BufferStore, void (*)(BufferStore*)> store(
      new BufferStore, [](BufferStore* made) { made->Unref(); });
  store->reactor_ = &reactor;
  store->buffer_size_ = options.buffer_size;
  store->most_ = most;
  store->first_ = std::min(options.first_buffers, most);
  store->slots_.resize(most);
  store->free_.reserve(most);
  Result<Mapping> memory = Map(most * options.buffer_size, options.populate);
  if (!memory) return Unexpected(memory.error());
  if (reactor.locks_memory()) {
    if (Result<void> locked = eddy::internal::LockMemory(
            memory->get(), most * options.buffer_size,
            eddy::internal::LockWhen::kOnFault);
        !locked) {
      return Unexpected(locked.error());
    }
  }
  store->memory_mapping_ = *std::move(memory);
  store->memory_ = static_cast<std::byte*>(store->memory_mapping_.get());
  store->incremental_ = options.incremental;
  // Multishot receive came with the same kernel as this opcode.
  const Ring& ring = reactor.ring();
  if (options.kernel_picks && ring.Supports(IORING_OP_SEND_ZC)) {
    if (Result<void> made = store->RegisterRing(reactor); !made) {
      return Unexpected(made.error());
    }
  }
  if (!store->kernel_picks()) store->incremental_ = false;
  // Not with parts: kernels before 6.17 mix up the order of both together.
  store->bundles_ = options.bundles && store->kernel_picks() &&
                    !store->incremental_ &&
                    (ring.features() & IORING_FEAT_RECVSEND_BUNDLE) != 0;
  store->limits_receive_ = options.limit_receive;
  store->Grow();
  return store.release();
}

// Leaves ring_ null where the kernel has no buffer rings.
Result<void> BufferStore::RegisterRing(Reactor& reactor) {
  Result<Mapping> mapping =
      Map(most_ * sizeof(io_uring_buf), /*populate=*/false);
  if (!mapping) return Unexpected(mapping.error());
  BufferGroups& groups = reactor.Local<BufferGroups>();
  Result<std::uint16_t> group = groups.Add(*this);
  if (!group) return Unexpected(group.error());
  group_ = *group;
  io_uring_buf_reg registration{};
  registration.ring_addr = reinterpret_cast<std::uint64_t>(mapping->get());
  registration.ring_entries = most_;
  registration.bgid = group_;
  int result = -EINVAL;
  if (incremental_) {
    registration.pad = eddy::internal::kBufferRingIncremental;
    result =
        reactor.ring().Register(IORING_REGISTER_PBUF_RING, &registration, 1);
  }
  if (result == -EINVAL) {
    incremental_ = false;
    registration.pad = 0;
    result =
        reactor.ring().Register(IORING_REGISTER_PBUF_RING, &registration, 1);
  }
  if (result < 0) {
    groups.Remove(*this);
    if (result == -EINVAL) return {};
    return Unexpected(Error::FromErrno(-result));
  }
  ring_mapping_ = *std::move(mapping);
  ring_ = static_cast<io_uring_buf_ring*>(ring_mapping_.get());
  return {};
}

BufferStore::~BufferStore() {
  if (groups_ != nullptr) groups_->Remove(*this);
}

bool BufferStore::IsAvailable(BufferWaiter& waiter) noexcept {
  if (available_ == 0) Grow();
  if (available_ != 0) return true;
  if (!waiter.linked()) waiters_.PushBack(waiter);
  return false;
}

void BufferStore::Grow() noexcept {
  const unsigned until = std::min(most_, made_ == 0 ? first_ : 2 * made_);
  while (made_ != until) {
    MakeAvailable(static_cast<std::uint16_t>(made_++));
  }
}

void BufferStore::MakeAvailable(std::uint16_t id) noexcept {
  slots_[id].used = 0;
  slots_[id].taken = false;
  ++available_;
  if (!kernel_picks()) {
    free_.push_back(id);
    return;
  }
  slots_[last_published_].next = id;
  last_published_ = id;
  const int mask = io_uring_buf_ring_mask(most_);
  io_uring_buf_ring_add(ring_, Whole(id).data(),
                        static_cast<unsigned>(buffer_size_), id, mask, 0);
  io_uring_buf_ring_advance(ring_, 1);
}

std::uint16_t BufferStore::TakeFree() noexcept {
  const std::uint16_t id = free_.back();
  free_.pop_back();
  --available_;
  ++lent_;
  slots_[id].taken = true;
  slots_[id].lent = 1;
  Ref();
  return id;
}

void BufferStore::UsedOnAnotherThread() noexcept {
  eddy::internal::Misuse(
      "an io::Buffer or a BufferPool was used, or destroyed, on another thread "
      "than that of its reactor; copy the bytes, or send it home to be "
      "destroyed (OwnedBy)");
}

void BufferStore::Return(std::uint16_t id) noexcept {
  ExpectOwnThread();
  Slot& slot = slots_[id];
  --slot.lent;
  --lent_;
  if (slot.lent == 0 && slot.taken) {
    MakeAvailable(id);
    // All of them: who waits for data on a silent socket takes no buffer, and
    // would keep the news to itself.
    while (!waiters_.empty()) {
      BufferWaiter& waiter = waiters_.front();
      waiter.Unlink();
      waiter.BufferAvailable();
    }
  }
  Unref();
}

BufferGroups::~BufferGroups() {
  for (BufferStore* store : stores_) store->groups_ = nullptr;
}

Result<std::uint16_t> BufferGroups::Add(BufferStore& store) {
  if (free_.empty() && next_ == kMostGroups) {
    return Unexpected(std::errc::too_many_files_open);
  }
  store.groups_ = this;
  stores_.push_back(&store);
  if (free_.empty()) return next_++;
  const std::uint16_t group = free_.back();
  free_.pop_back();
  return group;
}

void BufferGroups::Remove(BufferStore& store) noexcept {
  std::erase(stores_, &store);
  store.groups_ = nullptr;
  free_.push_back(store.group_);
  if (store.ring_ == nullptr) return;
  io_uring_buf_reg registration{};
  registration.bgid = store.group_;
  reactor_.ring().Register(IORING_UNREGISTER_PBUF_RING, &registration, 1);
}

}  // namespace eddy::io::internal
