// The workloads of which instructions are counted: each is a coroutine that
// carries one operation out `count` times, on the only core of a Runtime.
#ifndef EDDY_TESTS_INSTRUCTIONS_WORKLOADS_H_
#define EDDY_TESTS_INSTRUCTIONS_WORKLOADS_H_

#include <eddy/runtime/task.h>

#include <span>

namespace eddy::test {

struct Workload {
  const char* name;
  Task<> (*run)(long count);
};

std::span<const Workload> Workloads();
// Of io, net and fs; the kernel's own instructions are not counted.
std::span<const Workload> IoWorkloads();

// What is computed is needed, as far as the compiler knows.
template <class T>
void Keep(const T& value) {
  asm volatile("" : : "g"(&value) : "memory");
}

}  // namespace eddy::test

#endif  // EDDY_TESTS_INSTRUCTIONS_WORKLOADS_H_
