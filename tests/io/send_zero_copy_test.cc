#include <eddy/io/send_zero_copy.h>

#include "tests/chaos.h"
#include "tests/io/operation_contract.h"

#include <eddy/io/close.h>
#include <eddy/runtime/timeout.h>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace eddy::io_test {
namespace {

// Both ends of a TCP connection.
struct Connection {
  io::Fd a;
  io::Fd b;

  explicit Connection(int buffers = 0) {
    LoopbackListener listener;
    a = TcpSocket();
    if (buffers != 0) {
      for (const io::Fd* fd : {&a, &listener.fd}) {
        for (const int option : {SO_SNDBUF, SO_RCVBUF}) {
          IO_TEST_CHECK(setsockopt(fd->get(), SOL_SOCKET, option, &buffers,
                                   sizeof buffers));
        }
      }
    }
    IO_TEST_CHECK(connect(a.get(), listener.native(), sizeof listener.address));
    b = io::Fd(IO_TEST_CHECK(
        accept4(listener.fd.get(), nullptr, nullptr, SOCK_CLOEXEC)));
  }
};

bool HasZeroCopy() {
  return Reactor::Current()->ring().Supports(IORING_OP_SEND_ZC);
}

// Bytes that know whether they still live.
struct Owned {
  explicit Owned(std::size_t size)
      : bytes(std::make_shared<const std::vector<std::byte>>(Pattern(size))),
        text(Text(*bytes)),
        alive(bytes) {}

  std::shared_ptr<const std::vector<std::byte>> bytes;
  const std::string text;
  std::weak_ptr<const std::vector<std::byte>> alive;
};

class BorrowedVerb : public Verb {
 public:
  Task<Result<void>> RunOn(const io::Fd& fd) override {
    EDDY_CO_TRY(count_, co_await io::SendZeroCopy(fd, Bytes("data")));
    co_return Result<void>();
  }
  const io::Fd& fd() const override { return both_.a; }
  void ExpectDone() override {
    EXPECT_PRED2(test::IsAllOrShort, Drain(both_.b), "data");
  }
  void ExpectNoTrace() override { EXPECT_EQ(Readable(both_.b), 0U); }

 protected:
  Connection both_;
  std::size_t count_ = 0;
};
INSTANTIATE_TEST_SUITE_P(SendZeroCopy, OperationContractTest,
                         ::testing::Values(MakeVerb<BorrowedVerb>));

class OwnedVerb final : public BorrowedVerb {
 public:
  Task<Result<void>> RunOn(const io::Fd& fd) override {
    auto owner = std::make_shared<std::string>("data");
    const std::span<const std::byte> data = Bytes(*owner);
    EDDY_CO_TRY(count_,
                co_await io::SendZeroCopyOwned(fd, data, std::move(owner)));
    co_return Result<void>();
  }
};
INSTANTIATE_TEST_SUITE_P(SendZeroCopyOwned, OperationContractTest,
                         ::testing::Values(MakeVerb<OwnedVerb>));

CO_TEST(SendZeroCopyTest, SendsAllAndCounts) {
  if (!HasZeroCopy()) CO_SKIP("this kernel has no zero-copy send");
  const Connection both;
  const std::vector<std::byte> data = Pattern(1'000'000);
  std::string got;
  const std::uint64_t before = io::ThreadZeroCopyStats().sends;
  co_await InScope([&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&]() -> Task<void> {
      while (got.size() < data.size()) {
        got += Drain(both.b);
        co_await Turn();
      }
    });
    for (std::size_t done = 0; done < data.size();) {
      const Result<std::size_t> n = co_await io::SendZeroCopy(
          both.a, std::span(data).subspan(done), MSG_WAITALL);
      CO_ASSERT_OK(n);
      done += *n;
    }
  });
  EXPECT_EQ(got, Text(data));
  EXPECT_GT(io::ThreadZeroCopyStats().sends, before);
  EXPECT_LE(io::ThreadZeroCopyStats().copied, io::ThreadZeroCopyStats().sends);
}

