// ChaosRing: that it does each thing that it says, and nothing that the kernel
// would not do.
#include <eddy/runtime/chaos_ring.h>

#include <eddy/runtime/operation.h>
#include <eddy/runtime/reactor.h>
#include <eddy/runtime/stop.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/testing/co_test.h>
#include <eddy/runtime/timeout.h>
#include <eddy/runtime/timer.h>
#include <eddy/runtime/with_stop.h>

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/runtime/test_verbs.h"

namespace eddy {
namespace {

using namespace std::chrono_literals;  // NOLINT: literals
using test::EventFd;
using test::Nop;
using test::Pipe;
using test::PollIn;
using test::ReadInto;

constexpr std::uint64_t kSeeds = 30;

ReactorOptions Seeded(std::uint64_t seed) {
  ReactorOptions options;
  options.chaos_seed = seed;
  return options;
}

// In how many of the seeds something is seen.
std::uint64_t SeedsThat(const std::function<bool(std::uint64_t)>& seen) {
  std::uint64_t count = 0;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) count += seen(seed);
  return count;
}

// --- Transfers ---------------------------------------------------------------

// Reads of 64 bytes from a pipe that has them; the sizes that come.
Task<std::vector<std::size_t>> ReadSizes() {
  const Pipe pipe;
  std::string sent;
  for (int i = 0; i < 2'000; ++i) sent += static_cast<char>('a' + i % 26);
  EXPECT_EQ(write(pipe.writer(), sent.data(), sent.size()),
            static_cast<ssize_t>(sent.size()));
  std::vector<std::size_t> sizes;
  std::string received;
  while (received.size() < sent.size()) {
    std::array<std::byte, 64> buffer{};
    const Result<std::size_t> n =
        co_await ReadInto(pipe.reader(), std::span(buffer));
    CO_EXPECT_OK(n);
    if (!n) break;
    received.append(reinterpret_cast<const char*>(buffer.data()), *n);
    sizes.push_back(*n);
  }
  EXPECT_EQ(received, sent);
  co_return sizes;
}

TEST(ChaosRingTest, ShortensReadsAndLosesNoByte) {
  const std::uint64_t shortened = SeedsThat([](std::uint64_t seed) {
    const std::vector<std::size_t> sizes = SyncWait(ReadSizes(), Seeded(seed));
    return std::any_of(sizes.begin(), sizes.end() - 1,
                       [](std::size_t n) { return n < 64; });
  });
  EXPECT_EQ(shortened, kSeeds);
}

TEST(ChaosRingTest, DoesTheSameToTheSameOperationsUnderTheSameSeed) {
  const auto sizes = SyncWait(ReadSizes(), Seeded(7));
  EXPECT_EQ(SyncWait(ReadSizes(), Seeded(7)), sizes);
  EXPECT_NE(SyncWait(ReadSizes(), Seeded(8)), sizes);
}

TEST(ChaosRingTest, LeavesMessagesWhole) {
  const auto reads = []() -> Task<void> {
    int sockets[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, sockets), 0);
    const EventFd event;
    for (int i = 0; i < 50; ++i) {
      EXPECT_EQ(send(sockets[0], "0123456789", 10, 0), 10);
      std::array<std::byte, 64> buffer{};
      CO_EXPECT_EQ(
          (co_await ReadInto(sockets[1], std::span(buffer))).value_or(0), 10u);
      event.Signal();
      CO_EXPECT_EQ(
          (co_await ReadInto(event.fd(), std::span(buffer))).value_or(0), 8u);
    }
    close(sockets[0]);
    close(sockets[1]);
  };
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    SyncWait(reads(), Seeded(seed));
  }
}

class [[nodiscard]] Message final : public SingleOperation<Message> {
 public:
  Message(bool sends, int fd, msghdr& message) noexcept
      : sends_(sends), fd_(fd), message_(&message) {}
  const char* name() const noexcept override { return "Message"; }
  void Prepare(io_uring_sqe* sqe) const {
    if (sends_) return io_uring_prep_sendmsg(sqe, fd_, message_, 0);
    io_uring_prep_recvmsg(sqe, fd_, message_, 0);
  }
  Result<std::size_t> await_resume() const { return CountResult(); }

 private:
  bool sends_;
  int fd_;
  msghdr* message_;
};

