// The file server and a client in one program, stopped and failed at every
// point.
#include <eddy/net/tcp.h>
#include <eddy/runtime/stop.h>
#include <eddy/runtime/task_scope.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <string>
#include <string_view>
#include <utility>

#include "examples/file_server/server.h"
#include "examples/file_server/site.h"
#include "tests/examples/silent_sweeps.h"
#include "tests/io/io_test_util.h"

namespace eddy::testing_examples {
namespace {

using namespace std::chrono_literals;
using io_test::Bytes;
using io_test::Store;
using io_test::TempDir;
using io_test::Text;

// Requests, the last of which ends the connection, and what is looked for in
// the answers, in this order.
struct Conversation {
  std::string_view requests;
  std::vector<std::string_view> answers;
};

Task<Result<void>> Converse(net::SocketAddress server,
                            const Conversation& conversation) {
  EDDY_CO_TRY(net::TcpStream stream, co_await net::TcpStream::Connect(server));
  EDDY_CO_CHECK(co_await stream.Write(Bytes(conversation.requests)));
  std::string got;
  while (true) {
    std::array<std::byte, 16 * 1024> part;
    EDDY_CO_TRY(const std::size_t n, co_await stream.Read(part));
    if (n == 0) break;
    got += Text(std::span(part).first(n));
  }
  std::size_t at = 0;
  for (const std::string_view answer : conversation.answers) {
    at = got.find(answer, at);
    if (at == std::string::npos) co_return Unexpected(kWrong);
    at += answer.size();
  }
  co_return co_await stream.Close();
}

class FileServerSweepTest : public ::testing::Test {
 protected:
  FileServerSweepTest() {
    Store(root_ / "small", "0123456789");
    Store(root_ / "large", std::string(100'000, 'x') + "end");
    std::filesystem::create_directory(root_ / "folder");
    Store(root_ / "folder/inside", "");
  }

  // The server drains when the client has its answers. In real time: a virtual
  // clock would not wait long for a busy kernel.
  Task<Result<void>> Serve(const Conversation& conversation) const {
    const file_server::Options options{
        .root = root_.path(),
        .listen = "",
        .max_connections = 10,
        .idle_timeout = 10s,
        .header_timeout = 5s,
        .drain_timeout = 1s,
        .cache_validity = 1h,
    };
    EDDY_CO_TRY(net::TcpListener listener,
                net::TcpListener::Bind(net::SocketAddress::LoopbackV4(0)));
    EDDY_CO_TRY(const net::SocketAddress address, listener.local_address());
    StopSource drain;
    file_server::Site site(
        options,
        fs::Directory(io::Fd(IO_TEST_CHECK(
            open(root_.path().c_str(), O_DIRECTORY | O_CLOEXEC)))),
        drain.token());
    const auto asks = [&]() -> Task<Result<void>> {
      const Result<void> asked = co_await Converse(address, conversation);
      drain.RequestStop();
      co_return asked;
    };
    const auto body = [&](TaskScope& scope) -> Task<Result<void>> {
      scope.Spawn(asks);
      co_return co_await file_server::Serve(std::move(listener), site);
    };
    co_return co_await WithScope(body);
  }

  void ExpectClean(const Conversation& conversation, std::uint64_t stops,
                   std::uint64_t failures) const {
    const auto scenario = [&] { return Serve(conversation); };
    ExpectCleanWhenStopped(scenario, stops);
    ExpectCleanWhenFailed(scenario, failures);
  }

 private:
  const TempDir root_;
};

TEST_F(FileServerSweepTest, ASmallFile) {
  ExpectClean({"GET /small HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n",
               {"HTTP/1.1 200 ", "\r\n\r\n0123456789"}},
              30, 12);
}

TEST_F(FileServerSweepTest, TwoRequestsOnOneConnection) {
  ExpectClean({"GET /small HTTP/1.1\r\nHost: t\r\n\r\n"
               "HEAD /small HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n",
               {"HTTP/1.1 200 ", "\r\n\r\n0123456789", "HTTP/1.1 200 "}},
              35, 13);
}

TEST_F(FileServerSweepTest, ARange) {
  ExpectClean({"GET /small HTTP/1.1\r\nHost: t\r\nConnection: close\r\n"
               "Range: bytes=2-4\r\n\r\n",
               {"HTTP/1.1 206 ", "\r\n\r\n234"}},
              30, 12);
}

// In parts: one is read while another one is sent.
TEST_F(FileServerSweepTest, ALargeFile) {
  ExpectClean({"GET /large HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n",
               {"HTTP/1.1 200 ", "xxxxend"}},
              40, 18);
}

TEST_F(FileServerSweepTest, AListing) {
  ExpectClean({"GET /folder/ HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n",
               {"HTTP/1.1 200 ", "inside"}},
              30, 10);
}

TEST_F(FileServerSweepTest, WhatIsNotThereAndWhatIsNoRequest) {
  ExpectClean({"GET /none HTTP/1.1\r\nHost: t\r\n\r\nGET * HTTP/1.1\r\nHost: "
               "t\r\nConnection: close\r\n\r\n",
               {"HTTP/1.1 404 ", "HTTP/1.1 400 "}},
              30, 10);
}

}  // namespace
}  // namespace eddy::testing_examples
