// AlignedBuffer: memory for direct I/O.
//
//   fs::AlignedBuffer buffer(64 * 1024);
//   EDDY_CO_TRY(std::size_t n, co_await file.ReadAt(0, buffer));
//   co_await file.ReadAt(4096, buffer.Part(0, 4096));
//
// Aligned to 4096 bytes, which suits every usual device; what a file demands
// fs::File::alignment tells. Registered, the kernel keeps it at
// hand: see io::RegisteredMemory, and docs/files.md for what that brings. It
// may be used for any transfer, registered or not, direct or not.
//
// Ownership: move-only; the memory stays where it is when it is moved.
// Lifetime: longer than every operation on it.
// Thread safety: a buffer that is registered belongs to its reactor.
#ifndef EDDY_FS_ALIGNED_BUFFER_H_
#define EDDY_FS_ALIGNED_BUFFER_H_

#include <eddy/io/registered_memory.h>
#include <eddy/runtime/result.h>

#include <cstddef>
#include <memory>
#include <new>
#include <span>
#include <utility>

namespace eddy::fs {

class AlignedBuffer {
 public:
  static constexpr std::size_t kAlignment = 4096;

  // No memory.
  AlignedBuffer() noexcept = default;
  // `size` bytes of no defined value. Throws std::bad_alloc.
  explicit AlignedBuffer(std::size_t size)
      : memory_(static_cast<std::byte*>(
            ::operator new (size, std::align_val_t{kAlignment}))),
        size_(size) {}

  AlignedBuffer(AlignedBuffer&& other) noexcept
      : memory_(std::move(other.memory_)),
        registration_(std::move(other.registration_)),
        size_(std::exchange(other.size_, 0)) {}
  AlignedBuffer& operator=(AlignedBuffer&& other) noexcept {
    if (this != &other) {
      registration_ = std::move(other.registration_);
      memory_ = std::move(other.memory_);
      size_ = std::exchange(other.size_, 0);
    }
    return *this;
  }
  ~AlignedBuffer() = default;

  std::size_t size() const noexcept { return size_; }
  std::span<std::byte> bytes() const noexcept { return {memory_.get(), size_}; }

  // What transfers take. REQUIRES: offset + size <= size().
  io::RegisteredSpan Part(std::size_t offset, std::size_t size) const noexcept {
    return io::RegisteredSpan(bytes().subspan(offset, size),
                              registration_.slot());
  }
  operator io::RegisteredSpan() const noexcept {  // NOLINT: meant to convert
    return Part(0, size_);
  }

  // Registers the memory with the running reactor, until the buffer ends.
  // Errors, cost: see io::RegisteredMemory::Register. Without it, and where it
  // fails, the buffer works all the same. REQUIRES: a reactor is running.
  Result<void> Register() {
    return io::RegisteredMemory::Register(bytes()).map(
        [this](io::RegisteredMemory made) { registration_ = std::move(made); });
  }
  bool registered() const noexcept { return registration_.valid(); }

 private:
  struct Free {
    void operator()(std::byte* memory) const noexcept {
      ::operator delete (memory, std::align_val_t{kAlignment});
    }
  };

  std::unique_ptr<std::byte[], Free> memory_;
  // Ends before the memory does.
  io::RegisteredMemory registration_;
  std::size_t size_ = 0;
};

}  // namespace eddy::fs

#endif  // EDDY_FS_ALIGNED_BUFFER_H_
