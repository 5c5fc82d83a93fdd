// BufferPool: buffers of one size that are used again and again, so that a
// response costs no allocation and an idle connection holds no memory.
//
//   BufferPool::Buffer buffer = pool.Take();
//   co_await stream.Read(buffer.bytes());
//
// The pool outlives its buffers. One thread uses both: no lock.
#ifndef EDDY_EXAMPLES_FILE_SERVER_BUFFER_POOL_H_
#define EDDY_EXAMPLES_FILE_SERVER_BUFFER_POOL_H_

#include <cstddef>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace file_server {

class BufferPool {
  using Memory = std::unique_ptr<std::byte[]>;

 public:
  // A buffer on loan, or none. Goes back to its pool when it is destroyed.
  class Buffer {
   public:
    Buffer() noexcept = default;
    Buffer(Buffer&& other) noexcept = default;
    Buffer& operator=(Buffer&& other) noexcept {
      std::swap(pool_, other.pool_);
      std::swap(memory_, other.memory_);
      return *this;
    }
    ~Buffer() { Release(); }

    explicit operator bool() const noexcept { return memory_ != nullptr; }
    std::size_t size() const noexcept { return memory_ ? pool_->size_ : 0; }
    std::span<std::byte> bytes() const noexcept {
      return {memory_.get(), size()};
    }

    void Release() noexcept {
      if (memory_) pool_->Return(std::move(memory_));
    }

   private:
    friend class BufferPool;
    Buffer(BufferPool& pool, Memory memory) noexcept
        : pool_(&pool), memory_(std::move(memory)) {}

    BufferPool* pool_ = nullptr;
    Memory memory_;
  };

  // At most `keep` buffers stay allocated while nobody uses them.
  BufferPool(std::size_t size, std::size_t keep) : size_(size), keep_(keep) {
    free_.reserve(keep);
  }

  // The buffer that was used last, while the processor's caches still know it.
  Buffer Take() {
    if (free_.empty()) {
      return Buffer(*this, std::make_unique_for_overwrite<std::byte[]>(size_));
    }
    Memory memory = std::move(free_.back());
    free_.pop_back();
    return Buffer(*this, std::move(memory));
  }

 private:
  void Return(Memory memory) noexcept {
    if (free_.size() < keep_) free_.push_back(std::move(memory));
  }

  const std::size_t size_;
  const std::size_t keep_;
  std::vector<Memory> free_;
};

}  // namespace file_server

#endif  // EDDY_EXAMPLES_FILE_SERVER_BUFFER_POOL_H_
