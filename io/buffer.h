// Buffer: bytes that the kernel put into a buffer of its choice, lent from a
// BufferPool.
//
//   EDDY_CO_TRY(io::Buffer data, co_await stream.Receive());
//   if (data.empty()) co_return ...;            // the end of the stream
//   EDDY_CO_CHECK(co_await stream.Write(data.bytes()));
//
// Ownership: move-only; the destructor gives the bytes back to the pool. What
// is kept for long keeps its part of the pool for as long: copy it out. May
// outlive the pool's last handle and the reactor; their memory stays until
// then.
// Thread safety: one thread, that of the pool.
// Cost: to give back, some stores; where a task waits for a buffer, it is
// woken.
#ifndef EDDY_IO_BUFFER_H_
#define EDDY_IO_BUFFER_H_

#include <eddy/io/buffer_store.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace eddy::io {

class Buffer {
 public:
  // No bytes.
  Buffer() noexcept = default;
  Buffer(Buffer&& other) noexcept
      : store_(std::exchange(other.store_, nullptr)),
        data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)),
        id_(other.id_) {}
  Buffer& operator=(Buffer&& other) noexcept {
    if (this != &other) {
      Reset();
      store_ = std::exchange(other.store_, nullptr);
      data_ = std::exchange(other.data_, nullptr);
      size_ = std::exchange(other.size_, 0);
      id_ = other.id_;
    }
    return *this;
  }
  ~Buffer() { Reset(); }

  // The bytes; they are this Buffer's to change.
  std::span<std::byte> bytes() noexcept { return {data_, size_}; }
  std::span<const std::byte> bytes() const noexcept { return {data_, size_}; }
  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }

  // Leaves the first `count` bytes out, at most all. (One without bytes looks
  // like the end of a stream, and is lent all the same.)
  void RemovePrefix(std::size_t count) noexcept {
    const auto n = static_cast<std::uint32_t>(count < size_ ? count : size_);
    data_ += n;
    size_ -= n;
  }

  // Gives the bytes back now.
  void Reset() noexcept {
    if (store_ == nullptr) return;
    std::exchange(store_, nullptr)->Return(id_);
    data_ = nullptr;
    size_ = 0;
  }

  // For operations that receive: takes over a slice.
  Buffer(internal::BufferStore& store, const internal::BufferSlice& slice)
      : store_(&store),
        data_(store.DataOf(slice)),
        size_(slice.size),
        id_(slice.id) {}

 private:
  internal::BufferStore* store_ = nullptr;
  std::byte* data_ = nullptr;
  std::uint32_t size_ = 0;
  std::uint16_t id_ = 0;
};

}  // namespace eddy::io

#endif  // EDDY_IO_BUFFER_H_
