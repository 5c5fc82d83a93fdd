// The problems that locks, conditions and channels are known by, solved with
// all of them together, while tasks are stopped at random: nobody waits for
// ever, nothing is lost, and nothing comes twice.
#include <eddy/runtime/channel.h>
#include <eddy/runtime/condition_variable.h>
#include <eddy/runtime/mutex.h>
#include <eddy/runtime/oneshot.h>
#include <eddy/runtime/random.h>
#include <eddy/runtime/semaphore.h>
#include <eddy/runtime/shared_mutex.h>
#include <eddy/runtime/stop.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/testing/co_test.h>
#include <eddy/runtime/timer.h>
#include <eddy/runtime/with_stop.h>
#include <eddy/runtime/yield.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

namespace eddy {
namespace {

using namespace std::chrono_literals;  // NOLINT: literals
using internal::Random;
using ::testing::UnorderedElementsAreArray;

constexpr std::uint64_t kSeeds = 20;

// A stop point, after a while.
Task<Result<void>> Pause(Random& random) {
  while (random.OneIn(2)) co_await Yield();
  co_return co_await Sleep(0ms);
}

// Lets each of so many workers make so many attempts, all at the same time.
// Whoever makes one may be stopped in it, and goes on with the next.
//
// `attempt` is called as attempt(worker, random), and gives a
// Task<Result<void>>. Returns how many were stopped.
template <class F>
Task<int> UnderRandomStops(std::uint64_t seed, std::size_t workers,
                           int attempts, F& attempt) {
  Random random(seed);
  std::vector<std::optional<StopSource>> stops(workers);
  std::size_t working = workers;
  int stopped = 0;
  const auto work = [&](std::size_t worker) -> Task<void> {
    for (int i = 0; i < attempts; ++i) {
      StopSource& stop = stops[worker].emplace();
      const Result<void> result =
          co_await WithStop(stop.token(), attempt(worker, random));
      stops[worker].reset();
      if (!result) {
        CO_EXPECT_ERROR(result, kCanceled);
        ++stopped;
      }
    }
    --working;
  };
  const auto body = [&](TaskScope& scope) -> Task<void> {
    for (std::size_t worker = 0; worker < workers; ++worker) {
      scope.Spawn(work, worker);
    }
    while (working != 0) {
      std::optional<StopSource>& stop = stops[random.Below(workers)];
      if (stop && random.OneIn(3)) stop->RequestStop();
      CO_EXPECT_OK(co_await Sleep(0ms));
    }
  };
  CO_EXPECT_OK(co_await WithScope(body));
  co_return stopped;
}

// Says that nobody else is here.
class Alone {
 public:
  explicit Alone(int& there) : there_(there) { EXPECT_EQ(++there_, 1); }
  Alone(const Alone&) = delete;
  Alone& operator=(const Alone&) = delete;
  ~Alone() { --there_; }

 private:
  int& there_;
};

// --- Dining philosophers -----------------------------------------------------

struct Fork {
  Mutex mutex;
  int users = 0;
};

CO_TEST(VocabularyTest, PhilosophersWhoTakeForksInOrderAllEat) {
  int all_meals = 0;
  int all_stopped = 0;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    std::array<Fork, 5> forks;
    int meals = 0;
    const auto dine = [&](std::size_t philosopher,
                          Random& random) -> Task<Result<void>> {
      const std::size_t left = philosopher;
      const std::size_t right = (philosopher + 1) % forks.size();
      Fork& first = forks[std::min(left, right)];
      Fork& second = forks[std::max(left, right)];
      const Mutex::Guard first_guard = co_await first.mutex.Lock();
      const Alone first_use(first.users);
      EDDY_CO_CHECK(co_await Pause(random));
      const Mutex::Guard second_guard = co_await second.mutex.Lock();
      const Alone second_use(second.users);
      EDDY_CO_CHECK(co_await Pause(random));
      ++meals;
      co_return Result<void>();
    };
    const int stopped = co_await UnderRandomStops(seed, forks.size(), 20, dine);
    EXPECT_EQ(meals + stopped, 100);
    for (const Fork& fork : forks) EXPECT_FALSE(fork.mutex.locked());
    all_meals += meals;
    all_stopped += stopped;
  }
  EXPECT_GT(all_meals, 0);
  EXPECT_GT(all_stopped, 0);
}

// In any order, where one fewer sits down than there are places.
CO_TEST(VocabularyTest, PhilosophersWhoAreLetInByAWaiterAllEat) {
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    std::array<Fork, 5> forks;
    Semaphore chairs(forks.size() - 1);
    int meals = 0;
    const auto dine = [&](std::size_t philosopher,
                          Random& random) -> Task<Result<void>> {
      EDDY_CO_TRY(const Semaphore::Permit chair, co_await chairs.Acquire());
      Fork& left = forks[philosopher];
      Fork& right = forks[(philosopher + 1) % forks.size()];
      const Mutex::Guard left_guard = co_await left.mutex.Lock();
      const Alone left_use(left.users);
      EDDY_CO_CHECK(co_await Pause(random));
      const Mutex::Guard right_guard = co_await right.mutex.Lock();
      const Alone right_use(right.users);
      EDDY_CO_CHECK(co_await Pause(random));
      ++meals;
      co_return Result<void>();
    };
    const int stopped = co_await UnderRandomStops(seed, forks.size(), 20, dine);
    EXPECT_EQ(meals + stopped, 100);
    EXPECT_TRUE(chairs.TryAcquire(forks.size() - 1).has_value());
  }
}

