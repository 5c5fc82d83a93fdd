#include <eddy/io/accept.h>

#include "tests/io/descriptor_limit.h"
#include "tests/io/operation_contract.h"

#include <eddy/io/close.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/timeout.h>

#include <poll.h>

namespace eddy::io_test {
namespace {

class AcceptVerb final : public Verb {
 public:
  Task<Result<void>> RunOn(const io::Fd& fd) override {
    EDDY_CO_TRY(accepted_, co_await io::Accept(fd));
    co_return Result<void>();
  }
  const io::Fd& fd() const override { return listener_.fd; }
  bool waits() const override { return true; }
  void Provide() override {
    client_ = TcpSocket();
    IO_TEST_CHECK(
        connect(client_.get(), listener_.native(), sizeof listener_.address));
    Put(client_, "hello");
  }
  void ExpectDone() override {
    ASSERT_TRUE(accepted_.valid());
    EXPECT_EQ(Drain(accepted_), "hello");
    EXPECT_EQ(fcntl(accepted_.get(), F_GETFD), FD_CLOEXEC);
  }
  // The connection, if there is one, is still in the backlog.
  void ExpectNoTrace() override {
    EXPECT_FALSE(accepted_.valid());
    pollfd poll_fd{listener_.fd.get(), POLLIN, 0};
    EXPECT_EQ(poll(&poll_fd, 1, 0), client_.valid() ? 1 : 0);
  }

 private:
  LoopbackListener listener_;
  io::Fd client_;
  io::Fd accepted_;
};
INSTANTIATE_TEST_SUITE_P(Accept, OperationContractTest,
                         ::testing::Values(MakeVerb<AcceptVerb>));

CO_TEST(AcceptTest, GivesConnectionsInTheirOrder) {
  LoopbackListener listener;
  std::vector<io::Fd> clients;
  for (const char* name : {"first", "second", "third"}) {
    clients.push_back(TcpSocket());
    IO_TEST_CHECK(connect(clients.back().get(), listener.native(),
                          sizeof listener.address));
    Put(clients.back(), name);
  }
  for (const char* name : {"first", "second", "third"}) {
    Result<io::Fd> accepted = co_await io::Accept(listener.fd);
    CO_ASSERT_OK(accepted);
    EXPECT_EQ(Drain(*accepted), name);
  }
}

CO_TEST(AcceptTest, GivesTheErrorsOfTheSystemCall) {
  const Pipe pipe;
  CO_EXPECT_ERROR(co_await io::Accept(pipe.reader), std::errc::not_a_socket);
  CO_EXPECT_ERROR(co_await io::Accept(TcpSocket()),
                  std::errc::invalid_argument);
}

CO_TEST(AcceptTest, LeavesTheConnectionWhereDescriptorsRunOut) {
  EDDY_CO_SKIP_WHERE_DESCRIPTORS_ARE_NEEDED();
  LoopbackListener listener;
  io::Fd client = TcpSocket();
  io::Fd spare(IO_TEST_CHECK(dup(0)));
  IO_TEST_CHECK(
      connect(client.get(), listener.native(), sizeof listener.address));
  Put(client, "patient");
  {
    const DescriptorLimit limit;
    for (int i = 0; i < 3; ++i) {
      const std::uint64_t before = Submitted();
      CO_EXPECT_ERROR(co_await io::Accept(listener.fd),
                      std::errc::too_many_files_open);
      EXPECT_EQ(Submitted(), before + 1);
    }
    CO_ASSERT_OK(co_await spare.Close());
    Result<io::Fd> accepted = co_await io::Accept(listener.fd);
    CO_ASSERT_OK(accepted);
    EXPECT_EQ(Drain(*accepted), "patient");
  }
}

}  // namespace
}  // namespace eddy::io_test
