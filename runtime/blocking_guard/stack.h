// The stack of a call: taken when it is made, printed later.
#ifndef EDDY_RUNTIME_BLOCKING_GUARD_STACK_H_
#define EDDY_RUNTIME_BLOCKING_GUARD_STACK_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace eddy::internal::guard {

// Addresses from the innermost frame out, without the guard's own and without
// the loop's. Taking it allocates nothing and waits for no lock.
struct Stack {
  static constexpr std::size_t kMostFrames = 48;

  std::size_t count = 0;
  std::array<std::uintptr_t, kMostFrames> frames{};

  // `end`: frames above this address are left out; 0: none.
  void Take(std::uintptr_t end) noexcept;
};

struct Frame {
  std::string function;  // empty: unknown
  std::string where;     // "file.cc:12", "libfoo.so+0x1234"
  bool of_library;       // std::, or of a system's library
};

// The function of each frame, those that the compiler has inlined too. Not
// thread-safe.
std::vector<Frame> Symbolize(const Stack& stack);

// In a forked child: forgets what another thread may have been changing.
void ForgetSymbols() noexcept;

}  // namespace eddy::internal::guard

#endif  // EDDY_RUNTIME_BLOCKING_GUARD_STACK_H_
