#include <eddy/io/poll.h>

#include "tests/io/operation_contract.h"

#include <eddy/io/close.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/timeout.h>

namespace eddy::io_test {
namespace {

class PollVerb final : public Verb {
 public:
  Task<Result<void>> RunOn(const io::Fd& fd) override {
    EDDY_CO_TRY(events_, co_await io::Poll(fd, POLLIN));
    co_return Result<void>();
  }
  const io::Fd& fd() const override { return pipe_.reader; }
  bool waits() const override { return true; }
  void Provide() override {
    Put(pipe_.writer, "x");
    provided_ = 1;
  }
  void ExpectDone() override {
    EXPECT_EQ(events_, POLLIN);
    ExpectNoTrace();
  }
  // Polling consumes nothing.
  void ExpectNoTrace() override {
    EXPECT_EQ(Readable(pipe_.reader), provided_);
  }

 private:
  Pipe pipe_;
  std::size_t provided_ = 0;
  short events_ = 0;
};
INSTANTIATE_TEST_SUITE_P(Poll, OperationContractTest,
                         ::testing::Values(MakeVerb<PollVerb>));

CO_TEST(PollTest, TellsTheEventsThatAreThere) {
  const SocketPair sockets;
  CO_EXPECT_EQ(co_await io::Poll(sockets.a, POLLIN | POLLOUT), POLLOUT);
  Put(sockets.b, "x");
  CO_EXPECT_EQ(co_await io::Poll(sockets.a, POLLIN | POLLOUT),
               POLLIN | POLLOUT);
  CO_EXPECT_EQ(co_await io::Poll(sockets.a, POLLIN), POLLIN);
}

CO_TEST(PollTest, TellsOfErrorAndHangUpUnasked) {
  SocketPair sockets;
  CO_ASSERT_OK(co_await sockets.b.Close());
  const Result<short> events = co_await io::Poll(sockets.a, POLLIN | POLLRDHUP);
  CO_ASSERT_OK(events);
  EXPECT_EQ(*events, POLLIN | POLLRDHUP | POLLHUP);
  Pipe pipe;
  CO_ASSERT_OK(co_await pipe.reader.Close());
  const Result<short> broken = co_await io::Poll(pipe.writer, 0);
  CO_ASSERT_OK(broken);
  EXPECT_EQ(*broken, POLLERR);
}

CO_TEST(PollTest, WaitsForWhatWasAsked) {
  const SocketPair sockets;
  Put(sockets.b, "x");
  CO_EXPECT_ERROR(co_await WithTimeout(1ms, io::Poll(sockets.a, POLLPRI)),
                  kTimedOut);
}

CO_TEST(PollTest, WaitsForOneDescriptorInSeveralTasks) {
  const Pipe pipe;
  int woken = 0;
  co_await InScope([&](TaskScope& scope) -> Task<void> {
    for (int i = 0; i < 5; ++i) {
      scope.Spawn([&]() -> Task<void> {
        CO_EXPECT_EQ(co_await io::Poll(pipe.reader, POLLIN), POLLIN);
        ++woken;
      });
    }
    co_await Turn();
    EXPECT_EQ(woken, 0);
    Put(pipe.writer, "x");
  });
  EXPECT_EQ(woken, 5);
}

CO_TEST(PollTest, FindsARegularFileAlwaysReady) {
  const io::Fd file = AnonymousFile();
  CO_EXPECT_EQ(co_await io::Poll(file, POLLIN | POLLOUT), POLLIN | POLLOUT);
}

}  // namespace
}  // namespace eddy::io_test