// Sends and receives messages on a socket of the type; returns the sizes of
// those received.
Task<std::vector<std::size_t>> MessageSizes(int type) {
  int sockets[2];
  EXPECT_EQ(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, sockets), 0);
  std::vector<std::size_t> sizes;
  const std::string sent = "0123456789";
  std::string all, received;
  for (int i = 0; i < 50; ++i) {
    iovec parts[] = {{const_cast<char*>(sent.data()), 4},
                     {const_cast<char*>(sent.data()) + 4, 6}};
    msghdr message{};
    message.msg_iov = parts;
    message.msg_iovlen = 2;
    const Result<std::size_t> n = co_await Message(true, sockets[0], message);
    CO_EXPECT_OK(n);
    all += sent.substr(0, n.value_or(0));
    while (received.size() < all.size()) {
      char buffer[64];
      iovec into[] = {{buffer, 5}, {buffer + 5, 59}};
      msghdr header{};
      header.msg_iov = into;
      header.msg_iovlen = 2;
      // Written over by what the kernel gives.
      header.msg_flags = -1;
      const Result<std::size_t> m = co_await Message(false, sockets[1], header);
      CO_EXPECT_OK(m);
      if (!m) break;
      EXPECT_EQ(header.msg_flags, 0);
      EXPECT_EQ(into[1].iov_len, 59U);
      received.append(buffer, *m);
      sizes.push_back(*m);
    }
  }
  EXPECT_EQ(received, all);
  close(sockets[0]);
  close(sockets[1]);
  co_return sizes;
}

TEST(ChaosRingTest, ShortensMessagesOfAStreamOnly) {
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const auto whole = SyncWait(MessageSizes(SOCK_SEQPACKET), Seeded(seed));
    EXPECT_EQ(whole, std::vector<std::size_t>(50, 10));
    const auto parts = SyncWait(MessageSizes(SOCK_STREAM), Seeded(seed));
    EXPECT_LT(*std::min_element(parts.begin(), parts.end()), 10U);
  }
}

// --- Completions -------------------------------------------------------------

// The order in which so many operations, begun in order, come to an end.
Task<std::vector<int>> CompletionOrder(int count) {
  std::vector<int> order;
  const auto waits = [&order](int number) -> Task<void> {
    CO_EXPECT_OK(co_await Nop());
    order.push_back(number);
  };
  const auto body = [&](TaskScope& scope) -> Task<void> {
    for (int i = 0; i < count; ++i) scope.Spawn(waits, i);
    co_return;
  };
  CO_EXPECT_OK(co_await WithScope(body));
  co_return order;
}

TEST(ChaosRingTest, CompletesInAnotherOrderAndEachOnce) {
  const std::uint64_t reordered = SeedsThat([](std::uint64_t seed) {
    std::vector<int> order = SyncWait(CompletionOrder(40), Seeded(seed));
    const bool other = !std::is_sorted(order.begin(), order.end());
    std::sort(order.begin(), order.end());
    EXPECT_EQ(order.size(), 40u);
    EXPECT_EQ(std::unique(order.begin(), order.end()), order.end());
    return other;
  });
  EXPECT_EQ(reordered, kSeeds);
}

TEST(ChaosRingTest, MakesQueuesSmallAndLetsThemOverflow) {
  std::uint64_t overflown = 0;
  const std::uint64_t small = SeedsThat([&](std::uint64_t seed) {
    const auto reactor = test::MakeReactor(Seeded(seed));
    EXPECT_EQ(reactor->Run(CompletionOrder(200)).size(), 200u);
    overflown += reactor->stats().overflows != 0;
    return reactor->ring().entries() == 4;
  });
  EXPECT_GT(small, 0u);
  EXPECT_LT(small, kSeeds);
  EXPECT_GT(overflown, 0u);
}

// A cancel that meets an operation which has its result already.
TEST(ChaosRingTest, LetsCancelsComeTooLate) {
  const auto races = []() -> Task<int> {
    int late = 0;
    for (int i = 0; i < 50; ++i) {
      StopSource source;
      const auto stops = [&]() -> Task<void> {
        CO_EXPECT_OK(co_await Nop());
        source.RequestStop();
      };
      const std::uint64_t before = Reactor::Current()->stats().cancels;
      const auto body = [&](TaskScope& scope) -> Task<void> {
        scope.Spawn(stops);
        const Result<void> done = co_await WithStop(source.token(), Nop());
        const bool asked = Reactor::Current()->stats().cancels != before;
        late += done.has_value() && asked;
      };
      CO_EXPECT_OK(co_await WithScope(body));
    }
    co_return late;
  };
  const std::uint64_t seen = SeedsThat(
      [&](std::uint64_t seed) { return SyncWait(races(), Seeded(seed)) != 0; });
  EXPECT_GT(seen, kSeeds / 2);
}

