// Exceptions of tasks: whoever gets one, and where nobody does, it is freed.
// (A coroutine's frame frees none that is left in it: see PendingException.)
#include <eddy/runtime/join_handle.h>
#include <eddy/runtime/runtime.h>
#include <eddy/runtime/scheduling_group.h>
#include <eddy/runtime/submit_to.h>
#include <eddy/runtime/sync_wait.h>
#include <eddy/runtime/task.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/testing/co_test.h>
#include <eddy/runtime/timeout.h>
#include <eddy/runtime/timer.h>
#include <eddy/runtime/when_all.h>
#include <eddy/runtime/when_any.h>
#include <eddy/runtime/with_stop.h>
#include <eddy/runtime/yield.h>
#include <gtest/gtest.h>

#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

namespace eddy {
namespace {

using namespace std::chrono_literals;

// Objects that are alive, of exceptions that were thrown.
int live = 0;
class Counted : public std::exception {
 public:
  Counted() { ++live; }
  Counted(const Counted& other) : std::exception(other) { ++live; }
  ~Counted() override { --live; }
};

class TaskExceptionTest : public ::testing::Test {
 protected:
  TaskExceptionTest() { live = 0; }
  ~TaskExceptionTest() override { EXPECT_EQ(live, 0); }
};

Task<int> ThrowInt() {
  co_await Yield();
  throw Counted();
}
Task<> ThrowVoid() {
  co_await Yield();
  throw Counted();
}
Task<std::string> ThrowString() {
  co_await Yield();
  throw Counted();
}
Task<Result<std::string>> ThrowResult() {
  co_await Yield();
  throw Counted();
}

template <class T>
Task<bool> Throws(Task<T> task) {
  try {
    static_cast<void>(co_await std::move(task));
  } catch (const Counted&) {
    co_return true;
  }
  co_return false;
}
template <class F>
bool RunThrows(F f) {
  try {
    static_cast<void>(SyncWait(f()));
  } catch (const Counted&) {
    return true;
  }
  return false;
}

TEST_F(TaskExceptionTest, OfAnAwaitedTask) {
  SyncWait([]() -> Task<> {
    CO_EXPECT_TRUE(co_await Throws(ThrowInt()));
    CO_EXPECT_TRUE(co_await Throws(ThrowVoid()));
    CO_EXPECT_TRUE(co_await Throws(ThrowString()));
    CO_EXPECT_TRUE(co_await Throws(ThrowResult()));
  }());
}

TEST_F(TaskExceptionTest, OfTheMainTask) {
  EXPECT_TRUE(RunThrows(ThrowInt));
  EXPECT_TRUE(RunThrows(ThrowVoid));
  EXPECT_TRUE(RunThrows(ThrowResult));
}

// One is joined, of one the handle is dropped, of one it is kept.
TEST_F(TaskExceptionTest, OfSpawnedTasks) {
  EXPECT_TRUE(RunThrows([]() -> Task<Result<void>> {
    co_return co_await WithScope([](TaskScope& scope) -> Task<> {
      JoinHandle<int> joined = scope.Spawn(ThrowInt());
      scope.Spawn(ThrowString());
      const JoinHandle<Result<std::string>> kept = scope.Spawn(ThrowResult());
      bool thrown = false;
      try {
        static_cast<void>(co_await joined);
      } catch (const Counted&) {
        thrown = true;
      }
      EXPECT_TRUE(thrown);
      while (!kept.ended()) co_await Yield();
    });
  }));
}

TEST_F(TaskExceptionTest, OfTheBodyOfAScopeAndOfATaskAfterIt) {
  EXPECT_TRUE(RunThrows([]() -> Task<Result<void>> {
    co_return co_await WithScope([](TaskScope& scope) -> Task<> {
      scope.Spawn(ThrowVoid());
      throw Counted();
    });
  }));
}

TEST_F(TaskExceptionTest, OfTheBodyOfAScopeThatGivesAnError) {
  EXPECT_FALSE(RunThrows([]() -> Task<Result<void>> {
    co_return co_await WithScope([](TaskScope& scope) -> Task<Result<void>> {
      scope.Spawn(ThrowVoid());
      co_return Unexpected(kTimedOut);
    });
  }));
}

TEST_F(TaskExceptionTest, OfSeveralThatRunAtOnce) {
  SyncWait([]() -> Task<> {
    bool thrown = false;
    try {
      static_cast<void>(
          co_await WhenAll(ThrowInt(), ThrowString(), ThrowVoid()));
    } catch (const Counted&) {
      thrown = true;
    }
    EXPECT_TRUE(thrown);
    thrown = false;
    try {
      static_cast<void>(co_await WhenAny(ThrowResult(), ThrowInt()));
    } catch (const Counted&) {
      thrown = true;
    }
    EXPECT_TRUE(thrown);
  }());
}

TEST_F(TaskExceptionTest, ThroughDeadlinesStopsAndGroups) {
  SyncWait([]() -> Task<> {
    const auto in_timeout = []() -> Task<Result<std::string>> {
      co_return co_await WithTimeout(1h, ThrowResult());
    };
    CO_EXPECT_TRUE(co_await Throws(in_timeout()));
    const auto in_shield = []() -> Task<int> {
      co_return co_await Shield(ThrowInt());
    };
    CO_EXPECT_TRUE(co_await Throws(in_shield()));
    const auto in_group = []() -> Task<int> {
      SchedulingGroup group = SchedulingGroup::Get("a");
      co_return co_await group.Run(ThrowInt());
    };
    CO_EXPECT_TRUE(co_await Throws(in_group()));
  }());
}

TEST_F(TaskExceptionTest, OfACallToTheOwnCore) {
  RuntimeOptions options;
  options.cores = 1;
  const auto runtime = Runtime::Create(options);
  ASSERT_TRUE(runtime) << runtime.error().message();
  bool thrown = false;
  try {
    static_cast<void>((*runtime)->Run([]() -> Task<Result<int>> {
      co_return co_await SubmitTo(0, [] { return ThrowInt(); });
    }()));
  } catch (const Counted&) {
    thrown = true;
  }
  EXPECT_TRUE(thrown);
}

// --- A value that is followed by something else ------------------------------

struct ThrowsAtItsEnd {
  ThrowsAtItsEnd() = default;
  ~ThrowsAtItsEnd() noexcept(false) { throw Counted(); }
};

// `live` of them are in the frame's result.
class CountedValue {
 public:
  explicit CountedValue(int number) : number_(number) { ++live; }
  CountedValue(CountedValue&& other) noexcept : number_(other.number_) {
    ++live;
  }
  CountedValue& operator=(CountedValue&&) = delete;
  ~CountedValue() { --live; }
  int number() const { return number_; }

 private:
  int number_;
};

Task<CountedValue> ReturnsTwice() {
  try {
    const ThrowsAtItsEnd local;
    co_return CountedValue(1);
  } catch (const Counted&) {
  }
  co_return CountedValue(2);
}
Task<CountedValue> ReturnsAndThrows() {
  const ThrowsAtItsEnd local;
  co_return CountedValue(1);
}

TEST_F(TaskExceptionTest, SecondReturnReplacesTheFirst) {
  const int number = SyncWait([]() -> Task<int> {
    const CountedValue value = co_await ReturnsTwice();
    co_return value.number();
  }());
  EXPECT_EQ(number, 2);
}

TEST_F(TaskExceptionTest, ExceptionOfALocalsEndReplacesTheValue) {
  SyncWait([]() -> Task<> {
    CO_EXPECT_TRUE(co_await Throws(ReturnsAndThrows()));
  }());
}

}  // namespace
}  // namespace eddy
