// Buffers that the kernel picks from, as the hand-written twins use them.

#ifndef EDDY_BENCH_NETWORK_BUFFER_RING_H_
#define EDDY_BENCH_NETWORK_BUFFER_RING_H_

#include <sys/mman.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "bench/lib/twin_ring.h"

namespace eddy::bench {

class BufferRing {
 public:
  static constexpr std::uint16_t kGroup = 0;

  // `count`, a power of two, is how many there may become. The ring goes round
  // all that there are, so it begins with few, which stay in the caches.
  BufferRing(TwinRing& ring, unsigned count, std::size_t size)
      : size_(size),
        mask_(io_uring_buf_ring_mask(count)),
        memory_(static_cast<char*>(Map(count * size))),
        ring_(static_cast<io_uring_buf_ring*>(
            Map(count * sizeof(io_uring_buf)))) {
    io_uring_buf_reg registration{};
    registration.ring_addr = reinterpret_cast<std::uintptr_t>(ring_);
    registration.ring_entries = count;
    registration.bgid = kGroup;
    TwinRing::Check(io_uring_register_buf_ring(ring.get(), &registration, 0),
                    "io_uring_register_buf_ring");
    io_uring_buf_ring_init(ring_);
    Grow();
  }

  // For when the kernel has found none: false if there are `count` already.
  bool Grow() {
    const unsigned count = static_cast<unsigned>(mask_) + 1;
    if (made_ == count) return false;
    const unsigned more = made_ == 0 ? std::min(kFirst, count) : made_;
    for (unsigned i = 0; i < more; ++i) Return(made_++);
    return true;
  }

  static unsigned IdOf(const io_uring_cqe& cqe) {
    return cqe.flags >> IORING_CQE_BUFFER_SHIFT;
  }
  char* At(unsigned id) { return memory_ + (id * size_); }

  void Return(unsigned id) {
    io_uring_buf_ring_add(ring_, At(id), static_cast<unsigned>(size_),
                          static_cast<unsigned short>(id), mask_, 0);
    io_uring_buf_ring_advance(ring_, 1);
  }

  // A multishot receive into these buffers.
  static void Recv(TwinRing& ring, int fd, void* object, std::uint64_t kind) {
    io_uring_sqe* sqe = ring.Sqe();
    io_uring_prep_recv_multishot(sqe, fd, nullptr, 0, 0);
    Select(sqe);
    Tag(sqe, object, kind);
  }

  static void Select(io_uring_sqe* sqe) {
    io_uring_sqe_set_flags(sqe, IOSQE_BUFFER_SELECT);
    sqe->buf_group = kGroup;
  }

 private:
  static void* Map(std::size_t size) {
    void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) Die("mmap");
    return memory;
  }

  static constexpr unsigned kFirst = 16;

  std::size_t size_;
  int mask_;
  unsigned made_ = 0;
  char* memory_;
  io_uring_buf_ring* ring_;
};

}  // namespace eddy::bench

#endif  // EDDY_BENCH_NETWORK_BUFFER_RING_H_
