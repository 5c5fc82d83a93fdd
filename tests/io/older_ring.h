// OlderRing: the kernel's ring, without some of its operations.
#ifndef EDDY_TESTS_IO_OLDER_RING_H_
#define EDDY_TESTS_IO_OLDER_RING_H_

#include "tests/io/io_test_util.h"

#include <eddy/runtime/reactor.h>
#include <eddy/runtime/ring.h>

#include <initializer_list>
#include <memory>
#include <utility>
#include <vector>

namespace eddy::io_test {

class OlderRing final : public Ring {
 public:
  static std::unique_ptr<Reactor> MakeReactor(
      std::initializer_list<unsigned> lacks) {
    std::unique_ptr<OlderRing> ring(new OlderRing(lacks));
    EXPECT_TRUE(ring->Open(RingOptions()));
    return Reactor::CreateOn(std::move(ring));
  }

 private:
  explicit OlderRing(std::initializer_list<unsigned> lacks) : lacks_(lacks) {}

  int Register(unsigned opcode, void* argument,
               unsigned count) noexcept override {
    const int result = Ring::Register(opcode, argument, count);
    if (opcode == IORING_REGISTER_PROBE && result == 0) {
      auto* probe = static_cast<io_uring_probe*>(argument);
      for (const unsigned lacking : lacks_) probe->ops[lacking].flags = 0;
    }
    return result;
  }

  const std::vector<unsigned> lacks_;
};

}  // namespace eddy::io_test

#endif  // EDDY_TESTS_IO_OLDER_RING_H_
