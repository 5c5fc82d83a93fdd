// Sharded: an object on each core.
#include <eddy/runtime/sharded.h>

#include <eddy/runtime/for_each_core.h>
#include <eddy/runtime/runtime.h>
#include <eddy/runtime/testing/co_test.h>
#include <eddy/runtime/yield.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tests/runtime/cores.h"

namespace eddy {
namespace {

using test::OnCores;

// What happened, one line each. One core at a time.
std::vector<std::string>& Events() {
  static std::vector<std::string> events;
  return events;
}
void Log(const std::string& what) {
  Events().push_back(what + std::to_string(Runtime::CurrentCore()));
}

class Counter {
 public:
  explicit Counter(int first) : value(first) {}
  Counter(const Counter&) = delete;
  Counter& operator=(const Counter&) = delete;
  int value;
};

class Service {
 public:
  explicit Service(unsigned fails_on) : fails_on_(fails_on) { Log("make "); }
  ~Service() { Log("destroy "); }
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  Task<Result<void>> Start() {
    co_await Yield();
    if (Runtime::CurrentCore() == fails_on_) {
      co_return Unexpected(std::errc::io_error);
    }
    Log("start ");
    co_return Result<void>();
  }
  Task<> Stop() {
    co_await Yield();
    Log("stop ");
  }

 private:
  const unsigned fails_on_;
};

TEST(ShardedTest, HasAnObjectOnEachCore) {
  OnCores(3, []() -> Task<> {
    Sharded<Counter> counters;
    CO_EXPECT_OK(co_await counters.Start(10));
    EXPECT_EQ(counters.Local().value, 10);
    CO_EXPECT_OK(co_await ForEachCore([&](unsigned core) {
      counters.Local().value += static_cast<int>(core);
    }));
    const auto value = [](Counter& counter) { return counter.value; };
    CO_EXPECT_EQ(*co_await counters.InvokeOn(2, value), 12);
    const auto doubles = [](Counter& counter) -> Task<> {
      co_await Yield();
      counter.value *= 2;
    };
    CO_EXPECT_OK(co_await counters.InvokeOnAll(doubles));
    CO_EXPECT_EQ(*co_await counters.InvokeOn(1, value), 22);
    CO_EXPECT_OK(co_await counters.Stop());
    EXPECT_FALSE(counters.started());
    // And again.
    CO_EXPECT_OK(co_await counters.Start(1));
    CO_EXPECT_OK(co_await counters.Stop());
  });
}

TEST(ShardedTest, StartsInOrderAndStopsInReverse) {
  Events().clear();
  OnCores(2, []() -> Task<> {
    Sharded<Service> services;
    CO_EXPECT_OK(co_await services.Start(9U));
    CO_EXPECT_OK(co_await services.Stop());
  });
  EXPECT_EQ(Events(), (std::vector<std::string>{"make 0", "start 0", "make 1",
                                                "start 1", "stop 1", "stop 0",
                                                "destroy 1", "destroy 0"}));
}

TEST(ShardedTest, AFailedStartStopsWhatHasStarted) {
  Events().clear();
  OnCores(3, []() -> Task<> {
    Sharded<Service> services;
    CO_EXPECT_ERROR(co_await services.Start(1U), std::errc::io_error);
    EXPECT_FALSE(services.started());
  });
  EXPECT_EQ(Events(),
            (std::vector<std::string>{"make 0", "start 0", "make 1", "stop 1",
                                      "stop 0", "destroy 1", "destroy 0"}));
}

// Its Stop() ends what uses it, and another one's.
class Busy {
 public:
  explicit Busy(Sharded<Busy>& all) : all_(all) {}
  Task<Result<void>> Stop() {
    all_.Local().stopping_ = true;
    co_await Yield();
    const unsigned other = 1 - Runtime::CurrentCore();
    const auto uses = [](Busy& busy) { busy.used_ = true; };
    co_return co_await all_.InvokeOn(other, uses);
  }

 private:
  Sharded<Busy>& all_;
  bool stopping_ = false;
  bool used_ = false;
};

TEST(ShardedTest, AllObjectsAreThereWhileOneIsStopped) {
  OnCores(2, []() -> Task<> {
    Sharded<Busy> all;
    CO_EXPECT_OK(co_await all.Start(std::ref(all)));
    CO_EXPECT_OK(co_await all.Stop());
  });
}

TEST(ShardedTest, WithShardedStopsHoweverItsBodyEnds) {
  OnCores(2, []() -> Task<> {
    const auto reads = [](Sharded<Counter>& counters) -> Task<Result<int>> {
      co_return co_await counters.InvokeOn(
          1, [](Counter& counter) { return counter.value; });
    };
    const Result<int> read = co_await WithSharded<Counter>(reads, 7);
    CO_ASSERT_OK(read);
    EXPECT_EQ(*read, 7);
    const auto nothing = [](Sharded<Counter>&) -> Task<> { co_return; };
    CO_EXPECT_OK(co_await WithSharded<Counter>(nothing, 7));
    Events().clear();
    const auto fails = [](Sharded<Service>&) -> Task<Result<void>> {
      co_return Unexpected(std::errc::io_error);
    };
    CO_EXPECT_ERROR(co_await WithSharded<Service>(fails, 9U),
                    std::errc::io_error);
    const auto throws = [](Sharded<Service>&) -> Task<> {
      throw std::runtime_error("thrown");
      co_return;
    };
    bool caught = false;
    try {
      static_cast<void>(co_await WithSharded<Service>(throws, 9U));
    } catch (const std::runtime_error&) {
      caught = true;
    }
    EXPECT_TRUE(caught);
    // Eight of each.
    EXPECT_EQ(Events().size(), 16U);
    CO_EXPECT_ERROR(co_await WithSharded<Service>(fails, 1U),
                    std::errc::io_error);
  });
}

TEST(ShardedTest, AConstructorThatThrowsFailsTheStart) {
  class Throws {
   public:
    Throws() {
      if (Runtime::CurrentCore() == 1) throw std::runtime_error("thrown");
    }
  };
  OnCores(2, []() -> Task<> {
    Sharded<Throws> objects;
    bool caught = false;
    try {
      static_cast<void>(co_await objects.Start());
    } catch (const std::runtime_error&) {
      caught = true;
    }
    EXPECT_TRUE(caught);
    EXPECT_FALSE(objects.started());
  });
}

TEST(ShardedDeathTest, DestroyedBeforeItIsStopped) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto call = [] {
    OnCores(2, []() -> Task<> {
      Sharded<Counter> counters;
      static_cast<void>(co_await counters.Start(1));
    });
  };
  EXPECT_DEATH(call(), "co_await Stop\\(\\) first");
}

TEST(ShardedDeathTest, UsedBeforeItIsStarted) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto call = [] {
    OnCores(1, []() -> Task<> {
      Sharded<Counter> counters;
      ++counters.Local().value;
      co_return;
    });
  };
  EXPECT_DEATH(call(), "Sharded::Local was called where it is not started");
}

}  // namespace
}  // namespace eddy