// --- Readers and writers -----------------------------------------------------

CO_TEST(VocabularyTest, ReadersSeeNothingHalfWritten) {
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    SharedMutex mutex;
    int front = 0;
    int back = 0;
    int writers = 0;
    int written = 0;
    const auto access = [&](std::size_t worker,
                            Random& random) -> Task<Result<void>> {
      if (worker % 3 != 0) {
        const auto guard = co_await mutex.LockShared();
        const int before = front;
        EXPECT_EQ(front, back);
        const Result<void> paused = co_await Pause(random);
        EXPECT_EQ(front, before);
        EXPECT_EQ(back, before);
        EXPECT_EQ(writers, 0);
        co_return paused;
      }
      const auto guard = co_await mutex.Lock();
      const Alone alone(writers);
      ++front;
      const Result<void> paused = co_await Pause(random);
      if (!paused) {
        --front;
        co_return paused;
      }
      ++back;
      ++written;
      co_return Result<void>();
    };
    co_await UnderRandomStops(seed, 9, 20, access);
    EXPECT_EQ(front, written);
    EXPECT_EQ(back, written);
  }
}

// --- A bounded buffer --------------------------------------------------------

// What was put in, and what came out.
struct Books {
  int next = 0;
  std::vector<int> in;
  std::vector<int> out;

  void ExpectBalanced(const std::deque<int>& left) {
    out.insert(out.end(), left.begin(), left.end());
    EXPECT_THAT(out, UnorderedElementsAreArray(in));
  }
};

constexpr std::size_t kRoom = 3;

CO_TEST(VocabularyTest, ABufferOfConditionsLosesNothing) {
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    Mutex mutex;
    ConditionVariable not_full;
    ConditionVariable not_empty;
    std::deque<int> buffer;
    Books books;
    const auto has_room = [&] { return buffer.size() < kRoom; };
    const auto has_some = [&] { return !buffer.empty(); };
    const auto use = [&](std::size_t worker,
                         Random& random) -> Task<Result<void>> {
      Mutex::Guard guard = co_await mutex.Lock();
      if (worker % 2 == 0) {
        EDDY_CO_CHECK(co_await not_full.Wait(guard, has_room));
        EXPECT_LT(buffer.size(), kRoom);
        books.in.push_back(books.next);
        buffer.push_back(books.next++);
        not_empty.NotifyOne();
      } else {
        EDDY_CO_CHECK(co_await not_empty.Wait(guard, has_some));
        books.out.push_back(buffer.front());
        buffer.pop_front();
        not_full.NotifyOne();
      }
      co_return co_await Pause(random);
    };
    co_await UnderRandomStops(seed, 8, 30, use);
    EXPECT_FALSE(mutex.locked());
    EXPECT_FALSE(books.out.empty());
    books.ExpectBalanced(buffer);
  }
}

