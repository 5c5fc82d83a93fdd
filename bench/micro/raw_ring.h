// The floor of the ring: raw liburing with eddy's flags (Debian's liburing
// cannot leave out the submission queue's array).
#ifndef EDDY_BENCH_MICRO_RAW_RING_H_
#define EDDY_BENCH_MICRO_RAW_RING_H_

#include <benchmark/benchmark.h>
#include <liburing.h>

#include <cstdio>
#include <cstdlib>

class RawRing {
 public:
  RawRing() {
    io_uring_params params{};
    params.flags = IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER |
                   IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG;
    if (io_uring_queue_init_params(512, &ring_, &params) != 0) {
      std::perror("io_uring_queue_init_params");
      std::exit(1);
    }
    io_uring_register_ring_fd(&ring_);
  }
  ~RawRing() { io_uring_queue_exit(&ring_); }
  RawRing(const RawRing&) = delete;
  RawRing& operator=(const RawRing&) = delete;

  // With a time, the kernel bounds the wait, as where a timer is pending.
  void Nops(unsigned count, __kernel_timespec* time = nullptr) {
    for (unsigned i = 0; i < count; ++i) {
      io_uring_prep_nop(io_uring_get_sqe(&ring_));
    }
    io_uring_cqe* cqe;
    if (time == nullptr) {
      io_uring_submit_and_wait(&ring_, 1);
    } else {
      io_uring_submit_and_wait_timeout(&ring_, &cqe, 1, time, nullptr);
    }
    unsigned head;
    unsigned seen = 0;
    io_uring_for_each_cqe(&ring_, head, cqe) {
      benchmark::DoNotOptimize(cqe->res);
      ++seen;
    }
    io_uring_cq_advance(&ring_, seen);
  }

 private:
  io_uring ring_;
};

#endif  // EDDY_BENCH_MICRO_RAW_RING_H_
