// RegisteredMemory: memory that the kernel keeps at hand for a reactor's ring.
//
//   EDDY_CO_TRY(io::RegisteredMemory memory,
//               io::RegisteredMemory::Register(bytes));
//   co_await io::ReadAt(fd, offset, memory.Part(0, 4096));
//
// For each transfer with other memory the kernel looks up and holds its pages;
// of this it has done so once. That is worth it for direct I/O at a high rate,
// and little elsewhere: see docs/files.md for what was measured. (fs::
// AlignedBuffer, which has its own memory, can be registered too.)
//
// The memory is held in RAM meanwhile, and counts against RLIMIT_MEMLOCK for
// users without CAP_IPC_LOCK.
//
// Lifetime: the memory lives, where it is, as long as this object. Both may
// outlive the reactor. Operations that use a part of it have completed before
// this object ends.
// Thread safety: belongs to the reactor that was running when it was made; an
// operation of another one answers EFAULT.
// See io_uring_register(2), IORING_REGISTER_BUFFERS2.
#ifndef EDDY_IO_REGISTERED_MEMORY_H_
#define EDDY_IO_REGISTERED_MEMORY_H_

#include <eddy/runtime/result.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

namespace eddy::io {

// Memory of which the kernel may know: what ReadAt and WriteAt take. A plain
// span is one of which it does not.
class RegisteredSpan {
 public:
  static constexpr std::uint16_t kNoSlot = 0xffff;

  explicit RegisteredSpan(std::span<std::byte> bytes,
                          std::uint16_t slot = kNoSlot) noexcept
      : bytes_(bytes), slot_(slot) {}

  std::span<std::byte> bytes() const noexcept { return bytes_; }
  std::uint16_t slot() const noexcept { return slot_; }

 private:
  std::span<std::byte> bytes_;
  std::uint16_t slot_;
};

namespace internal {
class RegisteredSlots;
}  // namespace internal

class RegisteredMemory {
 public:
  // No memory.
  RegisteredMemory() noexcept = default;

  // Errors: EINVAL (no bytes, or more than 1 GiB), EFAULT (not the process's to
  // write), EOPNOTSUPP (mapped from a file), kMemoryLockLimit, ENFILE (a
  // reactor has 4096 of them already), ENOSYS (before Linux 5.19). REQUIRES: a
  // reactor is running. Cost: a system call; it faults in the memory.
  static Result<RegisteredMemory> Register(std::span<std::byte> bytes);

  RegisteredMemory(RegisteredMemory&& other) noexcept
      : slots_(std::move(other.slots_)),
        bytes_(std::exchange(other.bytes_, {})),
        slot_(std::exchange(other.slot_, RegisteredSpan::kNoSlot)) {}
  RegisteredMemory& operator=(RegisteredMemory&& other) noexcept {
    if (this != &other) {
      Unregister();
      slots_ = std::move(other.slots_);
      bytes_ = std::exchange(other.bytes_, {});
      slot_ = std::exchange(other.slot_, RegisteredSpan::kNoSlot);
    }
    return *this;
  }
  // Cost: a system call.
  ~RegisteredMemory() { Unregister(); }

  bool valid() const noexcept { return slots_ != nullptr; }
  std::span<std::byte> bytes() const noexcept { return bytes_; }
  std::uint16_t slot() const noexcept { return slot_; }

  // REQUIRES: offset + size <= bytes().size().
  RegisteredSpan Part(std::size_t offset, std::size_t size) const noexcept {
    return RegisteredSpan(bytes_.subspan(offset, size), slot_);
  }

 private:
  void Unregister() noexcept;

  std::shared_ptr<internal::RegisteredSlots> slots_;
  std::span<std::byte> bytes_;
  std::uint16_t slot_ = RegisteredSpan::kNoSlot;
};

}  // namespace eddy::io

#endif  // EDDY_IO_REGISTERED_MEMORY_H_
