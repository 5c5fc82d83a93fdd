// What tasks are put together with, one in the other, stopped and failed at
// every point.
#include <eddy/runtime/blocking.h>
#include <eddy/runtime/interval.h>
#include <eddy/runtime/join_handle.h>
#include <eddy/runtime/reactor.h>
#include <eddy/runtime/stop.h>
#include <eddy/runtime/stream.h>
#include <eddy/runtime/task.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/testing/virtual_clock.h>
#include <eddy/runtime/timeout.h>
#include <eddy/runtime/timer.h>
#include <eddy/runtime/until_stopped.h>
#include <eddy/runtime/when_all.h>
#include <eddy/runtime/when_any.h>
#include <eddy/runtime/with_stop.h>
#include <eddy/runtime/yield.h>

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tests/runtime/test_verbs.h"
#include "tests/sweeps.h"

namespace eddy {
namespace {

using namespace std::chrono_literals;  // NOLINT: literals
using test::EventFd;
using test::ExpectCleanSweeps;
using test::Nop;
using test::Pipe;
using test::PollIn;
using test::ReadInto;

// What a scenario gives that has seen what it must not.
constexpr std::errc kWrong = std::errc::bad_message;

using Scenario = Task<Result<void>> (*)();

// Sleeps of a scenario take time, or as good as none.
Task<Result<void>> InVirtualTime(Scenario scenario) {
  const VirtualClock clock;
  co_return co_await scenario();
}

void ExpectCleanInBothTimes(Scenario scenario, test::AtLeast points) {
  {
    SCOPED_TRACE("in real time");
    ExpectCleanSweeps(scenario, points);
  }
  SCOPED_TRACE("in virtual time");
  ExpectCleanSweeps([=] { return InVirtualTime(scenario); }, points);
}

Task<Result<void>> Nops(int count) {
  for (int i = 0; i < count; ++i) EDDY_CO_CHECK(co_await Nop());
  co_return Result<void>();
}

Task<Result<void>> NopAfter(Duration duration) {
  EDDY_CO_CHECK(co_await Sleep(duration));
  co_return co_await Nop();
}

// Reads all that a pipe has until its end.
Task<Result<int>> Count(const Pipe& pipe) {
  int count = 0;
  while (true) {
    std::array<std::byte, 3> buffer;
    EDDY_CO_TRY(const std::size_t n,
                co_await ReadInto(pipe.reader(), std::span(buffer)));
    if (n == 0) co_return count;
    count += static_cast<int>(n);
  }
}

Result<void> Put(const Pipe& pipe, int count) {
  const std::string text(static_cast<std::size_t>(count), 'x');
  if (write(pipe.writer(), text.data(), text.size()) != count) {
    return Unexpected(kWrong);
  }
  return Result<void>();
}

// --- Scopes ------------------------------------------------------------------

Task<Result<void>> Nest(int depth) {
  const auto body = [depth](TaskScope& scope) -> Task<Result<void>> {
    scope.Spawn(Nops(2));
    scope.Spawn(NopAfter(10us));
    if (depth == 0) co_return co_await Nop();
    scope.Spawn(Nest(depth - 1));
    co_return co_await Nest(depth - 1);
  };
  co_return co_await WithScope(body);
}

TEST(StructureSweepTest, ScopesInScopes) {
  ExpectCleanInBothTimes([] { return Nest(2); }, {60, 25});
}

// Readers and a writer that meet in a pipe, and one who waits to be stopped.
Task<Result<void>> PipeBetweenScopes() {
  Pipe pipe;
  int counted = 0;
  const auto reads = [&](TaskScope&) -> Task<Result<void>> {
    EDDY_CO_TRY(counted, co_await Count(pipe));
    co_return Result<void>();
  };
  const auto writes = [&](TaskScope&) -> Task<Result<void>> {
    for (int i = 0; i < 3; ++i) {
      EDDY_CO_CHECK(co_await Sleep(20us));
      EDDY_CO_CHECK(Put(pipe, 4));
    }
    pipe.CloseWriter();
    co_return Result<void>();
  };
  const auto body = [&](TaskScope& scope) -> Task<Result<void>> {
    scope.Spawn([]() -> Task<void> { co_await UntilStopped(); });
    const auto [read, written] =
        co_await WhenAll(WithScope(reads), WithScope(writes));
    scope.RequestStop();
    if (!read) co_return read;
    co_return written;
  };
  const Result<void> result = co_await WithScope(body);
  if (result && counted != 12) co_return Unexpected(kWrong);
  co_return result;
}

TEST(StructureSweepTest, APipeBetweenScopes) {
  ExpectCleanInBothTimes(PipeBetweenScopes, {15, 4});
}

// Handles that are awaited, dropped, and kept beyond their scope.
Task<Result<void>> Handles() {
  std::optional<JoinHandle<Result<void>>> kept;
  // A task refers to it, so it lives longer than the body.
  std::optional<JoinHandle<Result<void>>> first;
  const auto body = [&](TaskScope& scope) -> Task<Result<void>> {
    first.emplace(scope.Spawn(NopAfter(20us)));
    static_cast<void>(scope.Spawn(Nops(3)));
    kept.emplace(scope.Spawn(Nops(1)));
    const auto joins = [&first]() -> Task<Result<void>> {
      co_return co_await *std::move(first);
    };
    JoinHandle<Result<void>> second = scope.Spawn(joins);
    EDDY_CO_CHECK(co_await Nop());
    co_return co_await second;
  };
  const Result<void> result = co_await WithScope(body);
  const Result<void> late = co_await *kept;
  if (result && !late) co_return Unexpected(kWrong);
  co_return result;
}

TEST(StructureSweepTest, HandlesOfTasks) {
  ExpectCleanInBothTimes(Handles, {15, 6});
}

// --- Several at once ---------------------------------------------------------

Task<Result<void>> AllAtOnce() {
  const EventFd event;
  const auto signals = [&]() -> Task<Result<void>> {
    EDDY_CO_CHECK(co_await NopAfter(30us));
    event.Signal();
    co_return Result<void>();
  };
  std::vector<Task<Result<void>>> range;
  for (int i = 1; i <= 3; ++i) range.push_back(Nops(i));
  const auto [seen, signaled, all] = co_await WhenAll(
      PollIn(event.fd()), signals(), WhenAll(std::move(range)));
  for (const Result<void>& one : all) EDDY_CO_CHECK(one);
  EDDY_CO_CHECK(signaled);
  co_return seen;
}

// Where the signal does not come, nobody is there to end the poll.
Task<Result<void>> AllWithinAnHour() {
  const VirtualClock clock;
  co_return co_await WithTimeout(1h, AllAtOnce());
}

TEST(StructureSweepTest, WhenAllOfWhenAll) {
  ExpectCleanSweeps(AllWithinAnHour, {20, 8});
}

// The loser's bytes are late, or still in the pipe.
Task<Result<void>> AnyOfTwoPipes() {
  Pipe one;
  Pipe two;
  const auto writes = [&]() -> Task<Result<void>> {
    EDDY_CO_CHECK(co_await NopAfter(20us));
    EDDY_CO_CHECK(Put(one, 2));
    co_return Put(two, 1);
  };
  const auto reads = [&]() -> Task<Result<void>> {
    for (int left = 3; left > 0;) {
      std::array<std::byte, 2> a;
      std::array<std::byte, 2> b;
      const auto first = co_await WhenAny(
          ReadInto(one.reader(), std::span(a)),
          WithTimeout(1h, ReadInto(two.reader(), std::span(b))), Sleep(1h));
      const auto* n = first.value<0>();
      const auto* m = first.value<1>();
      if (n != nullptr && *n) left -= static_cast<int>(**n);
      if (m != nullptr && *m) left -= static_cast<int>(**m);
      if (n != nullptr && !*n) co_return Unexpected(n->error());
      if (m != nullptr && !*m) co_return Unexpected(m->error());
      if (first.index() == 2) co_return std::get<2>(first);
    }
    co_return Result<void>();
  };
  const auto body = [&](TaskScope& scope) -> Task<Result<void>> {
    scope.Spawn(writes);
    co_return co_await reads();
  };
  co_return co_await WithScope(body);
}

TEST(StructureSweepTest, WhenAnyOfPipesAndTime) {
  ExpectCleanInBothTimes(AnyOfTwoPipes, {12, 3});
}

Task<Result<void>> AnyOfMany() {
  const EventFd never;
  const auto waits = [&](int i) -> Task<Result<void>> {
    const auto body = [&](TaskScope& scope) -> Task<Result<void>> {
      scope.Spawn(NopAfter(std::chrono::microseconds(20 * i)));
      co_return co_await PollIn(never.fd());
    };
    if (i != 2) co_return co_await WithScope(body);
    co_return co_await NopAfter(30us);
  };
  std::vector<Task<Result<void>>> tasks;
  for (int i = 0; i < 4; ++i) tasks.push_back(waits(i));
  const auto first = co_await WhenAny(std::move(tasks));
  if (first.value && first.index != 2) co_return Unexpected(kWrong);
  co_return first.value;
}

TEST(StructureSweepTest, WhenAnyOfARangeOfScopes) {
  ExpectCleanInBothTimes(AnyOfMany, {20, 6});
}

// --- Time and stop -----------------------------------------------------------

// The nearest of three deadlines, and one that is not reached.
Task<Result<void>> Deadlines() {
  const EventFd never;
  const TimePoint soon = After(Clock::now(), 300us);
  const auto waits = [&]() -> Task<Result<void>> {
    EDDY_CO_CHECK(co_await WithTimeout(1h, Nop()));
    const auto body = [&](TaskScope& scope) -> Task<Result<void>> {
      scope.Spawn(NopAfter(1h));
      co_return co_await WithTimeout(2h, PollIn(never.fd()));
    };
    co_return co_await WithScope(body);
  };
  const Result<void> result = co_await WithTimeout(
      1h, WithDeadline(soon, WithDeadline(kNoDeadline, waits())));
  if (result) co_return Unexpected(kWrong);
  if (result.error() != kTimedOut) co_return result;
  co_return co_await Nop();
}

TEST(StructureSweepTest, DeadlinesInDeadlines) {
  ExpectCleanInBothTimes(Deadlines, {8, 3});
}

// The clean-up runs to its end, whatever came before, and within its own time.
Task<Result<void>> CleanUp(bool& began, bool& ended) {
  const EventFd never;
  began = true;
  const auto cleans = [&]() -> Task<Result<void>> {
    const Result<void> waited = co_await WithTimeout(50us, PollIn(never.fd()));
    const bool failed = !waited && waited.error() != kTimedOut;
    static_cast<void>(co_await Nop());
    ended = true;
    if (failed) co_return waited;
    co_return Result<void>();
  };
  co_return co_await Shield(cleans());
}

Task<Result<void>> WorkAndCleanUp() {
  bool began = false;
  bool ended = false;
  const auto works = [&](TaskScope& scope) -> Task<Result<void>> {
    scope.Spawn(NopAfter(10us));
    const Result<void> worked = co_await Nops(2);
    EDDY_CO_CHECK(co_await CleanUp(began, ended));
    co_return worked;
  };
  const Result<void> result = co_await WithTimeout(1h, WithScope(works));
  EXPECT_EQ(began, ended);
  co_return result;
}

TEST(StructureSweepTest, CleanUpBehindAShield) {
  ExpectCleanInBothTimes(WorkAndCleanUp, {10, 5});
}

// Stopped from inside in every run; the sweep's stop comes besides.
Task<Result<void>> StoppedFromWithin() {
  StopSource source;
  const EventFd never;
  const auto stops = [&]() -> Task<Result<void>> {
    EDDY_CO_CHECK(co_await NopAfter(20us));
    source.RequestStop();
    co_return Result<void>();
  };
  const auto waits = [&]() -> Task<Result<void>> {
    co_return co_await WithStop(source.token(), PollIn(never.fd()));
  };
  const auto body = [&](TaskScope& scope) -> Task<Result<void>> {
    // A failure of either ends the other: nobody else would stop it.
    scope.Spawn(stops);
    const Result<void> waited = co_await WithStop(source.token(), waits());
    if (waited) co_return Unexpected(kWrong);
    if (waited.error() != kCanceled) co_return waited;
    co_return co_await Nop();
  };
  co_return co_await WithScope(body);
}

TEST(StructureSweepTest, TokensInTokens) {
  ExpectCleanInBothTimes(StoppedFromWithin, {8, 3});
}

// --- Streams -----------------------------------------------------------------

struct Node {
  int value = 0;
  std::vector<Node> children;
};

// The values of a tree, each with an operation; ends where one fails.
Stream<int> Walk(const Node& node) {
  const Result<void> done = co_await Nop();
  if (!done) co_return;
  co_yield node.value;
  for (const Node& child : node.children) co_yield Walk(child);
}

Task<Result<void>> WalksATree() {
  const Node tree{1, {{2, {{3, {}}, {4, {}}}}, {5, {}}}};
  Stream<int> walk = Walk(tree);
  int sum = 0;
  const auto next = [&]() -> Task<bool> {
    const auto value = co_await walk.Next();
    sum += value.value_or(0);
    co_return value.has_value();
  };
  for (bool more = true; more;) {
    EDDY_CO_TRY(more, co_await WithTimeout(1h, next()));
  }
  co_return sum == 15 ? Result<void>() : Unexpected(kWrong);
}

TEST(StructureSweepTest, StreamsInStreams) {
  ExpectCleanInBothTimes(WalksATree, {10, 5});
}

// A stream with a scope of its own in it, dropped before its end.
Stream<int> Blocks(const Pipe& pipe) {
  const auto owned = std::make_unique<int>(1);
  std::array<std::byte, 4> buffer;
  while (true) {
    const auto body = [&](TaskScope& scope) -> Task<Result<std::size_t>> {
      scope.Spawn(Nops(1));
      co_return co_await ReadInto(pipe.reader(), std::span(buffer));
    };
    const Result<std::size_t> n = co_await WithScope(body);
    if (!n) co_return;
    co_yield *owned* static_cast<int>(*n);
  }
}

Task<Result<void>> DropsAStream() {
  Pipe pipe;
  const auto consumes = [&]() -> Task<Result<void>> {
    Stream<int> blocks = Blocks(pipe);
    for (int left = 5; left > 0;) {
      const auto n = co_await blocks.Next();
      if (!n) co_return Unexpected(kEndOfStream);
      left -= *n;
    }
    co_return Result<void>();
  };
  const auto body = [&](TaskScope& scope) -> Task<Result<void>> {
    scope.Spawn([&]() -> Task<Result<void>> {
      EDDY_CO_CHECK(Put(pipe, 3));
      EDDY_CO_CHECK(co_await Sleep(20us));
      co_return Put(pipe, 3);
    });
    co_return co_await consumes();
  };
  co_return co_await WithScope(body);
}

TEST(StructureSweepTest, AStreamThatIsDropped) {
  ExpectCleanInBothTimes(DropsAStream, {12, 4});
}

// --- Rhythm and threads ------------------------------------------------------

Task<Result<void>> Ticks() {
  Interval interval(40us, Interval::Missed::kBurst);
  const auto ticks = [&]() -> Task<Result<void>> {
    for (int i = 0; i < 3; ++i) {
      EDDY_CO_CHECK(co_await interval.Next());
      EDDY_CO_CHECK(co_await Nop());
    }
    co_return Result<void>();
  };
  const auto [own, other] = co_await WhenAll(ticks(), NopAfter(60us));
  if (!own) co_return own;
  co_return other;
}

TEST(StructureSweepTest, TicksOfAnInterval) {
  ExpectCleanInBothTimes(Ticks, {10, 4});
}

// Jobs that run, that wait for a thread, and that lose.
Task<Result<void>> Jobs() {
  const auto brief = [] { return std::make_unique<int>(1); };
  const auto longer = [] {
    usleep(200);
    return std::make_unique<int>(2);
  };
  const auto both = [&]() -> Task<Result<void>> {
    auto [a, b] = co_await WhenAll(Blocking(brief), Blocking(longer));
    if (!a) co_return Unexpected(a.error());
    if (!b) co_return Unexpected(b.error());
    co_return Result<void>();
  };
  const auto body = [&](TaskScope& scope) -> Task<Result<void>> {
    scope.Spawn(both);
    const auto first = co_await WhenAny(Nop(), Blocking(brief));
    if (const auto* nop = first.value<0>()) EDDY_CO_CHECK(*nop);
    co_return co_await both();
  };
  co_return co_await WithScope(body);
}

TEST(StructureSweepTest, JobsOfThreads) {
  ExpectCleanInBothTimes(Jobs, {6, 1});
}

// What a task left in the reactor's own scope ends with the reactor.
Task<Result<void>> LeavesTasks() {
  TaskScope& scope = Reactor::Current()->scope();
  scope.Spawn([]() -> Task<void> {
    const EventFd never;
    const auto first = co_await WhenAny(PollIn(never.fd()), NopAfter(1h));
    static_cast<void>(first);
    static_cast<void>(co_await Shield(Nop()));
  });
  scope.Spawn([]() -> Task<void> { co_await UntilStopped(); });
  EDDY_CO_CHECK(co_await Nop());
  co_await Yield();
  co_return co_await Nop();
}

TEST(StructureSweepTest, TasksThatOutliveTheMainOne) {
  ExpectCleanInBothTimes(LeavesTasks, {5, 3});
}

}  // namespace
}  // namespace eddy
