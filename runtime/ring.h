// Ring: one io_uring, and all that talks to the kernel about it.
//
// Three verbs: take an SQE, enter the kernel (submit, and perhaps wait until a
// deadline), visit the completions. What is above knows only SQEs and CQEs.
//
// The set-up takes the best flags that the kernel grants: SINGLE_ISSUER,
// DEFER_TASKRUN, TASKRUN_FLAG, SUBMIT_ALL, NO_SQARRAY and the registered ring
// descriptor; each is left out where the kernel does not know it. A ring
// belongs to the thread that made it (the kernel enforces it).
//
// See io_uring_setup(2), io_uring_enter(2). Kernel floor: 5.11; 6.1 for
// DEFER_TASKRUN, which is where the speed is.
#ifndef EDDY_RUNTIME_RING_H_
#define EDDY_RUNTIME_RING_H_

#include <eddy/runtime/result.h>
#include <eddy/runtime/time.h>
#include <eddy/runtime/uring_abi.h>

#include <atomic>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace eddy {

struct RingOptions {
  // Entries of the submission queue; the completion queue has four times as
  // many. 1 to 32768, rounded up to a power of two. A full submission queue is
  // submitted by itself. Each entry costs about 130 bytes of RLIMIT_MEMLOCK.
  unsigned entries = 512;
  // The most threads that the kernel may start for this ring: for files (open,
  // stat, fsync, ...), and for what can wait without bound. 0 leaves the
  // kernel's default.
  unsigned file_workers = 8;
  unsigned unbounded_workers = 64;
  // Set-up flags (IORING_SETUP_*) to do without, as if the kernel lacked them.
  unsigned without_flags = 0;
};

class Ring {
 public:
  // Errors: kUringDisabledBySysctl, kUringForbidden, kUringMemoryLimit,
  // kKernelTooOld, EMFILE, ENFILE, EINVAL (entries out of range).
  // Cost: seven system calls; at the limit of memory it waits up to 90 ms for
  // what a ring just closed gives back.
  static Result<std::unique_ptr<Ring>> Create(const RingOptions& options);

  virtual ~Ring();
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  // A zeroed submission entry, or null when the queue is full until the next
  // Enter.
  io_uring_sqe* TryGetSqe() noexcept {
    const unsigned head = SqHead();
    if (sq_tail_ - head == sq_entries_) [[unlikely]] {
      return nullptr;
    }
    io_uring_sqe* sqe = &sqes_[sq_tail_++ & sq_mask_];
    *sqe = io_uring_sqe{};
    return sqe;
  }

  // Entries that were taken and not yet accepted by the kernel.
  unsigned pending() const noexcept { return sq_tail_ - SqHead(); }

  // Submits what is pending in one system call, and lets the kernel post what
  // has completed. With wait_until, also waits for a completion, at the most
  // until that time (kNoDeadline: without bound).
  //
  // Returns at once where a completion is there already. That the wait ended
  // without completion (time, a signal, EAGAIN or EBUSY: reap, then try again)
  // is no error: the caller looks at its queues and enters again. Aborts where
  // the kernel says that a completion was lost or that the ring is misused.
  void Enter(const TimePoint* wait_until) noexcept;

  bool HasCompletions() const noexcept {
    return cq_head_ != cq_ktail_->load(std::memory_order_acquire);
  }

  // True if completions are ready that only a call of Enter makes visible:
  // deferred task work, or an overflown completion queue.
  bool NeedsEnter() const noexcept {
    return (sq_kflags_->load(std::memory_order_relaxed) &
            (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) != 0;
  }

  // Calls f(cqe) for each completion that is there and frees their entries
  // afterwards. f must not take SQEs. Returns how many there were.
  template <class F>
  unsigned ForEachCompletion(F f) {
    // Acquire: the entries are read after the tail that covers them.
    const unsigned tail = cq_ktail_->load(std::memory_order_acquire);
    const unsigned count = tail - cq_head_;
    if (count == 0) return 0;
    for (; cq_head_ != tail; ++cq_head_) {
      // With many operations in flight theirs is memory that went cold: fetch
      // what the completions to come are about.
      __builtin_prefetch(reinterpret_cast<const void*>(
          cqes_[(cq_head_ + kPrefetch) & cq_mask_].user_data));
      f(static_cast<const io_uring_cqe&>(cqes_[cq_head_ & cq_mask_]));
    }
    // Release: the entries have been read before they may be overwritten.
    cq_khead_->store(tail, std::memory_order_release);
    return count;
  }

  int fd() const noexcept { return ring_fd_; }
  unsigned setup_flags() const noexcept { return setup_flags_; }
  unsigned features() const noexcept { return features_; }
  unsigned entries() const noexcept { return sq_entries_; }
  unsigned completion_entries() const noexcept { return cq_mask_ + 1; }
  // True if the kernel knows the IORING_OP_* value.
  bool Supports(unsigned opcode) const noexcept {
    return opcode < opcodes_.size() && opcodes_[opcode];
  }
  // How often the completion queue was full when Enter looked.
  std::uint64_t overflows() const noexcept { return overflows_; }

 protected:
  Ring() noexcept = default;
  Result<void> Open(const RingOptions& options);

  // io_uring_enter(2): the number of submitted entries or -errno. The one
  // indirect call of a turn; a ring that injects faults replaces it.
  virtual int EnterKernel(unsigned submit, unsigned min_complete,
                          unsigned flags, io_uring_getevents_arg& arg) noexcept;

 private:
  static constexpr unsigned kPrefetch = 4;

  unsigned SqHead() const noexcept {
    // Acquire: an entry may be written after the kernel has consumed it.
    return sq_khead_->load(std::memory_order_acquire);
  }
  Result<void> Map(const io_uring_params& params);
  void RegisterAll(const RingOptions& options) noexcept;

  io_uring_sqe* sqes_ = nullptr;
  unsigned sq_tail_ = 0;
  unsigned sq_mask_ = 0;
  unsigned sq_entries_ = 0;
  unsigned cq_head_ = 0;
  unsigned cq_mask_ = 0;
  io_uring_cqe* cqes_ = nullptr;
  // Shared with the kernel.
  std::atomic<unsigned>* sq_khead_ = nullptr;
  std::atomic<unsigned>* sq_ktail_ = nullptr;
  std::atomic<unsigned>* sq_kflags_ = nullptr;
  std::atomic<unsigned>* cq_khead_ = nullptr;
  std::atomic<unsigned>* cq_ktail_ = nullptr;

  int ring_fd_ = -1;
  // The registered index of ring_fd_, or ring_fd_ itself.
  int enter_fd_ = -1;
  unsigned enter_flags_ = 0;
  unsigned setup_flags_ = 0;
  unsigned features_ = 0;
  std::uint64_t overflows_ = 0;
  std::bitset<256> opcodes_;
  void* rings_memory_ = nullptr;
  std::size_t rings_size_ = 0;
  std::size_t sqes_size_ = 0;
};

}  // namespace eddy

#endif  // EDDY_RUNTIME_RING_H_
