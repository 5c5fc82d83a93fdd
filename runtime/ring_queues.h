// RingQueues: the submission and completion queues of a ring, as memory.
//
// Whoever carries the entries out is on the other side of that memory: the
// kernel, or a ring that stands between a program and the kernel and passes
// entries on (see ChaosRing). What is above knows only SQEs and CQEs.
#ifndef EDDY_RUNTIME_RING_QUEUES_H_
#define EDDY_RUNTIME_RING_QUEUES_H_

#include <eddy/runtime/uring_abi.h>

#include <atomic>

namespace eddy::internal {

struct RingQueues {
  // A zeroed submission entry, or null when the queue is full.
  io_uring_sqe* TryGetSqe() noexcept {
    const unsigned head = SqHead();
    if (sq_tail - head == sq_entries) [[unlikely]] {
      return nullptr;
    }
    io_uring_sqe* sqe = &sqes[sq_tail++ & sq_mask];
    *sqe = io_uring_sqe{};
    return sqe;
  }

  // Entries that were taken and not yet accepted by the other side.
  unsigned pending() const noexcept { return sq_tail - SqHead(); }

  // Lets the other side see the entries that were taken.
  void Publish() noexcept {
    // Release: the entries are read after the tail that covers them.
    sq_ktail->store(sq_tail, std::memory_order_release);
  }

  bool HasCompletions() const noexcept {
    return cq_head != cq_ktail->load(std::memory_order_acquire);
  }

  unsigned flags() const noexcept {
    return sq_kflags->load(std::memory_order_relaxed);
  }

  // Calls f(cqe) for each completion that is there and frees their entries
  // afterwards. f must not take SQEs. Returns how many there were.
  template <class F>
  unsigned ForEachCompletion(F f) {
    // Acquire: the entries are read after the tail that covers them.
    const unsigned tail = cq_ktail->load(std::memory_order_acquire);
    const unsigned count = tail - cq_head;
    if (count == 0) return 0;
    for (; cq_head != tail; ++cq_head) {
      // With many operations in flight theirs is memory that went cold: fetch
      // what the completions to come are about.
      __builtin_prefetch(reinterpret_cast<const void*>(
          cqes[(cq_head + kPrefetch) & cq_mask].user_data));
      f(static_cast<const io_uring_cqe&>(cqes[cq_head & cq_mask]));
    }
    // Release: the entries have been read before they may be overwritten.
    cq_khead->store(tail, std::memory_order_release);
    return count;
  }

  unsigned SqHead() const noexcept {
    // Acquire: an entry may be written after the other side has consumed it.
    return sq_khead->load(std::memory_order_acquire);
  }

  static constexpr unsigned kPrefetch = 4;

  io_uring_sqe* sqes = nullptr;
  unsigned sq_tail = 0;
  unsigned sq_mask = 0;
  unsigned sq_entries = 0;
  unsigned cq_head = 0;
  unsigned cq_mask = 0;
  io_uring_cqe* cqes = nullptr;
  // Shared with the other side.
  std::atomic<unsigned>* sq_khead = nullptr;
  std::atomic<unsigned>* sq_ktail = nullptr;
  std::atomic<unsigned>* sq_kflags = nullptr;
  std::atomic<unsigned>* cq_khead = nullptr;
  std::atomic<unsigned>* cq_ktail = nullptr;
};

}  // namespace eddy::internal

#endif  // EDDY_RUNTIME_RING_QUEUES_H_
