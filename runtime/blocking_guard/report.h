// Reports: what a Watch leaves behind, and how it is printed.
#ifndef EDDY_RUNTIME_BLOCKING_GUARD_REPORT_H_
#define EDDY_RUNTIME_BLOCKING_GUARD_REPORT_H_

#include <eddy/runtime/blocking_guard/stack.h>
#include <eddy/runtime/blocking_guard/thread_state.h>

#include <atomic>
#include <cstdint>

namespace eddy::internal::guard {

struct Report {
  enum State { kFree, kTaken, kReady };

  std::atomic<State> state{kFree};
  std::atomic<const ThreadState*> owner{nullptr};
  const char* name = nullptr;
  const char* instead = nullptr;
  char argument[256] = "";
  std::int64_t begin_ns = 0;
  std::int64_t duration_ns = 0;  // -1: the call has not been made
  std::uint64_t place = 0;
  bool known_later = false;
  Stack stack;
  ResumedTask task;
};

// A free one; null if all are in use. Allocates nothing, as all else that calls
// do before the task has suspended.
Report* TakeReport() noexcept;
void FreeReport(Report& report) noexcept;

// The stack and the name, as a number that is not 0.
std::uint64_t PlaceOf(const char* name, const Stack& stack) noexcept;
bool PlaceIsKnown(std::uint64_t place) noexcept;
// Returns false if it was known, or if the table is full.
bool AddPlace(std::uint64_t place) noexcept;
void ForgetPlaces() noexcept;

// It waits for PrintReports() on this thread.
void Keep(Report& report) noexcept;
// Prints what is kept of this thread.
void PrintReports() noexcept;
// At the program's end: of all threads, unless one of them is printing.
void PrintAllReports() noexcept;
[[noreturn]] void PrintAndAbort(Report& report) noexcept;

// A scope was open where its task suspended.
void ReportScope(const char* why, const ResumedTask& task) noexcept;

// In a forked child.
void ForgetReports() noexcept;

}  // namespace eddy::internal::guard

#endif  // EDDY_RUNTIME_BLOCKING_GUARD_REPORT_H_
