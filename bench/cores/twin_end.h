// What the hand-written twins are made of: a queue for one that writes and one
// that reads, and an end of a pair of threads, which can wait for the other one
// and wake it, in every way that the kernel offers.
#ifndef EDDY_BENCH_CORES_TWIN_END_H_
#define EDDY_BENCH_CORES_TWIN_END_H_

#include <liburing.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "bench/lib/die.h"
#include "bench/lib/twin_ring.h"

namespace eddy::bench {

inline void Pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#endif
}

// Each index has a cache line of its own, and each side a copy of the other's.
class Spsc {
 public:
  explicit Spsc(std::size_t capacity)
      : capacity_(capacity),
        mask_(std::bit_ceil(capacity) - 1),
        slots_(mask_ + 1) {}

  // The side that writes.
  bool full() {
    if (tail_ - heads_copy_ < capacity_) return false;
    heads_copy_ = shared_head_.load(std::memory_order_acquire);
    return tail_ - heads_copy_ == capacity_;
  }
  void Write(std::uint64_t value) { slots_[tail_++ & mask_] = value; }
  // What was written is there to be read.
  void Publish() { shared_tail_.store(tail_, std::memory_order_release); }

  // The side that reads.
  bool empty() {
    if (head_ != tails_copy_) return false;
    tails_copy_ = shared_tail_.load(std::memory_order_acquire);
    return head_ == tails_copy_;
  }
  std::uint64_t Read() { return slots_[head_++ & mask_]; }
  // What was read may be written over.
  void Free() { shared_head_.store(head_, std::memory_order_release); }

 private:
  const std::size_t capacity_;
  const std::size_t mask_;
  std::vector<std::uint64_t> slots_;
  alignas(64) std::size_t tail_ = 0;
  std::size_t heads_copy_ = 0;
  alignas(64) std::size_t head_ = 0;
  std::size_t tails_copy_ = 0;
  alignas(64) std::atomic<std::size_t> shared_tail_ = 0;
  alignas(64) std::atomic<std::size_t> shared_head_ = 0;
};

enum class Waking {
  kSpin,        // nobody sleeps
  kEventfd,     // write(2), to an eventfd that the other one's ring reads
  kMsgRing,     // IORING_OP_MSG_RING, by the own ring
  kMsgRingNow,  // the same, by a system call of its own (since Linux 6.13)
};

// One of two threads. Made by that thread, as its ring demands it.
class TwinEnd {
 public:
  explicit TwinEnd(Waking waking) : waking_(waking) {
    event_fd_ = eventfd(0, EFD_CLOEXEC);
    if (event_fd_ < 0) Die("eventfd");
  }
  ~TwinEnd() { close(event_fd_); }
  TwinEnd(const TwinEnd&) = delete;
  TwinEnd& operator=(const TwinEnd&) = delete;

  void set_peer(TwinEnd& peer) { peer_ = &peer; }

  // After something was published: wakes the other one where it sleeps.
  void Wake() {
    if (waking_ == Waking::kSpin) return;
    // Each side writes the one and then reads the other of queue and flag.
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (!peer_->asleep_.load(std::memory_order_relaxed)) return;
    if (!peer_->asleep_.exchange(false, std::memory_order_relaxed)) return;
    ++wake_ups_;
    switch (waking_) {
      case Waking::kSpin:
        break;
      case Waking::kEventfd:
        ++system_calls_;
        if (eventfd_write(peer_->event_fd_, 1) != 0) Die("eventfd_write");
        break;
      case Waking::kMsgRing: {
        io_uring_sqe* sqe = ring_.Sqe();
        io_uring_prep_msg_ring(sqe, peer_->ring_.get()->ring_fd, 0, kWoken, 0);
        Ignore(sqe);
        break;
      }
      case Waking::kMsgRingNow: {
        constexpr unsigned kSendMsgRing = 31;  // IORING_REGISTER_SEND_MSG_RING
        ++system_calls_;
        io_uring_sqe sqe{};
        io_uring_prep_msg_ring(&sqe, peer_->ring_.get()->ring_fd, 0, kWoken, 0);
        if (syscall(__NR_io_uring_register, -1, kSendMsgRing, &sqe, 1) < 0) {
          Die("IORING_REGISTER_SEND_MSG_RING");
        }
        break;
      }
    }
  }

  // Returns when ready() is true, which it says of what the other one writes.
  template <class Ready>
  void Wait(Ready ready) {
    if (waking_ == Waking::kSpin) {
      while (!ready()) Pause();
      return;
    }
    while (!ready()) Sleep(ready);
    // What is to wake the other one may be queued.
    if (io_uring_sq_ready(ring_.get()) > (read_is_queued_ ? 1U : 0U)) Enter(0);
  }

  std::uint64_t system_calls() const { return system_calls_; }
  std::uint64_t wake_ups() const { return wake_ups_; }
  TwinRing& ring() { return ring_; }

 private:
  enum : std::uint64_t { kRead = 1, kWoken };

  static void Ignore(io_uring_sqe* sqe) {
    sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
    io_uring_sqe_set_data64(sqe, kIgnored);
  }

  template <class Ready>
  void Sleep(Ready ready) {
    if (waking_ == Waking::kEventfd && !reading_) {
      io_uring_sqe* sqe = ring_.Sqe();
      io_uring_prep_read(sqe, event_fd_, &event_, sizeof event_, 0);
      io_uring_sqe_set_data64(sqe, kRead);
      reading_ = read_is_queued_ = true;
    }
    asleep_.store(true, std::memory_order_seq_cst);
    if (!ready()) Enter(1);
    asleep_.store(false, std::memory_order_relaxed);
  }

  void Enter(unsigned wanted) {
    ++system_calls_;
    read_is_queued_ = false;
    io_uring_submit_and_wait(ring_.get(), wanted);
    unsigned head;
    unsigned seen = 0;
    io_uring_cqe* cqe;
    io_uring_for_each_cqe(ring_.get(), head, cqe) {
      ++seen;
      if (cqe->res < 0) TwinRing::Check(cqe->res, "a wake-up");
      if (cqe->user_data == kRead) reading_ = false;
    }
    io_uring_cq_advance(ring_.get(), seen);
  }

  const Waking waking_;
  TwinEnd* peer_ = nullptr;
  TwinRing ring_;
  int event_fd_;
  std::uint64_t event_ = 0;
  bool reading_ = false;
  bool read_is_queued_ = false;
  std::uint64_t system_calls_ = 0;
  std::uint64_t wake_ups_ = 0;
  alignas(64) std::atomic<bool> asleep_ = false;
};

}  // namespace eddy::bench

#endif  // EDDY_BENCH_CORES_TWIN_END_H_
