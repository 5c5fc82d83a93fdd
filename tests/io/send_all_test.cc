#include <eddy/io/send_all.h>

#include "tests/chaos.h"
#include "tests/io/operation_contract.h"
#include "tests/sweeps.h"

#include <eddy/io/close.h>
#include <eddy/io/read.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/timeout.h>

#include <sys/socket.h>

#include <array>

namespace eddy::io_test {
namespace {

// (One byte: more may go in parts, a stop between them.)
class SendAllVerb final : public Verb {
 public:
  SendAllVerb() { filled_ = Fill(sockets_.a); }

  Task<Result<void>> RunOn(const io::Fd& fd) override {
    co_return co_await io::SendAll(fd, Bytes("d"), &sent_);
  }
  const io::Fd& fd() const override { return sockets_.a; }
  bool waits() const override { return true; }
  void Provide() override {
    if (provided_) return;
    EXPECT_EQ(Drain(sockets_.b, filled_).size(), filled_);
    provided_ = true;
  }
  void ExpectDone() override {
    EXPECT_EQ(sent_, 1u);
    EXPECT_EQ(Drain(sockets_.b), "d");
  }
  void ExpectNoTrace() override {
    EXPECT_EQ(Drain(sockets_.b).size(), provided_ ? 0 : filled_);
    provided_ = true;
  }

 private:
  SocketPair sockets_;
  std::size_t filled_ = 0;
  bool provided_ = false;
  std::size_t sent_ = 0;
};
INSTANTIATE_TEST_SUITE_P(SendAll, OperationContractTest,
                         ::testing::Values(MakeVerb<SendAllVerb>));

CO_TEST(SendAllTest, SendsNothingOfNothing) {
  const SocketPair sockets;
  std::size_t sent = 7;
  const std::uint64_t before = Submitted();
  CO_EXPECT_OK(co_await io::SendAll(sockets.a, {}, &sent));
  EXPECT_EQ(sent, 0u);
  EXPECT_EQ(Submitted(), before);
}

CO_TEST(SendAllTest, SendsMoreThanTheSocketTakes) {
  const SocketPair sockets;
  const std::vector<std::byte> data = Pattern(3'000'000);
  std::vector<std::byte> got;
  const auto body = [&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&]() -> Task<void> {
      std::size_t sent = 0;
      CO_EXPECT_OK(co_await io::SendAll(sockets.a, data, &sent));
      EXPECT_EQ(sent, data.size());
    });
    std::vector<std::byte> block(10'000);
    while (got.size() < data.size()) {
      const Result<std::size_t> n = co_await io::Read(sockets.b, block);
      CO_ASSERT_OK(n);
      got.insert(got.end(), block.begin(),
                 block.begin() + static_cast<std::ptrdiff_t>(*n));
    }
  };
  CO_EXPECT_OK(co_await WithScope(body));
  EXPECT_EQ(got, data);
}

CO_TEST(SendAllTest, TellsHowMuchWasSentBeforeTheStop) {
  const SocketPair sockets;
  const std::vector<std::byte> data = Pattern(3'000'000);
  std::size_t sent = 0;
  CO_EXPECT_ERROR(
      co_await WithTimeout(2ms, io::SendAll(sockets.a, data, &sent)),
      kTimedOut);
  EXPECT_LT(sent, data.size());
  const std::string got = Drain(sockets.b);
  EXPECT_EQ(got.size(), sent);
  EXPECT_EQ(got, Text(data).substr(0, sent));
}

CO_TEST(SendAllTest, FailsWherePeerHasClosed) {
  SocketPair sockets;
  CO_EXPECT_OK(co_await sockets.b.Close());
  CO_EXPECT_ERROR(co_await io::SendAll(sockets.a, Bytes("x")),
                  std::errc::broken_pipe);
}

Task<Result<void>> OneWay() {
  const SocketPair sockets;
  const std::vector<std::byte> data = Pattern(400'000);
  std::size_t sent = 0;
  std::string got;
  const auto reads = [&]() -> Task<Result<void>> {
    std::vector<std::byte> block(60'000);
    while (got.size() < data.size()) {
      EDDY_CO_TRY(const std::size_t n, co_await io::Read(sockets.b, block));
      got += Text(std::span(block).first(n));
    }
    co_return Result<void>();
  };
  const auto body = [&](TaskScope& scope) -> Task<Result<void>> {
    scope.Spawn(reads);
    co_return co_await io::SendAll(sockets.a, data, &sent);
  };
  const Result<void> result = co_await WithScope(body);
  got += Drain(sockets.b);
  EXPECT_EQ(got.size(), sent);
  EXPECT_EQ(got, Text(data).substr(0, sent));
  co_return result;
}

TEST(SendAllTest, CountsRightWhereverItIsStoppedOrFailed) {
  test::ExpectCleanSweeps(OneWay, {.stops = 5, .failures = 3});
}

}  // namespace
}  // namespace eddy::io_test
