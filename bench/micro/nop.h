// The cheapest operation there is: one entry through the ring and back.
#ifndef EDDY_BENCH_MICRO_NOP_H_
#define EDDY_BENCH_MICRO_NOP_H_

#include <eddy/runtime/operation.h>

class [[nodiscard]] Nop final : public eddy::SingleOperation<Nop> {
 public:
  const char* name() const noexcept override { return "Nop"; }
  void Prepare(io_uring_sqe* sqe) const noexcept { io_uring_prep_nop(sqe); }
  eddy::Result<void> await_resume() const { return VoidResult(); }
};

#endif  // EDDY_BENCH_MICRO_NOP_H_
