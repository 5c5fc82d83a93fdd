// What a task asks of its reactor and of itself: no await, or none that waits.
#include <eddy/runtime/allow_blocking.h>
#include <eddy/runtime/error.h>
#include <eddy/runtime/reactor.h>
#include <eddy/runtime/scheduling_group.h>
#include <eddy/runtime/status.h>

#include <system_error>

#include "bench/costs/costs.h"

namespace costs {
namespace {

Task<> GetReactor(State& state) {
  for (auto _ : state) DoNotOptimize(eddy::Reactor::Current());
  co_return;
}
EDDY_BENCHMARK(GetReactor)->Name("runtime/Reactor::Current");
Task<> GetStats(State& state) {
  for (auto _ : state) DoNotOptimize(eddy::Reactor::Current()->stats());
  co_return;
}
EDDY_BENCHMARK(GetStats)->Name("runtime/Reactor::stats");
Task<> DumpTasks(State& state) {
  for (auto _ : state) DoNotOptimize(eddy::Reactor::Current()->DumpTasks());
  co_return;
}
EDDY_BENCHMARK(DumpTasks)->Name("runtime/Reactor::DumpTasks, of one task");
Task<> Allow(State& state) {
  for (auto _ : state) const eddy::AllowBlocking allowed("it is quick");
  co_return;
}
EDDY_BENCHMARK(Allow)->Name("runtime/AllowBlocking, without a guard");

Task<> GetMessage(State& state) {
  eddy::Error error = std::errc::connection_refused;
  for (auto _ : state) {
    DoNotOptimize(error);
    DoNotOptimize(error.message());
  }
  co_return;
}
EDDY_BENCHMARK(GetMessage)->Name("runtime/Error::message");
Task<> MakeStatus(State& state) {
  eddy::Error error = std::errc::connection_refused;
  for (auto _ : state) {
    DoNotOptimize(error);
    DoNotOptimize(eddy::ToStatus(error, "connect"));
  }
  co_return;
}
EDDY_BENCHMARK(MakeStatus)->Name("runtime/ToStatus");

Task<> GetGroup(State& state) {
  DoNotOptimize(eddy::SchedulingGroup::Get("costs"));
  for (auto _ : state) DoNotOptimize(eddy::SchedulingGroup::Get("costs"));
  co_return;
}
EDDY_BENCHMARK(GetGroup)->Name("runtime/SchedulingGroup::Get, one of two");
Task<> RunInGroup(State& state) {
  const eddy::SchedulingGroup group = eddy::SchedulingGroup::Get("costs");
  for (auto _ : state) DoNotOptimize(co_await group.Run(Answer(1)));
}
EDDY_BENCHMARK(RunInGroup)->Name("runtime/SchedulingGroup::Run of a Task");

}  // namespace
}  // namespace costs
