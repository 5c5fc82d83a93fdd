// Reactor::DumpTasks: what waits for what.
#include <eddy/runtime/reactor.h>
#include <eddy/runtime/stop.h>
#include <eddy/runtime/sync_wait.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/testing/co_test.h>
#include <eddy/runtime/timeout.h>
#include <eddy/runtime/timer.h>
#include <eddy/runtime/with_stop.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <sstream>
#include <string>
#include <vector>

#include "tests/runtime/test_verbs.h"

namespace eddy {
namespace {

using namespace std::chrono_literals;  // NOLINT: literals
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

std::vector<std::string> Dump() {
  std::istringstream text(Reactor::Current()->DumpTasks());
  std::vector<std::string> lines;
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  return lines;
}

auto Frame(const std::string& indent, const std::string& function) {
  return AllOf(StartsWith(indent + "at "), HasSubstr("reactor_dump_test.cc:"),
               HasSubstr(function));
}

CO_TEST(DumpTasksTest, ShowsARunningMain) {
  EXPECT_THAT(Dump(), ElementsAre("runs or is ready to run"));
  co_return;
}

Task<void> SleepsInside() { static_cast<void>(co_await Sleep(1h)); }
Task<void> CallsSleeper() { co_await SleepsInside(); }

CO_TEST(DumpTasksTest, ShowsTheChainOfASpawnedTaskFromTheInnermostOut) {
  Reactor::Current()->scope().Spawn(CallsSleeper());
  CO_EXPECT_OK(co_await Sleep(1ms));
  EXPECT_THAT(Dump(), ElementsAre("runs or is ready to run", "Sleep",
                                  Frame("  ", "SleepsInside"),
                                  Frame("  ", "CallsSleeper")));
}

Task<void> PollsFor(int fd) { static_cast<void>(co_await test::PollIn(fd)); }

Task<void> NestedScopes(int fd) {
  const auto inner = [&](TaskScope& scope) -> Task<void> {
    scope.Spawn(PollsFor(fd));
    co_return;
  };
  const auto outer = [&](TaskScope&) -> Task<void> {
    static_cast<void>(co_await WithScope(inner));
  };
  static_cast<void>(co_await WithScope(outer));
}

CO_TEST(DumpTasksTest, ShowsNestedScopesIndented) {
  const test::EventFd event;
  Reactor::Current()->scope().Spawn(NestedScopes(event.fd()));
  CO_EXPECT_OK(co_await Sleep(1ms));
  const std::vector<std::string> lines = Dump();
  EXPECT_THAT(lines,
              ElementsAre("runs or is ready to run",        //
                          "WithScope",                      //
                          Frame("  ", "NestedScopes"),      //
                          "    WithScope",                  // outer's body
                          Frame("      ", "NestedScopes"),  // a lambda of it
                          "        PollIn",                 //
                          Frame("          ", "PollsFor")));
  event.Signal();
}

CO_TEST(DumpTasksTest, ShowsTimeoutsShieldsStopsAndJoins) {
  const test::EventFd event;
  StopSource source;
  const auto waits = [&]() -> Task<void> {
    static_cast<void>(co_await WithTimeout(
        1h, WithStop(source.token(), Shield(test::PollIn(event.fd())))));
  };
  const auto joins = [&]() -> Task<void> {
    const auto body = [&](TaskScope& scope) -> Task<void> {
      JoinHandle<void> handle = scope.Spawn(waits);
      co_await handle;
    };
    static_cast<void>(co_await WithScope(body));
  };
  Reactor::Current()->scope().Spawn(joins);
  CO_EXPECT_OK(co_await Sleep(1ms));
  const std::vector<std::string> lines = Dump();
  std::vector<std::string> names;
  for (const std::string& line : lines) {
    const std::string name = line.substr(line.find_first_not_of(' '));
    if (name.rfind("at ", 0) != 0) names.push_back(name);
  }
  EXPECT_THAT(names,
              ElementsAre("runs or is ready to run", "WithScope", "JoinHandle",
                          "WithTimeout", StartsWith("WithStop ("),
                          StartsWith("Shield ("), "PollIn"));
  // What is below the timeout has its deadline; what is shielded has none.
  EXPECT_THAT(names[4], HasSubstr(" ms to its deadline)"));
  event.Signal();
}

CO_TEST(DumpTasksTest, ShowsARequestedStop) {
  const test::EventFd event;
  const auto shielded = [&]() -> Task<void> {
    CO_EXPECT_OK(co_await Shield(test::PollIn(event.fd())));
  };
  JoinHandle<void> handle = Reactor::Current()->scope().Spawn(shielded);
  CO_EXPECT_OK(co_await Sleep(1ms));
  handle.RequestStop();
  EXPECT_THAT(Dump(), testing::Contains("Shield (stop requested)"));
  event.Signal();
  co_await handle;
}

TEST(DumpTasksDeathTest, OutsideOfRunAborts) {
  EXPECT_DEATH(test::MakeReactor()->DumpTasks(),
               "^eddy: a reactor was used while it does not run");
}

}  // namespace
}  // namespace eddy
