// The cheapest operation there is: one entry through the ring and back.
#ifndef EDDY_TESTS_NOP_H_
#define EDDY_TESTS_NOP_H_

#include <eddy/runtime/operation.h>
#include <eddy/runtime/result.h>

namespace eddy::test {

class [[nodiscard]] Nop final : public SingleOperation<Nop> {
 public:
  const char* name() const noexcept override { return "Nop"; }
  void Prepare(io_uring_sqe* sqe) const noexcept { io_uring_prep_nop(sqe); }
  Result<void> await_resume() const { return VoidResult(); }
};

}  // namespace eddy::test

#endif  // EDDY_TESTS_NOP_H_