// Polls for as long as the kernel goes on by itself.
class [[nodiscard]] MultiPoll final : public SingleOperation<MultiPoll> {
 public:
  MultiPoll(int fd, int& completions) : fd_(fd), completions_(completions) {}

  const char* name() const noexcept override { return "MultiPoll"; }
  void Prepare(io_uring_sqe* sqe) const {
    io_uring_prep_poll_multishot(sqe, fd_, POLLIN);
  }
  void Complete(std::int32_t result, std::uint32_t flags) noexcept override {
    if (result >= 0) ++completions_;
    Operation::Complete(result, flags);
  }
  Result<void> await_resume() const { return VoidResult(); }

 private:
  int fd_;
  int& completions_;
};

TEST(ChaosRingTest, EndsMultishotOperationsEarly) {
  const auto polls = []() -> Task<bool> {
    const EventFd event;
    int completions = 0;
    int ended_early = 0;
    const auto signals = [&]() -> Task<void> {
      for (int i = 0; i < 40; ++i) {
        event.Signal();
        CO_EXPECT_OK(co_await Sleep(50us));
      }
    };
    const auto body = [&](TaskScope& scope) -> Task<void> {
      const JoinHandle<void> signaling = scope.Spawn(signals);
      while (!signaling.ended()) {
        const int before = completions;
        const auto polled =
            co_await WithTimeout(5ms, MultiPoll(event.fd(), completions));
        if (!polled) {
          CO_EXPECT_ERROR(polled, kTimedOut);
          continue;
        }
        ++ended_early;
        // With a result, not with a cancel that nobody asked for.
        EXPECT_GT(completions, before);
      }
    };
    CO_EXPECT_OK(co_await WithScope(body));
    EXPECT_GT(completions, 0);
    co_return ended_early != 0;
  };
  const std::uint64_t seen = SeedsThat(
      [&](std::uint64_t seed) { return SyncWait(polls(), Seeded(seed)); });
  EXPECT_GT(seen, kSeeds / 2);
}

// A multishot operation that is being ended beside a full submission queue.
TEST(ChaosRingTest, GivesWhatItHoldsOfAMultishotOperation) {
  const auto polls = []() -> Task<void> {
    const EventFd ready;
    ready.Signal();
    const EventFd never;
    int completions = 0;
    const auto waits = [&]() -> Task<void> {
      CO_EXPECT_ERROR(co_await PollIn(never.fd()), kCanceled);
    };
    const auto body = [&](TaskScope& scope) -> Task<void> {
      scope.Spawn([&]() -> Task<void> {
        static_cast<void>(co_await MultiPoll(ready.fd(), completions));
      });
      for (int i = 0; i < 4; ++i) scope.Spawn(waits);
      while (completions == 0) CO_EXPECT_OK(co_await Sleep(1ms));
      scope.RequestStop();
    };
    CO_EXPECT_OK(co_await WithScope(body));
  };
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    SyncWait(polls(), Seeded(seed));
  }
}

// A read into a buffer that the kernel picks.
class [[nodiscard]] ReadPicked final : public SingleOperation<ReadPicked> {
 public:
  explicit ReadPicked(int fd) : fd_(fd) {}

  const char* name() const noexcept override { return "ReadPicked"; }
  void Prepare(io_uring_sqe* sqe) const {
    io_uring_prep_read(sqe, fd_, nullptr, 16, ~std::uint64_t{0});
    sqe->flags |= IOSQE_BUFFER_SELECT;
  }
  Result<std::size_t> await_resume() const { return CountResult(); }

 private:
  int fd_;
};

class [[nodiscard]] ProvideBuffers final
    : public SingleOperation<ProvideBuffers> {
 public:
  ProvideBuffers(std::byte* memory, int count)
      : memory_(memory), count_(count) {}

  const char* name() const noexcept override { return "ProvideBuffers"; }
  void Prepare(io_uring_sqe* sqe) const {
    io_uring_prep_provide_buffers(sqe, memory_, 16, count_, 0, 0);
  }
  Result<void> await_resume() const { return VoidResult(); }

 private:
  std::byte* memory_;
  int count_;
};

