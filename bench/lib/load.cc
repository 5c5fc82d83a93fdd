// The course of a slice.

#include "bench/lib/load.h"

#include <time.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"

namespace eddy::bench {
namespace {

using std::chrono::nanoseconds;

constexpr nanoseconds kPatience = std::chrono::seconds(20);
// How long a server may need to fall asleep after its last answer.
constexpr unsigned kTimeToRestUs = 300;

double Seconds(nanoseconds time) {
  return std::chrono::duration<double>(time).count();
}

}  // namespace

nanoseconds Load::Now(clockid_t clock) {
  timespec time{};
  ::clock_gettime(clock, &time);
  return std::chrono::seconds(time.tv_sec) + nanoseconds(time.tv_nsec);
}

void Load::Fail(const std::string& what) {
  if (error_.ok()) error_ = absl::InternalError(what);
}

absl::Status Load::Outcome() {
  if (now_ - last_answer_ > kPatience) {
    Fail(absl::StrCat("no answer for ", Seconds(kPatience), " s"));
  }
  return error_;
}

absl::Status Load::LoopUntil(nanoseconds end) {
  while (now_ < end) {
    if (absl::Status s = Turn(); !s.ok()) return s;
  }
  return absl::OkStatus();
}

absl::Status Load::LoopUntilRest() {
  sending_ = false;
  while (!AtRest()) {
    if (absl::Status s = Turn(); !s.ok()) return s;
  }
  return absl::OkStatus();
}

absl::Status Load::Run(const Slice& slice, LoadTotals& totals) {
  const auto client_cpu = [&slice] {
    const nanoseconds own = Now(CLOCK_THREAD_CPUTIME_ID);
    return slice.helper_cpu ? own + slice.helper_cpu() : own;
  };
  const nanoseconds start = now_ = last_answer_ = Now(CLOCK_MONOTONIC);
  const nanoseconds server_start = slice.server_cpu();
  const nanoseconds client_start = client_cpu();
  answers_ = 0;
  sending_ = true;
  Begin();
  if (absl::Status s = LoopUntil(start + slice.ramp); !s.ok()) return s;

  const nanoseconds window_start = now_;
  const std::uint64_t answers_before = answers_;
  latencies_ = &totals.latencies;
  absl::Status measured = LoopUntil(window_start + slice.window);
  latencies_ = nullptr;
  if (!measured.ok()) return measured;
  const nanoseconds window_end = now_;
  const std::uint64_t answers_within = answers_ - answers_before;

  if (absl::Status s = LoopUntilRest(); !s.ok()) return s;
  const nanoseconds end = now_;
  ::usleep(kTimeToRestUs);
  totals.window_requests += static_cast<double>(answers_within);
  totals.window_seconds += Seconds(window_end - window_start);
  totals.all_requests += static_cast<double>(answers_);
  totals.all_seconds += Seconds(end - start);
  totals.server_cpu_seconds += Seconds(slice.server_cpu() - server_start);
  totals.client_cpu_seconds += Seconds(client_cpu() - client_start);
  return absl::OkStatus();
}

}  // namespace eddy::bench