// The peer does not read: the writer goes on all the same, and the bytes live
// until the peer has got them.
CO_TEST(SendZeroCopyOwnedTest, KeepsTheOwnerUntilTheKernelLetsGo) {
  if (!HasZeroCopy()) CO_SKIP("this kernel has no zero-copy send");
  const Connection both(16 * 1024);
  Owned owned(1'000'000);
  const std::span<const std::byte> data = *owned.bytes;
  const Result<std::size_t> n =
      co_await io::SendZeroCopyOwned(both.a, data, std::move(owned.bytes));
  CO_ASSERT_OK(n);
  EXPECT_LT(*n, data.size());
  for (int i = 0; i < 10; ++i) co_await Turn();
  if (!test::InChaos()) {
    EXPECT_FALSE(owned.alive.expired());
  }
  std::string got;
  while (got.size() < *n) {
    got += Drain(both.b);
    co_await Turn();
  }
  EXPECT_EQ(got, owned.text.substr(0, *n));
  while (!owned.alive.expired()) co_await Turn();
}

CO_TEST(SendZeroCopyOwnedTest, ReleasesAnOwnerOfWhatWasNotSent) {
  const Connection both;
  Owned owned(1000);
  { const io::SendZeroCopyOwned never(both.a, *owned.bytes, owned.bytes); }
  const Result<std::size_t> bad =
      co_await io::SendZeroCopyOwned(io::Fd(), *owned.bytes, owned.bytes);
  CO_EXPECT_ERROR(bad, std::errc::bad_file_descriptor);
  owned.bytes.reset();
  while (!owned.alive.expired()) co_await Turn();
}

// What the reactor's end waits for.
Task<void> LeaveBytesInTheKernel(const Connection& both, Owned& owned) {
  const std::span<const std::byte> data = *owned.bytes;
  CO_EXPECT_OK(
      co_await io::SendZeroCopyOwned(both.a, data, std::move(owned.bytes)));
}

TEST(SendZeroCopyOwnedTest, TheOwnerIsReleasedByTheReactorsEnd) {
  const Connection both;
  Owned owned(10'000);
  SyncWait(LeaveBytesInTheKernel(both, owned));
  EXPECT_TRUE(owned.alive.expired());
}

CO_TEST(SendZeroCopyTest, TellsOfASocketThatCannot) {
  if (!HasZeroCopy()) CO_SKIP("this kernel has no zero-copy send");
  const SocketPair sockets;
  Owned owned(1000);
  const Result<std::size_t> borrowed =
      co_await io::SendZeroCopy(sockets.a, *owned.bytes);
  CO_ASSERT_ERROR(borrowed, std::errc::operation_not_supported);
  EXPECT_TRUE(io::CannotZeroCopy(borrowed.error()));
  const Result<std::size_t> kept =
      co_await io::SendZeroCopyOwned(sockets.a, *owned.bytes, owned.bytes);
  CO_EXPECT_ERROR(kept, std::errc::operation_not_supported);
  EXPECT_EQ(Readable(sockets.b), 0U);
  EXPECT_FALSE(io::CannotZeroCopy(std::errc::broken_pipe));
}

CO_TEST(SendZeroCopyTest, TellsOfAPeerThatIsGone) {
  if (!HasZeroCopy()) CO_SKIP("this kernel has no zero-copy send");
  Connection both;
  const linger at_once{1, 0};
  IO_TEST_CHECK(setsockopt(both.b.get(), SOL_SOCKET, SO_LINGER, &at_once,
                           sizeof at_once));
  CO_ASSERT_OK(co_await both.b.Close());
  const Result<std::size_t> first =
      co_await io::SendZeroCopy(both.a, Bytes("x"));
  CO_EXPECT_ERROR(first, std::errc::connection_reset);
  const Result<std::size_t> second =
      co_await io::SendZeroCopy(both.a, Bytes("x"));
  CO_EXPECT_ERROR(second, std::errc::broken_pipe);
}

CO_TEST(SendZeroCopyOwnedTest, StopsWhileTheSocketTakesNothing) {
  if (!HasZeroCopy()) CO_SKIP("this kernel has no zero-copy send");
  const Connection both(16 * 1024);
  const std::size_t filled = Fill(both.a);
  Owned owned(1000);
  CO_EXPECT_ERROR(
      co_await WithTimeout(
          1ms, io::SendZeroCopyOwned(both.a, *owned.bytes, owned.bytes)),
      kTimedOut);
  owned.bytes.reset();
  while (!owned.alive.expired()) co_await Turn();
  std::size_t got = 0;
  while (got < filled) {
    got += Drain(both.b).size();
    co_await Turn();
  }
  EXPECT_EQ(got, filled);
}

}  // namespace
}  // namespace eddy::io_test
