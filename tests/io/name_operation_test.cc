// What becomes of operations on names where the ring lacks them: threads of the
// blocking pool carry them out, and nobody notices.
#include <eddy/io/name_operation.h>

#include "tests/io/name_verbs.h"

#include <eddy/runtime/blocking.h>
#include <eddy/runtime/blocking_pool.h>
#include <eddy/runtime/stop.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/with_stop.h>

#include <semaphore>

#include "tests/io/older_ring.h"

namespace eddy::io_test {
namespace {

class NameOperationTest : public ::testing::TestWithParam<VerbFactory> {
 protected:
  static void Run(Task<void> task) {
    const auto reactor = OlderRing::MakeReactor(
        {IORING_OP_RENAMEAT, IORING_OP_UNLINKAT, IORING_OP_MKDIRAT,
         IORING_OP_SYMLINKAT, IORING_OP_LINKAT});
    EXPECT_FALSE(reactor->ring().Supports(IORING_OP_MKDIRAT));
    reactor->Run(std::move(task));
  }
};
INSTANTIATE_TEST_SUITE_P(AllNames, NameOperationTest,
                         ::testing::Values(MakeVerb<RenameAtVerb>,
                                           MakeVerb<UnlinkAtVerb>,
                                           MakeVerb<MakeDirectoryAtVerb>,
                                           MakeVerb<LinkAtVerb>,
                                           MakeVerb<SymlinkAtVerb>));

TEST_P(NameOperationTest, WorksWithoutTheOpcode) {
  Run([](VerbFactory make) -> Task<void> {
    const auto verb = make();
    CO_EXPECT_OK(co_await verb->Run());
    verb->ExpectDone();
    // Its name is taken, or gone.
    const auto again = co_await verb->Run();
    EXPECT_TRUE(!again &&
                (again.error() == std::errc::file_exists ||
                 again.error() == std::errc::no_such_file_or_directory));
    const ClosedFd closed;
    CO_EXPECT_ERROR(co_await verb->RunOn(closed.get()),
                    std::errc::bad_file_descriptor);
    EXPECT_FALSE(verb->fd().in_use());
  }(GetParam()));
}

TEST_P(NameOperationTest, AnswersCanceledWhereStoppedBeforeWithoutTheOpcode) {
  Run([](VerbFactory make) -> Task<void> {
    const auto verb = make();
    StopSource source;
    source.RequestStop();
    const auto result = co_await WithStop(source.token(), verb->Run());
    CO_EXPECT_ERROR(result, kCanceled);
    verb->ExpectNoTrace();
  }(GetParam()));
}

// All threads of the pool are busy: the stop finds it in the queue.
TEST_P(NameOperationTest, StopsInTheQueueOfThePool) {
  Run([](VerbFactory make) -> Task<void> {
    constexpr auto kThreads = internal::BlockingPool::kMaxThreads;
    const auto verb = make();
    std::counting_semaphore<> begun(0);
    std::counting_semaphore<> go_on(0);
    const auto body = [&](TaskScope& scope) -> Task<void> {
      for (std::size_t i = 0; i < kThreads; ++i) {
        scope.Spawn([&]() -> Task<void> {
          const auto block = [&] {
            begun.release();
            go_on.acquire();
          };
          CO_EXPECT_OK(co_await Blocking(block));
        });
      }
      co_await Turn();
      for (std::size_t i = 0; i < kThreads; ++i) begun.acquire();
      StopSource source;
      scope.Spawn([&]() -> Task<void> {
        co_await Turn();
        EXPECT_TRUE(verb->fd().in_use());
        source.RequestStop();
      });
      const auto result = co_await WithStop(source.token(), verb->Run());
      CO_EXPECT_ERROR(result, kCanceled);
      verb->ExpectNoTrace();
      EXPECT_FALSE(verb->fd().in_use());
      go_on.release(kThreads);
    };
    CO_EXPECT_OK(co_await WithScope(body));
    CO_EXPECT_OK(co_await verb->Run());
    verb->ExpectDone();
  }(GetParam()));
}

TEST_P(NameOperationTest, LosesNothingWhereAStopRacesThePool) {
  Run([](VerbFactory make) -> Task<void> {
    for (int round = 0; round < 100; ++round) {
      const auto verb = make();
      StopSource source;
      const auto body = [&](TaskScope& scope) -> Task<void> {
        scope.Spawn([&]() -> Task<void> {
          for (int i = 0; i < round % 4; ++i) co_await Turn();
          source.RequestStop();
        });
        const auto result = co_await WithStop(source.token(), verb->Run());
        if (result) {
          verb->ExpectDone();
        } else {
          CO_EXPECT_ERROR(result, kCanceled);
          verb->ExpectNoTrace();
        }
      };
      co_await InScope(body);
    }
  }(GetParam()));
}

}  // namespace
}  // namespace eddy::io_test
