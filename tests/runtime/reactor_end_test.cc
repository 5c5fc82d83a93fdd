// The end of Reactor::Run with everything in flight: nothing is written after,
// no descriptor is left. Run it under AddressSanitizer too.
#include <eddy/runtime/reactor.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/testing/co_test.h>
#include <eddy/runtime/timer.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "tests/runtime/test_verbs.h"

namespace eddy {
namespace {

using namespace std::chrono_literals;  // NOLINT: literals
using test::CountDescriptors;
using test::EventFd;
using test::MakeReactor;
using test::Pipe;
using test::PollIn;
using test::ReadInto;

class [[nodiscard]] AcceptOne final : public SingleOperation<AcceptOne> {
 public:
  explicit AcceptOne(int fd) noexcept : fd_(fd) {}
  const char* name() const noexcept override { return "AcceptOne"; }
  void Prepare(io_uring_sqe* sqe) const {
    io_uring_prep_accept(sqe, fd_, nullptr, nullptr, SOCK_CLOEXEC);
  }
  Result<void> await_resume() const { return VoidResult(); }

 private:
  int fd_;
};

constexpr std::size_t kBlock = 64 << 10;
constexpr std::size_t kBlocks = 128;

// A file of blocks that holds 'f's, opened past the page cache; -1 where the
// file system cannot do that.
int OpenDirectFile() {
  std::string path = testing::TempDir() + "eddy_direct_XXXXXX";
  const int fd = mkstemp(path.data());
  if (fd < 0) return -1;
  const std::string block(kBlock, 'f');
  bool good = true;
  for (std::size_t i = 0; i < kBlocks && good; ++i) {
    good = write(fd, block.data(), block.size()) ==
           static_cast<ssize_t>(block.size());
  }
  good = good && fsync(fd) == 0;
  const int direct =
      good ? open(path.c_str(), O_RDONLY | O_DIRECT | O_CLOEXEC) : -1;
  close(fd);
  unlink(path.c_str());
  return direct;
}

struct FreeMemory {
  void operator()(std::byte* memory) const { std::free(memory); }
};
using Memory = std::unique_ptr<std::byte, FreeMemory>;

TEST(ReactorEndTest, DirectReadsInFlightWriteNothingAfterRun) {
  const int fd = OpenDirectFile();
  if (fd < 0) GTEST_SKIP() << "no direct I/O in " << testing::TempDir();
  const std::ptrdiff_t before = CountDescriptors();
  std::uint64_t in_flight = 0;
  for (int round = 0; round < 10; ++round) {
    const Memory memory(
        static_cast<std::byte*>(std::aligned_alloc(4096, kBlock * kBlocks)));
    const std::span<std::byte> all(memory.get(), kBlock * kBlocks);
    std::fill(all.begin(), all.end(), std::byte{0xab});
    std::size_t ended = 0;
    {
      const std::unique_ptr<Reactor> reactor = MakeReactor();
      reactor->Run([](int file, std::span<std::byte> target,
                      std::size_t& count) -> Task<void> {
        const auto reads = [&count, file, target](std::size_t i) -> Task<void> {
          const Result<std::size_t> n = co_await ReadInto(
              file, target.subspan(i * kBlock, kBlock), i * kBlock);
          // It had the data or it did not; nothing else.
          if (!n) {
            EXPECT_EQ(n.error(), kCanceled);
          }
          ++count;
        };
        for (std::size_t i = 0; i < kBlocks; ++i) {
          Reactor::Current()->scope().Spawn(reads, i);
        }
        // The main task ends when they have been submitted.
        CO_EXPECT_OK(co_await test::Nop());
      }(fd, all, ended));
      in_flight += reactor->stats().cancels;
    }
    EXPECT_EQ(ended, kBlocks);
    // What a late write would change.
    std::fill(all.begin(), all.end(), std::byte{0xcd});
    std::this_thread::sleep_for(20ms);
    EXPECT_TRUE(std::all_of(all.begin(), all.end(),
                            [](std::byte b) { return b == std::byte{0xcd}; }));
  }
  EXPECT_GT(in_flight, 0u) << "all had completed before the end";
  EXPECT_EQ(CountDescriptors(), before);
  close(fd);
}

int Listen() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(
      bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(listen(fd, 16), 0);
  return fd;
}

TEST(ReactorEndTest, EverythingElseInFlightIsCanceledAndLeavesNothing) {
  const std::ptrdiff_t before = CountDescriptors();
  int canceled = 0;
  constexpr int kEach = 200;
  {
    const int listener = Listen();
    const Pipe pipe;
    const EventFd event;
    std::vector<std::byte> buffers(kEach * 64, std::byte{0xab});
    const auto counts = [&](auto result) {
      if (!result && result.error() == kCanceled) ++canceled;
    };
    const auto accepts = [&]() -> Task<void> {
      counts(co_await AcceptOne(listener));
    };
    const auto receives = [&](std::size_t i) -> Task<void> {
      counts(co_await ReadInto(pipe.reader(),
                               std::span(buffers).subspan(i * 64, 64)));
    };
    const auto polls = [&]() -> Task<void> {
      counts(co_await PollIn(event.fd()));
    };
    const auto sleeps = [&]() -> Task<void> { counts(co_await Sleep(1h)); };
    const auto main = [&]() -> Task<void> {
      TaskScope& scope = Reactor::Current()->scope();
      for (int i = 0; i < kEach; ++i) {
        scope.Spawn(accepts);
        scope.Spawn(receives, static_cast<std::size_t>(i));
        scope.Spawn(polls);
        scope.Spawn(sleeps);
      }
      CO_EXPECT_OK(co_await Sleep(2ms));
    };
    const std::unique_ptr<Reactor> reactor = MakeReactor();
    reactor->Run(main());
    EXPECT_EQ(canceled, 4 * kEach);
    EXPECT_EQ(reactor->stats().submitted, reactor->stats().completions);
    // Data that comes now is nobody's.
    EXPECT_EQ(write(pipe.writer(), "late", 4), 4);
    std::this_thread::sleep_for(5ms);
    EXPECT_TRUE(std::all_of(buffers.begin(), buffers.end(),
                            [](std::byte b) { return b == std::byte{0xab}; }));
    close(listener);
  }
  EXPECT_EQ(CountDescriptors(), before);
}

TEST(ReactorEndTest, OperationsStoppedBeforeTheirSubmissionLeaveNothing) {
  const Pipe pipe;
  const std::unique_ptr<Reactor> reactor = MakeReactor();
  int canceled = 0;
  std::byte buffer{};
  const auto receives = [&]() -> Task<void> {
    const Result<std::size_t> n =
        co_await ReadInto(pipe.reader(), std::span(&buffer, 1));
    if (!n && n.error() == kCanceled) ++canceled;
  };
  const auto main = [&]() -> Task<void> {
    for (int i = 0; i < 100; ++i) Reactor::Current()->scope().Spawn(receives);
    co_return;  // before any of them has started
  };
  reactor->Run(main());
  EXPECT_EQ(canceled, 100);
  EXPECT_EQ(reactor->stats().submitted, 0u);
}

}  // namespace
}  // namespace eddy
