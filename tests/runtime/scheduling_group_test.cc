// SchedulingGroup: shares of a reactor's time.
#include <eddy/runtime/ready_groups.h>
#include <eddy/runtime/scheduling_group.h>

#include <eddy/runtime/reactor.h>
#include <eddy/runtime/sync_wait.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/testing/co_test.h>
#include <eddy/runtime/timeout.h>
#include <eddy/runtime/timer.h>
#include <eddy/runtime/until_stopped.h>
#include <eddy/runtime/with_stop.h>
#include <eddy/runtime/yield.h>
#include <gtest/gtest.h>

#include <chrono>
#include <list>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace eddy {
namespace {

using namespace std::chrono_literals;  // NOLINT: literals
using internal::ReadyGroups;

// A coroutine in a queue, of a chosen group.
struct Node : internal::ReadyNode {
  explicit Node(std::uint8_t group)
      : task([]() -> Task<> { co_return; }()), context(*Reactor::Current()) {
    context.set_group(group);
    coroutine = internal::TaskAccess::Begin(task, context);
  }
  Task<> task;
  struct Context final : internal::TaskContext {
    using TaskContext::TaskContext;
  } context;
};

double Seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

// Runs groups that always want the core, `slice` each time, and gives the time
// that each has had.
std::vector<Duration> Share(ReadyGroups& groups, std::list<Node>& nodes,
                            int slices, Duration slice) {
  internal::ReadyQueue ready;
  for (Node& node : nodes) ready.Push(node);
  groups.Sort(ready);
  for (int i = 0; i < slices; ++i) {
    ReadyGroups::Group* const group = groups.Next();
    internal::ReadyNode& node = group->ready.PopNode();
    group->Ran(slice);
    ready.Push(node);
    groups.Sort(ready);
  }
  std::vector<Duration> times;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    times.push_back(groups[i].time);
    while (!groups[i].ready.empty()) groups[i].ready.PopNode();
  }
  return times;
}

CO_TEST(ReadyGroupsTest, TimeGoesByShares) {
  ReadyGroups groups;
  groups.Add("background", 20);
  groups.Add("batch", 80);
  std::list<Node> nodes;
  for (std::uint8_t group = 0; group < 3; ++group) nodes.emplace_back(group);
  const std::vector<Duration> times = Share(groups, nodes, 20000, 10us);
  EXPECT_NEAR(Seconds(times[0]), 0.1, 1e-4);
  EXPECT_NEAR(Seconds(times[1]), 0.02, 1e-4);
  EXPECT_NEAR(Seconds(times[2]), 0.08, 1e-4);
  for (Node& node : nodes) node.coroutine = nullptr;
  co_return;
}

CO_TEST(ReadyGroupsTest, WhatWasNotUsedGivesNoClaim) {
  ReadyGroups groups;
  groups.Add("background", 100);
  std::list<Node> nodes;
  nodes.emplace_back(0);
  // Alone for a second.
  Share(groups, nodes, 1000, 1ms);
  nodes.emplace_back(1);
  const Duration before = groups[0].time;
  const std::vector<Duration> times = Share(groups, nodes, 1000, 1ms);
  EXPECT_NEAR(Seconds(times[0] - before), 0.5, 2e-3);
  EXPECT_NEAR(Seconds(times[1]), 0.5, 2e-3);
  for (Node& node : nodes) node.coroutine = nullptr;
  co_return;
}

std::string GroupName() { return SchedulingGroup::Current().name(); }