TEST(ChaosRingTest, FindsNoBufferThoughThereIsOne) {
  const auto reads = []() -> Task<int> {
    static std::array<std::byte, 64 * 16> memory;
    CO_EXPECT_OK(co_await ProvideBuffers(memory.data(), 64));
    int none = 0;
    for (int i = 0; i < 32; ++i) {
      const Pipe pipe;
      EXPECT_EQ(write(pipe.writer(), "x", 1), 1);
      const Result<std::size_t> n = co_await ReadPicked(pipe.reader());
      if (n) {
        EXPECT_EQ(*n, 1u);
      } else {
        CO_EXPECT_ERROR(n, std::errc::no_buffer_space);
        ++none;
      }
    }
    co_return none;
  };
  const std::uint64_t seen = SeedsThat(
      [&](std::uint64_t seed) { return SyncWait(reads(), Seeded(seed)) != 0; });
  EXPECT_GT(seen, kSeeds / 2);
}

// --- One failure -------------------------------------------------------------

std::unique_ptr<Reactor> Failing(std::uint64_t operation,
                                 std::optional<Error> error = {}) {
  ChaosOptions chaos;
  chaos.fail_operation = operation;
  chaos.fail_with = error;
  auto ring = ChaosRing::Create({}, chaos);
  EXPECT_TRUE(ring.has_value());
  return Reactor::CreateOn(*std::move(ring));
}

TEST(ChaosRingTest, FailsOneOperationThatTheKernelNeverSees) {
  const auto reads = []() -> Task<void> {
    const Pipe pipe;
    EXPECT_EQ(write(pipe.writer(), "abc", 3), 3);
    std::array<std::byte, 1> buffer{};
    const auto read = [&] { return ReadInto(pipe.reader(), buffer); };
    CO_EXPECT_OK(co_await read());
    CO_EXPECT_ERROR(co_await read(), std::errc::io_error);
    CO_EXPECT_OK(co_await read());
    EXPECT_EQ(buffer[0], std::byte{'b'});
  };
  Failing(2)->Run(reads());
}

TEST(ChaosRingTest, FailsItWithTheErrorThatIsAskedFor) {
  Failing(1, Error(std::errc::owner_dead))->Run([]() -> Task<void> {
    CO_EXPECT_ERROR(co_await Nop(), std::errc::owner_dead);
    CO_EXPECT_OK(co_await Nop());
  }());
}

class [[nodiscard]] CloseIt final : public SingleOperation<CloseIt> {
 public:
  explicit CloseIt(int fd) : fd_(fd) {}
  const char* name() const noexcept override { return "CloseIt"; }
  void Prepare(io_uring_sqe* sqe) const { io_uring_prep_close(sqe, fd_); }
  Result<void> await_resume() const { return VoidResult(); }

 private:
  int fd_;
};

TEST(ChaosRingTest, ClosesTheDescriptorOfACloseThatFails) {
  const std::ptrdiff_t before = test::CountDescriptors();
  Failing(1)->Run([]() -> Task<void> {
    CO_EXPECT_ERROR(co_await CloseIt(dup(0)), std::errc::io_error);
  }());
  EXPECT_EQ(test::CountDescriptors(), before);
}

// --- EDDY_CHAOS_SEED ---------------------------------------------------------

std::string SetUpUnder(const char* seed) {
  return test::InChild([seed] {
    setenv("EDDY_CHAOS_SEED", seed, 1);
    internal::RestartChaosSeeds();
    const auto reactor = test::MakeReactor();
    const bool disturbed =
        dynamic_cast<const ChaosRing*>(&reactor->ring()) != nullptr;
    return std::string(disturbed ? "chaos" : "order");
  });
}

TEST(ChaosSeedTest, OfTheEnvironmentDisturbsEveryReactor) {
  EXPECT_EQ(SetUpUnder("7"), "chaos");
  EXPECT_EQ(SetUpUnder(""), "order");
}

TEST(ChaosSeedDeathTest, ThatIsNoNumberAborts) {
  for (const char* seed : {"seven", "7x", "0", "-1", "99999999999999999999"}) {
    EXPECT_DEATH(
        {
          setenv("EDDY_CHAOS_SEED", seed, 1);
          test::MakeReactor();
        },
        "eddy: EDDY_CHAOS_SEED is \".*\"; it has to be a number from 1 on");
  }
}

TEST(ChaosSeedTest, GivesEachReactorASeedOfItsOwn) {
  const std::string seeds = test::InChild([] {
    setenv("EDDY_CHAOS_SEED", "3", 1);
    internal::RestartChaosSeeds();
    const std::uint64_t first = internal::NextChaosSeed();
    const std::uint64_t second = internal::NextChaosSeed();
    internal::RestartChaosSeeds();
    const bool again = internal::NextChaosSeed() == first;
    return std::string(first != second ? "differ" : "equal") +
           (again ? " again" : " other");
  });
  EXPECT_EQ(seeds, "differ again");
}

}  // namespace
}  // namespace eddy
