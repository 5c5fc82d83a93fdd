#include <eddy/io/sync.h>

#include "tests/io/operation_contract.h"

#include <eddy/runtime/task_scope.h>

#include <sys/mman.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <thread>

namespace eddy::io_test {
namespace {

class SyncVerb final : public Verb {
 public:
  Task<Result<void>> RunOn(const io::Fd& fd) override { return Await(fd); }
  const io::Fd& fd() const override { return file_; }
  void ExpectDone() override {}
  void ExpectNoTrace() override {}

 private:
  static Task<Result<void>> Await(const io::Fd& fd) {
    co_return co_await io::Sync(fd);
  }

  // In memory: hundreds of these would keep a disk busy.
  io::Fd file_{IO_TEST_CHECK(memfd_create("sync", MFD_CLOEXEC))};
};
INSTANTIATE_TEST_SUITE_P(Sync, OperationContractTest,
                         ::testing::Values(MakeVerb<SyncVerb>));

CO_TEST(SyncTest, SyncsDataAndMetadata) {
  const io::Fd file = AnonymousFile("data");
  CO_EXPECT_OK(co_await io::Sync(file));
  CO_EXPECT_OK(co_await io::Sync(file, io::SyncKind::kAll));
  CO_EXPECT_OK(co_await io::Sync(file, io::SyncKind::kData));
}

CO_TEST(SyncTest, RefusesWhatCannotBeSynced) {
  const Pipe pipe;
  CO_EXPECT_ERROR(co_await io::Sync(pipe.writer), std::errc::invalid_argument);
  const SocketPair sockets;
  CO_EXPECT_ERROR(co_await io::Sync(sockets.a), std::errc::invalid_argument);
}

// The threads that the kernel made for the rings of a thread.
std::size_t KernelWorkers(pid_t thread) {
  const std::string expected = "iou-wrk-" + std::to_string(thread);
  std::size_t count = 0;
  std::error_code vanished;
  for (const auto& task :
       std::filesystem::directory_iterator("/proc/self/task", vanished)) {
    std::ifstream comm(task.path() / "comm");
    std::string name;
    if (std::getline(comm, name) && name == expected) ++count;
  }
  return count;
}

// Syncs at once; returns the most workers that there were. (A worker stays a
// while after its work.)
Task<std::size_t> SyncAtOnce(std::size_t count) {
  const io::Fd file = AnonymousFile("data");
  std::size_t most = 0;
  co_await InScope([&](TaskScope& scope) -> Task<void> {
    for (std::size_t i = 0; i < count; ++i) {
      scope.Spawn([&]() -> Task<void> {
        CO_EXPECT_OK(co_await io::Sync(file));
        most = std::max(most, KernelWorkers(gettid()));
      });
    }
    co_return;
  });
  co_return most;
}

TEST(SyncTest, TakesNoMoreKernelWorkersThanAllowed) {
  for (const unsigned workers : {1U, 4U}) {
    // A thread of its own: what was before has left workers behind.
    std::thread runner([workers] {
      ReactorOptions options;
      options.file_workers = workers;
      const std::size_t most = SyncWait(SyncAtOnce(200), options);
      EXPECT_GE(most, 1U);
      EXPECT_LE(most, workers);
    });
    runner.join();
  }
}

}  // namespace
}  // namespace eddy::io_test
