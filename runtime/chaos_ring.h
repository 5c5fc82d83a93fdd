// ChaosRing: a ring that does, from a seed, what the kernel may do but seldom
// does, so that tests meet it.
//
//   EDDY_CHAOS_SEED=7 ./server            any program on eddy, unchanged
//
//   ReactorOptions options;               or a reactor of your own
//   options.chaos_seed = 7;
//
// It stands between a reactor and the kernel's ring, which does the real work:
//  - under every other seed queues of 4 entries, so that they are full all the
//    time, and a completion queue of the kernel that overflows;
//  - of the entries to submit some are taken now and the others later;
//  - io_uring_enter answers EINTR, EAGAIN or EBUSY;
//  - completions come late and in another order, so that a cancel meets an
//    operation that has completed, and one that completes meanwhile;
//  - reads, writes, sends and receives move less than was asked for, where the
//    descriptor is one for which that is normal: a stream, a pipe or a file;
//  - multishot operations end early; buffer rings are found empty (ENOBUFS);
//  - set-up flags, rings of provided buffers, their use in parts and the limit
//    of a multishot receive are missing, as on an older kernel.
// Besides, the reactor runs what is ready in a shuffled order.
//
// All of that is allowed by the manual pages: a program that fails under a seed
// has a fault. What is done to an operation depends on the seed and the
// operation's number alone; the kernel's own timing is not repeated, so a seed
// fails again as far as the program does the same things again.
//
// FailAtEveryPoint (testing/sweep.h) also lets one operation fail.
//
// Cost: allocates, and makes system calls; for tests.
#ifndef EDDY_RUNTIME_CHAOS_RING_H_
#define EDDY_RUNTIME_CHAOS_RING_H_

#include <eddy/runtime/random.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/ring.h>
#include <eddy/runtime/ring_queues.h>

#include <sys/socket.h>
#include <sys/uio.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

namespace eddy {

struct ChaosOptions {
  // 0: nothing is disturbed but what is asked for below.
  std::uint64_t seed = 0;
  // The operation that fails, counted from 1 in the order of submission; 0:
  // none. Not counted are cancels, linked entries, what nobody awaits, and
  // reads of an eventfd, as the reactor's own is one.
  std::uint64_t fail_operation = 0;
  // What it fails with; by default what is likely for such an operation, EIO of
  // a read, ECONNRESET of a receive, EMFILE of an accept, ...
  std::optional<Error> fail_with;
  // The longest that one call waits in the kernel.
  std::optional<Duration> longest_wait;
};

class ChaosRing final : public Ring {
 public:
  // Errors: as Ring::Create.
  static Result<std::unique_ptr<ChaosRing>> Create(
      const RingOptions& ring_options, const ChaosOptions& options);

  // Operations that fail_operation counts.
  std::uint64_t operations() const noexcept { return operations_; }

 private:
  explicit ChaosRing(const ChaosOptions& options) noexcept
      : options_(options) {}

  struct Completion {
    std::uint64_t user_data = 0;
    std::int32_t result = 0;
    std::uint32_t flags = 0;
  };
  // A message of a stream that is cut short: what the kernel sees in the place
  // of the program's msghdr.
  struct ShortMessage {
    msghdr* original = nullptr;
    msghdr header{};
    std::vector<iovec> buffers;
  };
  // An operation between its submission and its last completion.
  struct InFlight {
    std::uint64_t number = 0;
    // So far.
    std::uint64_t completions = 0;
    std::uint8_t opcode = 0;
    // The operation is carried out, and then said to have failed.
    std::int32_t fails_with = 0;
    // A multishot operation that is being ended: its latest completion, which
    // becomes its last.
    std::optional<Completion> last;
    std::unique_ptr<ShortMessage> message;
    // One whose completions name buffers, which the program has to see in the
    // kernel's order, cannot hold one back: it ends for want of buffers.
    bool ends_without_buffers = false;
  };
  // A completion on its way to the program. Those of one operation have ranks
  // and turns that do not decrease, and so have those that name a buffer.
  struct Held {
    Completion completion;
    std::uint64_t rank;
    std::uint64_t turn;
    // Counts them all.
    std::uint64_t number;
  };

  int Register(unsigned opcode, void* argument,
               unsigned count) noexcept override;
  int EnterKernel(unsigned submit, unsigned min_complete, unsigned flags,
                  io_uring_getevents_arg& arg) noexcept override;

  void UseOwnQueues(unsigned entries);
  unsigned Take(unsigned most, unsigned published);
  void TakeOne(const io_uring_sqe& sqe, bool in_chain);
  void Shorten(io_uring_sqe& sqe, InFlight& operation,
               internal::Random& random) const;
  static std::unique_ptr<ShortMessage> ShortenMessage(io_uring_sqe& sqe,
                                                      internal::Random& random);
  bool IsOperation(const io_uring_sqe& sqe) const;
  void EndMultishots();
  void Collect();
  void CollectOne(Completion completion);
  void Forget(std::uint64_t user_data);
  void Hold(const Completion& completion, internal::Random& random);
  void Release(bool at_least_one);
  bool disturbs() const noexcept { return options_.seed != 0; }

  const ChaosOptions options_;
  bool older_kernel_ = false;
  internal::RingQueues kernel_;
  // The other side of queues_.
  std::vector<io_uring_sqe> sqes_;
  std::vector<io_uring_cqe> cqes_;
  std::atomic<unsigned> sq_head_{0}, sq_tail_{0}, sq_flags_{0};
  std::atomic<unsigned> cq_head_{0}, cq_tail_{0};

  std::unordered_map<std::uint64_t, InFlight> in_flight_;
  std::vector<Held> held_;
  std::vector<std::uint64_t> to_end_;
  std::uint64_t submitted_ = 0;
  std::uint64_t completed_ = 0;
  std::uint64_t operations_ = 0;
  std::uint64_t turn_ = 0;
};

namespace internal {

// The seed for the next reactor of a process that runs under EDDY_CHAOS_SEED;
// 0 where it does not.
std::uint64_t NextChaosSeed();

// Reactors get their seeds as at the program's start: a test program calls it
// before each test, so that a test has the same seeds when it runs alone.
void RestartChaosSeeds();

}  // namespace internal
}  // namespace eddy

#endif  // EDDY_RUNTIME_CHAOS_RING_H_
