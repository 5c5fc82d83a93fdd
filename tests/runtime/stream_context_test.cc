// Stream: the context of each Next. Stops and deadlines that reach the
// producer, or do not, and dumps.
#include <eddy/runtime/reactor.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/stop.h>
#include <eddy/runtime/stream.h>
#include <eddy/runtime/task.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/testing/co_test.h>
#include <eddy/runtime/timeout.h>
#include <eddy/runtime/timer.h>
#include <eddy/runtime/with_stop.h>
#include <eddy/runtime/yield.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "tests/runtime/test_verbs.h"

namespace eddy {
namespace {

using namespace std::chrono_literals;  // NOLINT: literals
using testing::ElementsAre;
using testing::HasSubstr;

// Sleeps, once for `first`, and tells how that went by what it yields.
Stream<int> YieldsHowItSlept(Duration first) {
  for (;;) {
    const Result<void> slept = co_await Sleep(first);
    first = 1us;
    co_yield slept.has_value() ? 1 : -1;
  }
}

CO_TEST(StreamContextTest, AStoppedNextStopsTheProducersWaitAndLosesNoElement) {
  Stream<int> stream = YieldsHowItSlept(1h);
  const Result<std::optional<int>> late =
      co_await WithTimeout(1ms, stream.Next());
  CO_ASSERT_OK(late);
  EXPECT_EQ(*late, -1);
  // The next one is not stopped.
  CO_EXPECT_EQ(co_await stream.Next(), 1);
  StopSource source;
  source.RequestStop();
  CO_EXPECT_EQ(co_await WithStop(source.token(), stream.Next()), -1);
  const Result<std::optional<int>> in_time =
      co_await WithTimeout(1h, stream.Next());
  CO_ASSERT_OK(in_time);
  EXPECT_EQ(*in_time, 1);
}

Stream<int> EndsWhenStopped() {
  co_yield 1;
  const Result<void> slept = co_await Sleep(1h);
  if (!slept) co_return;
  co_yield 2;
}

CO_TEST(StreamContextTest, AnEndThatATimeoutBroughtIsATimeoutAndThenTheEnd) {
  Stream<int> stream = EndsWhenStopped();
  const Result<std::optional<int>> first =
      co_await WithTimeout(1h, stream.Next());
  CO_ASSERT_OK(first);
  EXPECT_EQ(*first, 1);
  CO_EXPECT_ERROR(co_await WithTimeout(1ms, stream.Next()), kTimedOut);
  const Result<std::optional<int>> end =
      co_await WithTimeout(1h, stream.Next());
  CO_ASSERT_OK(end);
  EXPECT_EQ(*end, std::nullopt);
}

Stream<TimePoint> Deadlines() {
  for (;;) {
    co_await Yield();
    co_yield co_await CurrentDeadline();
  }
}
Stream<TimePoint> DeadlinesBelow(int depth) {
  if (depth == 0) {
    co_yield Deadlines();
  } else {
    co_yield DeadlinesBelow(depth - 1);
  }
}

CO_TEST(StreamContextTest, EachNextHasTheContextOfWhoAwaitsIt) {
  for (const int depth : {0, 3}) {
    Stream<TimePoint> stream = DeadlinesBelow(depth);
    const TimePoint far = Clock::now() + 2h;
    const TimePoint near = Clock::now() + 1h;
    const auto in_far = co_await WithDeadline(far, stream.Next());
    CO_ASSERT_OK(in_far);
    EXPECT_EQ(*in_far, far);
    CO_EXPECT_EQ(co_await stream.Next(), kNoDeadline);
    const auto in_near = co_await WithDeadline(near, stream.Next());
    CO_ASSERT_OK(in_near);
    EXPECT_EQ(*in_near, near);
    const auto spawned = [&]() -> Task<TimePoint> {
      const auto next = co_await WithDeadline(near, stream.Next());
      co_return next->value_or(TimePoint());
    };
    JoinHandle<TimePoint> handle = Reactor::Current()->scope().Spawn(spawned);
    CO_EXPECT_EQ(co_await handle, near);
    CO_EXPECT_EQ(co_await stream.Next(), kNoDeadline);
  }
}

CO_TEST(StreamContextTest, AStopOfTheConsumersScopeReachesTheProducer) {
  std::optional<int> next;
  const auto body = [&](TaskScope& scope) -> Task<void> {
    const auto consumer = [&]() -> Task<void> {
      Stream<int> stream = EndsWhenStopped();
      CO_EXPECT_EQ(co_await stream.Next(), 1);
      next = co_await stream.Next();
    };
    scope.Spawn(consumer);
    co_await Yield();
    next = 5;
    scope.RequestStop();
  };
  CO_EXPECT_OK(co_await WithScope(body));
  EXPECT_EQ(next, std::nullopt);
}

Stream<int> Polls(int fd) {
  CO_EXPECT_TRUE((co_await test::PollIn(fd)).has_value());
  co_yield 1;
}
Stream<int> YieldsPolls(int fd) { co_yield Polls(fd); }
Task<void> ConsumesPolls(int fd) {
  Stream<int> stream = YieldsPolls(fd);
  CO_EXPECT_EQ(co_await stream.Next(), 1);
}

CO_TEST(StreamContextTest, DumpShowsProducersAndConsumer) {
  const test::EventFd event;
  JoinHandle<void> handle =
      Reactor::Current()->scope().Spawn(ConsumesPolls(event.fd()));
  co_await Yield();
  std::istringstream text(Reactor::Current()->DumpTasks());
  std::vector<std::string> lines;
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  event.Signal();
  co_await handle;
  EXPECT_THAT(
      lines,
      ElementsAre("runs or is ready to run", "PollIn", HasSubstr("::Polls("),
                  HasSubstr("::YieldsPolls("), HasSubstr("::ConsumesPolls(")));
  EXPECT_THAT(lines, testing::Each(testing::Not(HasSubstr("stream.h"))));
}

}  // namespace
}  // namespace eddy