CO_TEST(VocabularyTest, ABufferOfSemaphoresLosesNothing) {
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    Semaphore places(kRoom);
    Semaphore items(0);
    std::deque<int> buffer;
    Books books;
    const auto use = [&](std::size_t worker,
                         Random& random) -> Task<Result<void>> {
      if (worker % 2 == 0) {
        EDDY_CO_TRY(Semaphore::Permit place, co_await places.Acquire());
        // Stopped here, it gives the place back.
        EDDY_CO_CHECK(co_await Pause(random));
        EXPECT_LT(buffer.size(), kRoom);
        books.in.push_back(books.next);
        buffer.push_back(books.next++);
        place.Forget();
        items.Release();
      } else {
        EDDY_CO_TRY(Semaphore::Permit item, co_await items.Acquire());
        EDDY_CO_CHECK(co_await Pause(random));
        books.out.push_back(buffer.front());
        buffer.pop_front();
        item.Forget();
        places.Release();
      }
      co_return Result<void>();
    };
    co_await UnderRandomStops(seed, 8, 30, use);
    EXPECT_TRUE(items.TryAcquire(buffer.size()).has_value());
    EXPECT_FALSE(items.TryAcquire(buffer.size() + 1).has_value());
    EXPECT_TRUE(places.TryAcquire(kRoom - buffer.size()).has_value());
    EXPECT_FALSE(books.out.empty());
    books.ExpectBalanced(buffer);
  }
}

CO_TEST(VocabularyTest, ABufferThatIsAChannelLosesNothing) {
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    Channel<int> buffer(seed % 4);
    Books books;
    const auto use = [&](std::size_t worker,
                         Random& random) -> Task<Result<void>> {
      if (worker % 2 == 0) {
        const int item = books.next++;
        EDDY_CO_CHECK(co_await buffer.Send(item));
        books.in.push_back(item);
      } else {
        EDDY_CO_TRY(const int item, co_await buffer.Receive());
        books.out.push_back(item);
      }
      co_return co_await Pause(random);
    };
    co_await UnderRandomStops(seed, 8, 30, use);
    std::deque<int> left;
    while (Result<int> item = buffer.TryReceive()) left.push_back(*item);
    EXPECT_FALSE(books.out.empty());
    books.ExpectBalanced(left);
  }
}

// --- The sleeping barber -----------------------------------------------------

struct Customer {
  int number;
  Oneshot<int>::Sender done;
};

// Some take a chair only where one is free, others wait for one; some leave
// before they are done.
CO_TEST(VocabularyTest, ABarberServesAllWhoStay) {
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    Channel<Customer> chairs(kRoom);
    Random barbers_random(seed + 1000);
    int arrived = 0;
    int turned_away = 0;
    int served = 0;
    int left = 0;
    int cut = 0;
    int found_gone = 0;
    const auto barber = [&]() -> Task<void> {
      while (auto customer = co_await chairs.Receive()) {
        CO_EXPECT_OK(co_await Pause(barbers_random));
        if (customer->done.Send(customer->number)) {
          ++cut;
        } else {
          EXPECT_TRUE(customer->done.is_closed());
          ++found_gone;
        }
      }
    };
    const auto visit = [&](std::size_t worker,
                           Random& random) -> Task<Result<void>> {
      EDDY_CO_CHECK(co_await Pause(random));
      const int number = arrived++;
      Oneshot<int> done;
      Customer customer{number, std::move(done.sender)};
      const bool is_patient = worker % 2 == 0;
      Result<void> seated;
      if (is_patient) {
        seated = co_await chairs.Send(std::move(customer));
      } else {
        seated = chairs.TrySend(std::move(customer));
      }
      if (!seated) {
        ++turned_away;
        if (is_patient) co_return seated;
        co_return Result<void>();
      }
      const Result<int> haircut = co_await done.receiver.Receive();
      if (!haircut) {
        ++left;
        co_return Unexpected(haircut.error());
      }
      EXPECT_EQ(*haircut, number);
      ++served;
      co_return Result<void>();
    };
    const auto body = [&](TaskScope& scope) -> Task<void> {
      scope.Spawn(barber);
      co_await UnderRandomStops(seed, 8, 20, visit);
      chairs.Close();
    };
    CO_EXPECT_OK(co_await WithScope(body));
    EXPECT_EQ(arrived, turned_away + served + left);
    EXPECT_EQ(cut + found_gone, served + left);
    // (One who is about to leave may be given a cut that he does not take.)
    EXPECT_GE(cut, served);
    EXPECT_GT(served, 0);
    EXPECT_EQ(chairs.size(), 0U);
  }
}

}  // namespace
}  // namespace eddy
