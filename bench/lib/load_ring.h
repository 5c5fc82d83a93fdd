// The ring of a load on io_uring, and its turn.

#ifndef EDDY_BENCH_LIB_LOAD_RING_H_
#define EDDY_BENCH_LIB_LOAD_RING_H_

#include <liburing.h>

#include <cerrno>

#include "absl/status/status.h"

namespace eddy::bench {

class LoadRing {
 public:
  LoadRing() = default;
  LoadRing(const LoadRing&) = delete;
  LoadRing& operator=(const LoadRing&) = delete;
  ~LoadRing() {
    if (made_) io_uring_queue_exit(&ring_);
  }

  absl::Status Open() {
    io_uring_params params{};
    params.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                   IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE;
    params.cq_entries = kCompletions;
    const int result =
        io_uring_queue_init_params(kSubmissions, &ring_, &params);
    if (result < 0) {
      return absl::ErrnoToStatus(-result, "the load generator needs io_uring");
    }
    made_ = true;
    io_uring_register_ring_fd(&ring_);
    return absl::OkStatus();
  }

  io_uring* get() { return &ring_; }

  io_uring_sqe* Sqe() {
    Reserve(1);
    return io_uring_get_sqe(&ring_);
  }

  // Makes room for entries that have to be submitted together.
  void Reserve(unsigned count) {
    while (io_uring_sq_space_left(&ring_) < count) io_uring_submit(&ring_);
  }

  // Submits, waits for 100 ms at most, calls `waited`, gives each completion to
  // `handle`, and returns what `outcome` says.
  template <typename Waited, typename Handle, typename Outcome>
  absl::Status Turn(Waited&& waited, Handle&& handle, Outcome&& outcome) {
    __kernel_timespec timeout{0, 100'000'000};
    io_uring_cqe* cqe = nullptr;
    const int result =
        io_uring_submit_and_wait_timeout(&ring_, &cqe, 1, &timeout, nullptr);
    if (result < 0 && result != -ETIME && result != -EINTR &&
        result != -EAGAIN && result != -EBUSY) {
      return absl::ErrnoToStatus(-result, "io_uring_enter");
    }
    waited();
    unsigned head;
    unsigned seen = 0;
    io_uring_for_each_cqe(&ring_, head, cqe) {
      handle(*cqe);
      ++seen;
    }
    io_uring_cq_advance(&ring_, seen);
    return outcome();
  }

 private:
  static constexpr unsigned kSubmissions = 1024;
  static constexpr unsigned kCompletions = 8192;

  io_uring ring_{};
  bool made_ = false;
};

}  // namespace eddy::bench

#endif  // EDDY_BENCH_LIB_LOAD_RING_H_
