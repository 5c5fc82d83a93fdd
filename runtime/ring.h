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
#include <eddy/runtime/ring_queues.h>
#include <eddy/runtime/time.h>
#include <eddy/runtime/uring_abi.h>

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace eddy {

struct RingOptions {
  // Entries of the submission queue. 1 to 32768, rounded up to a power of two.
  // A full submission queue is submitted by itself. Each entry costs about 130
  // bytes of RLIMIT_MEMLOCK.
  unsigned entries = 512;
  // Entries of the completion queue, at least as many; 0: four times as many.
  unsigned completion_entries = 0;
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
  // Cost: six system calls; at the limit of memory it waits up to 90 ms for
  // what a ring just closed gives back.
  static Result<std::unique_ptr<Ring>> Create(const RingOptions& options);

  virtual ~Ring();
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  // A zeroed submission entry, or null when the queue is full until the next
  // Enter.
  io_uring_sqe* TryGetSqe() noexcept { return queues_.TryGetSqe(); }

  // Entries that were taken and not yet accepted by the kernel.
  unsigned pending() const noexcept { return queues_.pending(); }

  // Submits what is pending in one system call, and lets the kernel post what
  // has completed. With wait_until, also waits for a completion, at the most
  // until that time (kNoDeadline: without bound).
  //
  // Returns at once where a completion is there already. That the wait ended
  // without completion (time, a signal, EAGAIN or EBUSY: reap, then try again)
  // is no error: the caller looks at its queues and enters again. Aborts where
  // the kernel says that a completion was lost or that the ring is misused.
  void Enter(const TimePoint* wait_until) noexcept;

  bool HasCompletions() const noexcept { return queues_.HasCompletions(); }

  // True if completions are ready that only a call of Enter makes visible:
  // deferred task work, or an overflown completion queue.
  bool NeedsEnter() const noexcept {
    return (queues_.flags() & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) != 0;
  }

  // Calls f(cqe) for each completion that is there and frees their entries
  // afterwards. f must not take SQEs. Returns how many there were.
  template <class F>
  unsigned ForEachCompletion(F f) {
    return queues_.ForEachCompletion(f);
  }

  // io_uring_register(2): its result, or -errno.
  virtual int Register(unsigned opcode, void* argument,
                       unsigned count) noexcept;

  int fd() const noexcept { return ring_fd_; }
  unsigned setup_flags() const noexcept { return setup_flags_; }
  unsigned features() const noexcept { return features_; }
  unsigned entries() const noexcept { return queues_.sq_entries; }
  unsigned completion_entries() const noexcept { return queues_.cq_mask + 1; }
  // True if the kernel knows the IORING_OP_* value.
  bool Supports(unsigned opcode) const noexcept {
    return opcode < opcodes_.size() && opcodes_[opcode];
  }
  // How often the completion queue was full when Enter looked.
  std::uint64_t overflows() const noexcept { return overflows_; }

 protected:
  static constexpr unsigned kMostEntries = 32768;

  Ring() noexcept = default;
  Result<void> Open(const RingOptions& options);

  // io_uring_enter(2): the number of submitted entries or -errno. The one
  // indirect call of a turn; a ring that injects faults replaces it.
  virtual int EnterKernel(unsigned submit, unsigned min_complete,
                          unsigned flags, io_uring_getevents_arg& arg) noexcept;

  // A ring between the program and the kernel replaces them by its own.
  internal::RingQueues queues_;

 private:
  Result<void> Map(const io_uring_params& params);
  void RegisterAll(const RingOptions& options) noexcept;

  int ring_fd_ = -1;
  // The registered index of ring_fd_, or ring_fd_ itself.
  int enter_fd_ = -1;
  unsigned enter_flags_ = 0;
  unsigned setup_flags_ = 0;
  unsigned features_ = 0;
  std::uint64_t overflows_ = 0;
  std::bitset<256> opcodes_;
  void* rings_memory_ = nullptr;
  void* sqes_memory_ = nullptr;
  std::size_t rings_size_ = 0;
  std::size_t sqes_size_ = 0;
};

}  // namespace eddy

#endif  // EDDY_RUNTIME_RING_H_
