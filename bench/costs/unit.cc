// What the others are compared with: a call of a function, and the least that a
// trip to the kernel's ring takes.
#include <eddy/runtime/operation.h>

#include "bench/costs/costs.h"
#include "bench/micro/nop.h"
#include "bench/micro/raw_ring.h"

namespace costs {
namespace {

// The compiler cannot see that it changes nothing else, so that it is called.
[[gnu::noinline]] long Function(long n) {
  asm volatile("" : "+r"(n) : : "memory");
  return n + 1;
}
Task<> CallFunction(State& state) {
  long n = 0;
  for (auto _ : state) n = Function(n);
  DoNotOptimize(n);
  co_return;
}
EDDY_BENCHMARK(CallFunction)->Name("unit/a function call");

void NopOfRawRing(State& state) {
  RawRing ring;
  for (auto _ : state) ring.Nops(1);
}
EDDY_BENCHMARK(NopOfRawRing)->Name("unit/liburing: a NOP and its completion");

Task<Result<void>> NopOfEddy(State& state) {
  for (auto _ : state) EDDY_CO_CHECK(co_await Nop());
  co_return Result<void>();
}
EDDY_BENCHMARK(NopOfEddy)->Name("unit/co_await of a NOP");

}  // namespace
}  // namespace costs
