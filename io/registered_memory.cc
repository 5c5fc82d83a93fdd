#include <eddy/io/registered_memory.h>

#include <eddy/runtime/misuse.h>
#include <eddy/runtime/operation.h>

#include <sys/uio.h>

#include <cerrno>
#include <thread>
#include <vector>

namespace eddy::io {
namespace internal {
namespace {

// io_uring_register(2): of one buffer.
constexpr std::size_t kMost = std::size_t{1} << 30;

}  // namespace

// The kernel's table of a ring's registered memory, most of it empty.
class RegisteredSlots {
 public:
  // Errors: as RegisteredMemory::Register.
  Result<std::uint16_t> Take(Reactor& reactor, std::span<std::byte> bytes) {
    if (ring_ == nullptr) {
      if (Result<void> made = Make(reactor.ring()); !made) {
        return Unexpected(made.error());
      }
    }
    if (free_.empty()) {
      if (next_ == kSlots) {
        return Unexpected(std::errc::too_many_files_open_in_system);
      }
      free_.push_back(next_++);
    }
    const std::uint16_t slot = free_.back();
    const int result = Set(slot, {bytes.data(), bytes.size()});
    if (result < 0) return Unexpected(ErrorOf(result));
    free_.pop_back();
    return slot;
  }
  void Return(std::uint16_t slot) noexcept {
    if (ring_ == nullptr) return;
    if (thread_ != std::this_thread::get_id()) [[unlikely]] {
      eddy::internal::Misuse(
          "RegisteredMemory was destroyed on another thread than its "
          "reactor's");
    }
    Set(slot, {nullptr, 0});
    free_.push_back(slot);
  }
  void RingEnds() noexcept { ring_ = nullptr; }

 private:
  static constexpr std::uint16_t kSlots = 4096;

  static Error ErrorOf(int result) noexcept {
    return result == -ENOMEM ? kMemoryLockLimit : Error::FromErrno(-result);
  }

  Result<void> Make(Ring& ring) {
    io_uring_rsrc_register registration{};
    registration.nr = kSlots;
    registration.flags = IORING_RSRC_REGISTER_SPARSE;
    const int result =
        ring.Register(IORING_REGISTER_BUFFERS2, &registration,
                      static_cast<unsigned>(sizeof registration));
    if (result == -EINVAL) {
      return Unexpected(std::errc::function_not_supported);
    }
    if (result < 0) return Unexpected(ErrorOf(result));
    free_.reserve(kSlots);  // Return() does not allocate
    ring_ = &ring;
    return {};
  }
  int Set(std::uint16_t slot, iovec memory) noexcept {
    io_uring_rsrc_update2 update{};
    update.offset = slot;
    update.data = reinterpret_cast<std::uint64_t>(&memory);
    update.nr = 1;
    return ring_->Register(IORING_REGISTER_BUFFERS_UPDATE, &update,
                           static_cast<unsigned>(sizeof update));
  }

  const std::thread::id thread_ = std::this_thread::get_id();
  Ring* ring_ = nullptr;
  std::uint16_t next_ = 0;
  std::vector<std::uint16_t> free_;
};

namespace {

// A reactor's, until its end.
class SlotsOfReactor {
 public:
  explicit SlotsOfReactor(Reactor&) {}
  ~SlotsOfReactor() { slots_->RingEnds(); }

  const std::shared_ptr<RegisteredSlots>& slots() const { return slots_; }

 private:
  const std::shared_ptr<RegisteredSlots> slots_ =
      std::make_shared<RegisteredSlots>();
};

}  // namespace
}  // namespace internal

Result<RegisteredMemory> RegisteredMemory::Register(
    std::span<std::byte> bytes) {
  Reactor* reactor = Reactor::Current();
  if (reactor == nullptr) {
    eddy::internal::Misuse(
        "memory was registered where no reactor runs; call it in a task");
  }
  if (bytes.empty() || bytes.size() > internal::kMost) {
    return Unexpected(std::errc::invalid_argument);
  }
  auto slots = reactor->Local<internal::SlotsOfReactor>().slots();
  const Result<std::uint16_t> slot = slots->Take(*reactor, bytes);
  if (!slot) return Unexpected(slot.error());
  RegisteredMemory memory;
  memory.slots_ = std::move(slots);
  memory.bytes_ = bytes;
  memory.slot_ = *slot;
  return memory;
}

void RegisteredMemory::Unregister() noexcept {
  if (slots_ == nullptr) return;
  slots_->Return(slot_);
  slots_.reset();
}

}  // namespace eddy::io
