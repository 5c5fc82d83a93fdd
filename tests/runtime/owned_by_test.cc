// OwnedBy: objects that are destroyed on the core where they were made.
#include <eddy/runtime/owned_by.h>

#include <eddy/runtime/reactor.h>
#include <eddy/runtime/runtime.h>
#include <eddy/runtime/submit_to.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/testing/co_test.h>
#include <eddy/runtime/until_stopped.h>
#include <eddy/runtime/yield.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "tests/runtime/cores.h"

namespace eddy {
namespace {

using test::MakeRuntime;
using test::OnCores;

struct Ends {
  std::atomic<int> here = 0;
  std::atomic<int> elsewhere = 0;
};

// Knows its thread.
class Object {
 public:
  explicit Object(Ends& ends) : ends_(ends) {}
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;
  ~Object() {
    ++(std::this_thread::get_id() == thread_ ? ends_.here : ends_.elsewhere);
  }
  int value = 1;

 private:
  Ends& ends_;
  const std::thread::id thread_ = std::this_thread::get_id();
};

TEST(OwnedByTest, IsUsedAndDestroyedOnItsCore) {
  Ends ends;
  OnCores(2, [&]() -> Task<> {
    const auto make = [&] { return OwnedBy<Object>::Make(ends); };
    Result<OwnedBy<Object>> object = co_await SubmitTo(1, make);
    CO_ASSERT_OK(object);
    EXPECT_TRUE(*object);
    EXPECT_EQ(object->core(), 1U);
    CO_EXPECT_OK(co_await SubmitTo(1, [&] { (*object)->value = 2; }));
    CO_EXPECT_EQ(*co_await SubmitTo(1, [&] { return (**object).value; }), 2);
    EXPECT_EQ(ends.here, 0);
    object->Reset();
    EXPECT_FALSE(*object);
    while (ends.here == 0) co_await Yield();
    // On its own core: at once.
    { const OwnedBy<Object> own = OwnedBy<Object>::Make(ends); }
    EXPECT_EQ(ends.here, 2);
  });
  EXPECT_EQ(ends.elsewhere, 0);
}

TEST(OwnedByTest, ManyGoHomeUntilTheEndOfTheRun) {
  constexpr int kObjects = 1000;
  Ends ends;
  OnCores(3, [&]() -> Task<> {
    std::vector<OwnedBy<Object>> objects;
    const auto make = [&] { objects.push_back(OwnedBy<Object>::Make(ends)); };
    for (int i = 0; i < kObjects; ++i) {
      CO_EXPECT_OK(co_await SubmitTo(static_cast<unsigned>(i) % 3, make));
    }
  });
  EXPECT_EQ(ends.here, kObjects);
  EXPECT_EQ(ends.elsewhere, 0);
}

// When no core runs any more, nobody can use it but who destroys it.
TEST(OwnedByTest, MayEndAfterTheRun) {
  Ends ends;
  const std::unique_ptr<Runtime> runtime = MakeRuntime(2);
  {
    OwnedBy<Object> object;
    runtime->Run([&]() -> Task<> {
      const auto make = [&] { object = OwnedBy<Object>::Make(ends); };
      CO_EXPECT_OK(co_await SubmitTo(1, make));
    });
    EXPECT_EQ(ends.here + ends.elsewhere, 0);
  }
  EXPECT_EQ(ends.here + ends.elsewhere, 1);
}

TEST(OwnedByTest, MayBeHeldByWhatEndsLast) {
  Ends ends;
  OnCores(2, [&]() -> Task<> {
    const auto holds = [&](OwnedBy<Object> object) -> Task<> {
      co_await UntilStopped();
      object.Reset();
    };
    OwnedBy<Object> own = OwnedBy<Object>::Make(ends);
    CO_EXPECT_OK(co_await SubmitTo(
        1, [&] { Reactor::Current()->scope().Spawn(holds, std::move(own)); }));
  });
  EXPECT_EQ(ends.here, 1);
}

TEST(OwnedByDeathTest, UsedOnAnotherCore) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto call = [] {
    Ends ends;
    OnCores(2, [&]() -> Task<> {
      const auto make = [&] { return OwnedBy<Object>::Make(ends); };
      const auto object = co_await SubmitTo(1, make);
      ++(*object)->value;
    });
  };
  EXPECT_DEATH(call(), "object of core 1 was used on another thread");
}

TEST(OwnedByDeathTest, EndsOnAForeignThread) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto call = [] {
    Ends ends;
    OnCores(2, [&]() -> Task<> {
      OwnedBy<Object> object = OwnedBy<Object>::Make(ends);
      std::thread([moved = std::move(object)]() mutable {
        moved.Reset();
      }).join();
      co_return;
    });
  };
  EXPECT_DEATH(call(), "no core of its Runtime, which runs");
}

}  // namespace
}  // namespace eddy
