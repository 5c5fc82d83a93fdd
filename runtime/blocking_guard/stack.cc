#include <eddy/runtime/blocking_guard/stack.h>

#include <unwind.h>

// The linker's names for the ends of this library.
extern "C" {
[[gnu::visibility("hidden")]] extern const char __ehdr_start[];
[[gnu::visibility("hidden")]] extern const char _end[];
}

namespace eddy::internal::guard {
namespace {

bool IsOfGuard(std::uintptr_t address) noexcept {
  return address >= reinterpret_cast<std::uintptr_t>(__ehdr_start) &&
         address < reinterpret_cast<std::uintptr_t>(_end);
}

struct Walk {
  Stack* stack;
  std::uintptr_t end;
};

_Unwind_Reason_Code Visit(_Unwind_Context* context, void* argument) {
  const Walk& walk = *static_cast<Walk*>(argument);
  Stack& stack = *walk.stack;
  // (The unwinder's CFA is that of the frame that this one has called.)
  if (walk.end != 0 && _Unwind_GetCFA(context) >= walk.end) {
    return _URC_END_OF_STACK;
  }
  int before_instruction = 0;
  std::uintptr_t address = _Unwind_GetIPInfo(context, &before_instruction);
  if (address == 0) return _URC_END_OF_STACK;
  // A return address may belong to the next line already.
  if (before_instruction == 0) --address;
  if (stack.count == 0 && IsOfGuard(address)) return _URC_NO_REASON;
  stack.frames[stack.count++] = address;
  return stack.count < Stack::kMostFrames ? _URC_NO_REASON : _URC_END_OF_STACK;
}

}  // namespace

void Stack::Take(std::uintptr_t end) noexcept {
  count = 0;
  Walk walk{this, end};
  _Unwind_Backtrace(&Visit, &walk);
}

}  // namespace eddy::internal::guard