CO_TEST(SchedulingGroupTest, FlowsDownToAllThatIsAwaitedAndSpawned) {
  EXPECT_EQ(GroupName(), "");
  const SchedulingGroup group = SchedulingGroup::Get("background", 20);
  EXPECT_EQ(group.shares(), 20U);
  const auto names = []() -> Task<std::vector<std::string>> {
    std::vector<std::string> seen;
    seen.push_back(GroupName());
    const auto adds = [&]() -> Task<> {
      co_await Yield();
      seen.push_back(GroupName());
    };
    co_await adds();
    co_await Shield(adds());
    const auto body = [&](TaskScope& scope) -> Task<> {
      scope.Spawn(adds);
      co_return;
    };
    CO_EXPECT_OK(co_await WithScope(body));
    CO_EXPECT_OK(co_await WithTimeout(1h, adds()));
    co_return seen;
  };
  const std::vector<std::string> seen = co_await group.Run(names());
  EXPECT_EQ(seen, std::vector<std::string>(5, "background"));
  EXPECT_EQ(GroupName(), "");
  EXPECT_GT(group.resumptions(), 0U);
  // The same, not a second one.
  EXPECT_EQ(SchedulingGroup::Get("background", 50).shares(), 20U);
  group.set_shares(30);
  EXPECT_EQ(SchedulingGroup::Get("background").shares(), 30U);
}

CO_TEST(SchedulingGroupTest, GivesExceptionsAndStops) {
  const SchedulingGroup group = SchedulingGroup::Get("background");
  const auto throws = []() -> Task<int> {
    co_await Yield();
    throw std::runtime_error("thrown");
  };
  bool caught = false;
  try {
    static_cast<void>(co_await group.Run(throws()));
  } catch (const std::runtime_error&) {
    caught = true;
  }
  EXPECT_TRUE(caught);
  const auto sleeps = []() -> Task<Result<void>> {
    co_return co_await Sleep(1h);
  };
  CO_EXPECT_ERROR(co_await WithTimeout(1ms, group.Run(sleeps())), kTimedOut);
}

// Both want the core all the time. (By the group's own accounts, which are in
// proportion whatever else this machine does.)
CO_TEST(SchedulingGroupTest, BackgroundTakesNoMoreThanItsShare) {
  const SchedulingGroup background = SchedulingGroup::Get("background", 25);
  const SchedulingGroup foreground = SchedulingGroup::Get("foreground", 100);
  const auto burns = []() -> Task<> {
    const StopToken stop = co_await CurrentStopToken();
    while (!stop.stop_requested()) {
      const auto until = std::chrono::steady_clock::now() + 20us;
      while (std::chrono::steady_clock::now() < until) {
      }
      co_await Yield();
    }
  };
  const auto body = [&](TaskScope& scope) -> Task<> {
    const auto burns_in = [&](SchedulingGroup group) -> Task<> {
      co_await group.Run(burns());
    };
    for (int i = 0; i < 5; ++i) scope.Spawn(burns_in, background);
    scope.Spawn(burns_in, foreground);
    while (foreground.time() < 100ms) {
      static_cast<void>(co_await Sleep(1ms));
    }
    const double ratio =
        Seconds(background.time()) / Seconds(foreground.time());
    // One resumption that the machine interrupts for long is in the accounts
    // of one of them before the other one has had its turn.
    EXPECT_GT(ratio, 0.05);
    EXPECT_LT(ratio, 0.6);
    scope.RequestStop();
  };
  CO_EXPECT_OK(co_await WithScope(body));
}

CO_TEST(SchedulingGroupTest, TimersAndTasksInNoGroupHaveTheirTurn) {
  const SchedulingGroup background = SchedulingGroup::Get("background", 1);
  int turns = 0;
  const auto yields = [&]() -> Task<> {
    const StopToken stop = co_await CurrentStopToken();
    for (; !stop.stop_requested(); ++turns) co_await Yield();
  };
  const auto in_group = [&]() -> Task<> { co_await background.Run(yields()); };
  const auto body = [&](TaskScope& scope) -> Task<> {
    scope.Spawn(in_group);
    for (int i = 0; i < 10; ++i) CO_EXPECT_OK(co_await Sleep(1ms));
    scope.RequestStop();
  };
  CO_EXPECT_OK(co_await WithScope(body));
  EXPECT_GT(turns, 0);
}

TEST(SchedulingGroupDeathTest, Misuse) {
  EXPECT_DEATH(SchedulingGroup::Get("background"), "no reactor runs");
  const auto none = [] {
    SyncWait([]() -> Task<> {
      SchedulingGroup::Get("background", 0);
      co_return;
    }());
  };
  EXPECT_DEATH(none(), "given no shares");
}

}  // namespace
}  // namespace eddy
