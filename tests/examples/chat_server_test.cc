// The chat server in this program, and its clients, decent and not.
#include "tests/io/io_test_util.h"

#include <eddy/io/buffered_reader.h>
#include <eddy/net/tcp.h>
#include <eddy/runtime/stop.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/testing/virtual_clock.h>
#include <eddy/runtime/timeout.h>
#include <eddy/runtime/with_stop.h>

#include <gtest/gtest.h>

#include <sys/socket.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "examples/chat_server/chat.h"
#include "examples/chat_server/server.h"
#include "tests/examples/silent_sweeps.h"
#include "tests/runtime/test_verbs.h"

namespace eddy::testing_examples {
namespace {

using chat_server::Options;
using io_test::Bytes;
using io_test::TempDir;
using namespace std::chrono_literals;  // NOLINT: literals

class Client {
 public:
  explicit Client(net::TcpStream stream)
      : stream_(std::move(stream)), reader_(stream_) {}

  // These live until the await returns.
  Task<Result<void>> Say(std::string line) {
    line += "\n";
    co_return co_await stream_.Write(Bytes(line));
  }
  // The next line; "" at the end.
  Task<Result<std::string>> Hear() {
    const auto line = co_await WithTimeout(1min, reader_.ReadLine());
    if (!line && line.error() == kEndOfStream) co_return std::string();
    if (!line) co_return Unexpected(line.error());
    co_return std::string(*line);
  }
  Task<Result<void>> Expect(std::string expected) {
    EDDY_CO_TRY(const std::string line, co_await Hear());
    if (line == expected) co_return Result<void>();
    ADD_FAILURE() << "expected '" << expected << "', got '" << line << "'";
    co_return Unexpected(kWrong);
  }
  Task<Result<void>> Ask(std::string line, std::string answer) {
    EDDY_CO_CHECK(co_await Say(std::move(line)));
    co_return co_await Expect(std::move(answer));
  }
  Task<Result<void>> Enter(std::string name, std::string room) {
    EDDY_CO_CHECK(co_await Ask("NICK " + name, "OK"));
    co_return co_await Ask("JOIN " + room, "OK");
  }
  net::TcpStream& stream() { return stream_; }

 private:
  net::TcpStream stream_;
  io::BufferedReader<net::TcpStream> reader_;
};

// A server, for as long as the body runs; then it is stopped. What the body
// gives.
class Chat {
 public:
  explicit Chat(Options options = {},
                net::SocketAddress address = net::SocketAddress::LoopbackV4(0),
                net::ListenOptions listen = {})
      : options_(options),
        listener_(net::TcpListener::Bind(address, listen).value()),
        address_(listener_.local_address().value()) {}

  using Body = std::function<Task<Result<void>>(Chat&)>;

  Task<Result<void>> Run(Body body) {
    const auto serve = [this]() -> Task<Result<void>> {
      const Result<void> served = co_await WithStop(
          stop_.token(), chat_server::Serve(listener_, options_));
      if (!served && served.error() == kCanceled) co_return Result<void>();
      co_return served;
    };
    const auto both = [&](TaskScope& scope) -> Task<Result<void>> {
      scope.Spawn(serve);
      const Result<void> result = co_await body(*this);
      stop_.RequestStop();
      co_return result;
    };
    co_return co_await WithScope(both);
  }

  Task<Result<std::unique_ptr<Client>>> Connect(std::size_t buffer = 0) {
    net::ConnectOptions options;
    if (buffer != 0) options.tcp.receive_buffer = buffer;
    EDDY_CO_TRY(net::TcpStream stream,
                co_await net::TcpStream::Connect(address_, options));
    co_return std::make_unique<Client>(std::move(stream));
  }
  void Stop() { stop_.RequestStop(); }

 private:
  const Options options_;
  net::TcpListener listener_;
  const net::SocketAddress address_;
  StopSource stop_;
};

Task<Result<void>> TwoTalk(Chat& chat) {
  EDDY_CO_TRY(const auto ann, co_await chat.Connect());
  EDDY_CO_TRY(const auto bob, co_await chat.Connect());
  EDDY_CO_CHECK(co_await ann->Enter("ann", "tea"));
  EDDY_CO_CHECK(co_await bob->Enter("bob", "tea"));
  EDDY_CO_CHECK(co_await ann->Expect("* bob has come"));
  EDDY_CO_CHECK(co_await ann->Say("MSG hello, all\r"));
  EDDY_CO_CHECK(co_await bob->Expect("<ann> hello, all"));
  EDDY_CO_CHECK(co_await bob->Say("QUIT"));
  EDDY_CO_CHECK(co_await ann->Expect("* bob has gone"));
  co_return co_await bob->Expect("");
}

CO_TEST(ChatServerTest, CarriesWhatIsSaidInARoom) {
  Chat chat;
  CO_EXPECT_OK(co_await chat.Run(TwoTalk));
}

CO_TEST(ChatServerTest, KnowsItsOrders) {
  Chat chat;
  const auto body = [](Chat& c) -> Task<Result<void>> {
    EDDY_CO_TRY(const auto ann, co_await c.Connect());
    EDDY_CO_TRY(const auto bob, co_await c.Connect());
    EDDY_CO_CHECK(co_await ann->Ask("JOIN tea", "ERR say NICK name first"));
    const std::string name = "ERR a name has 1 to 16 letters, digits, - and _";
    EDDY_CO_CHECK(co_await ann->Ask("NICK", name));
    EDDY_CO_CHECK(co_await ann->Ask("NICK a b", name));
    EDDY_CO_CHECK(co_await ann->Ask("NICK " + std::string(17, 'a'), name));
    EDDY_CO_CHECK(co_await ann->Ask("NICK a\tb", "ERR no control characters"));
    EDDY_CO_CHECK(co_await ann->Ask("NICK ann", "OK"));
    EDDY_CO_CHECK(co_await bob->Ask("NICK ann", "ERR that name is taken"));
    EDDY_CO_CHECK(co_await ann->Ask("MSG x", "ERR say JOIN room first"));
    EDDY_CO_CHECK(co_await ann->Ask("WHO", "ERR say JOIN room first"));
    EDDY_CO_CHECK(co_await ann->Ask(
        "", "ERR there are NICK, JOIN, LEAVE, MSG, WHO and QUIT"));
    EDDY_CO_CHECK(co_await ann->Ask(
        "JOIN ../x", "ERR a room has 1 to 16 letters, digits, - and _"));
    EDDY_CO_CHECK(co_await ann->Ask("JOIN tea", "OK"));
    EDDY_CO_CHECK(co_await bob->Enter("bob", "tea"));
    EDDY_CO_CHECK(co_await ann->Expect("* bob has come"));
    EDDY_CO_CHECK(co_await ann->Ask("NICK eve", "OK"));
    EDDY_CO_CHECK(co_await bob->Expect("* ann is now eve"));
    EDDY_CO_CHECK(co_await ann->Say("WHO"));
    EDDY_CO_TRY(const std::string who, co_await ann->Hear());
    if (who != "OK bob eve" && who != "OK eve bob") {
      co_return Unexpected(kWrong);
    }
    EDDY_CO_CHECK(co_await ann->Ask("LEAVE", "OK"));
    EDDY_CO_CHECK(co_await bob->Expect("* eve has gone"));
    // The name is free again.
    EDDY_CO_CHECK(co_await bob->Ask("NICK ann", "OK"));
    co_return Result<void>();
  };
  CO_EXPECT_OK(co_await chat.Run(body));
}

CO_TEST(ChatServerTest, WhoDoesNotReadIsThrownOutAndNobodyWaitsForIt) {
  Options options;
  options.most_queued = 4096;
  options.per_line = 0s;
  options.patience = 1h;
  net::ListenOptions listen;
  listen.tcp.send_buffer = 4096;
  Chat chat(options, net::SocketAddress::LoopbackV4(0), listen);
  const auto body = [](Chat& c) -> Task<Result<void>> {
    EDDY_CO_TRY(const auto slow, co_await c.Connect(4096));
    EDDY_CO_TRY(const auto ann, co_await c.Connect());
    EDDY_CO_TRY(const auto bob, co_await c.Connect());
    EDDY_CO_CHECK(co_await slow->Enter("slow", "tea"));
    EDDY_CO_CHECK(co_await bob->Enter("bob", "tea"));
    EDDY_CO_CHECK(co_await ann->Enter("ann", "tea"));
    EDDY_CO_CHECK(co_await bob->Expect("* ann has come"));
    const std::string text(900, 'x');
    for (int i = 0; i < 10'000; ++i) {
      EDDY_CO_CHECK(co_await ann->Say("MSG " + text));
      EDDY_CO_TRY(std::string line, co_await bob->Hear());
      if (line == "* slow has gone") co_return Result<void>();
      if (line != "<ann> " + text) co_return Unexpected(kWrong);
    }
    co_return Unexpected(std::errc::timed_out);
  };
  CO_EXPECT_OK(co_await chat.Run(body));
}

CO_TEST(ChatServerTest, WhoWritesTooMuchIsReadSlowly) {
  const VirtualClock clock;
  Chat chat;
  const TimePoint start = Clock::now();
  const auto body = [](Chat& c) -> Task<Result<void>> {
    EDDY_CO_TRY(const auto ann, co_await c.Connect());
    EDDY_CO_TRY(const auto bob, co_await c.Connect());
    EDDY_CO_CHECK(co_await bob->Enter("bob", "tea"));
    EDDY_CO_CHECK(co_await ann->Enter("ann", "tea"));
    EDDY_CO_CHECK(co_await bob->Expect("* ann has come"));
    std::string flood;
    for (int i = 0; i < 100; ++i) flood += "MSG " + std::to_string(i) + "\n";
    EDDY_CO_CHECK(co_await ann->stream().Write(Bytes(flood)));
    for (int i = 0; i < 100; ++i) {
      EDDY_CO_CHECK(co_await bob->Expect("<ann> " + std::to_string(i)));
    }
    co_return Result<void>();
  };
  CO_EXPECT_OK(co_await chat.Run(body));
  // Two orders before, 40 lines at once.
  EXPECT_GE(Clock::now() - start, 60 * 50ms);
}

CO_TEST(ChatServerTest, AnEndlessLineIsToldAndLeft) {
  Chat chat;
  const auto body = [](Chat& c) -> Task<Result<void>> {
    EDDY_CO_TRY(const auto eve, co_await c.Connect());
    const std::string endless(3000, 'x');
    EDDY_CO_CHECK(co_await eve->stream().Write(Bytes(endless)));
    EDDY_CO_CHECK(co_await eve->Expect("ERR that line is too long"));
    co_return co_await eve->Expect("");
  };
  CO_EXPECT_OK(co_await chat.Run(body));
}

CO_TEST(ChatServerTest, WhoSaysNothingIsLeft) {
  // A shutdown takes the kernel a while.
  VirtualClockOptions time;
  time.settle = 200ms;
  const VirtualClock clock(time);
  Options options;
  options.idle = 30s;
  Chat chat(options);
  const TimePoint start = Clock::now();
  const auto body = [](Chat& c) -> Task<Result<void>> {
    EDDY_CO_TRY(const auto ann, co_await c.Connect());
    EDDY_CO_CHECK(co_await ann->Ask("NICK ann", "OK"));
    EDDY_CO_CHECK(co_await ann->Expect("ERR idle for too long"));
    co_return co_await ann->Expect("");
  };
  CO_EXPECT_OK(co_await chat.Run(body));
  EXPECT_GE(Clock::now() - start, 30s);
}

CO_TEST(ChatServerTest, MoreThanMayComeWait) {
  Options options;
  options.most_clients = 1;
  Chat chat(options);
  const auto body = [](Chat& c) -> Task<Result<void>> {
    EDDY_CO_TRY(const auto ann, co_await c.Connect());
    EDDY_CO_TRY(const auto bob, co_await c.Connect());
    EDDY_CO_CHECK(co_await bob->Say("NICK bob"));
    EDDY_CO_CHECK(co_await ann->Ask("NICK ann", "OK"));
    EDDY_CO_CHECK(co_await ann->Say("QUIT"));
    EDDY_CO_CHECK(co_await ann->Expect(""));
    EDDY_CO_CHECK(co_await ann->stream().Close());
    co_return co_await bob->Expect("OK");
  };
  CO_EXPECT_OK(co_await chat.Run(body));
}

CO_TEST(ChatServerTest, AStopTellsEverybody) {
  Chat chat;
  const auto body = [](Chat& c) -> Task<Result<void>> {
    EDDY_CO_TRY(const auto ann, co_await c.Connect());
    EDDY_CO_TRY(const auto bob, co_await c.Connect());
    EDDY_CO_CHECK(co_await ann->Enter("ann", "tea"));
    EDDY_CO_CHECK(co_await bob->Ask("NICK bob", "OK"));
    c.Stop();
    EDDY_CO_CHECK(co_await ann->Expect("* the server ends"));
    EDDY_CO_CHECK(co_await ann->Expect(""));
    EDDY_CO_CHECK(co_await bob->Expect("* the server ends"));
    co_return co_await bob->Expect("");
  };
  CO_EXPECT_OK(co_await chat.Run(body));
}

CO_TEST(ChatServerTest, AFailureIsToldToOnFailureAndToTheRoom) {
  Options options;
  options.longest_line = 100;
  std::vector<Error> errors;
  options.on_failure = [&](const net::SocketAddress& client,
                           const TaskFailure& failure) {
    EXPECT_EQ(client.family(), AF_INET);
    if (failure.error) errors.push_back(*failure.error);
  };
  Chat chat(options);
  const auto body = [&](Chat& c) -> Task<Result<void>> {
    EDDY_CO_TRY(const auto ann, co_await c.Connect());
    EDDY_CO_CHECK(co_await ann->Enter("ann", "tea"));
    {
      EDDY_CO_TRY(const auto bob, co_await c.Connect());
      EDDY_CO_CHECK(co_await bob->Enter("bob", "tea"));
      EDDY_CO_CHECK(co_await ann->Expect("* bob has come"));
      const linger reset{1, 0};
      setsockopt(bob->stream().fd().get(), SOL_SOCKET, SO_LINGER, &reset,
                 sizeof reset);
    }
    EDDY_CO_CHECK(co_await ann->Expect("* bob has gone"));
    EDDY_CO_TRY(const auto eve, co_await c.Connect());
    EDDY_CO_CHECK(co_await eve->Enter("eve", "tea"));
    EDDY_CO_CHECK(co_await ann->Expect("* eve has come"));
    EDDY_CO_CHECK(
        co_await eve->Ask(std::string(200, 'x'), "ERR that line is too long"));
    EDDY_CO_CHECK(co_await eve->Expect(""));
    EDDY_CO_CHECK(co_await eve->stream().Close());
    co_return co_await ann->Expect("* eve has gone");
  };
  CO_EXPECT_OK(co_await chat.Run(body));
  // Eve's session may have seen the end of the server first.
  CO_ASSERT_TRUE(!errors.empty());
  CO_EXPECT_TRUE(errors[0] == std::errc::connection_reset);
  if (errors.size() > 1) {
    CO_EXPECT_TRUE(errors[1] == std::errc::message_size);
  }
}

CO_TEST(ChatServerTest, WhoLeavesWellIsNoFailure) {
  Options options;
  options.on_failure = [](const auto&, const auto&) { ADD_FAILURE(); };
  Chat chat(options);
  CO_EXPECT_OK(co_await chat.Run(TwoTalk));
}

CO_TEST(ChatServerTest, AnExceptionOfOneSessionIsNotTheEndOfTheServer) {
  if (test::kAsan || test::kTsan) {
    CO_SKIP("a sanitizer ends the program where so much is asked for");
  }
  Options options;
  // No memory is there for that.
  options.longest_line = std::size_t{1} << 62;
  int exceptions = 0;
  options.on_failure = [&](const auto&, const TaskFailure& failure) {
    exceptions += failure.exception ? 1 : 0;
  };
  Chat chat(options);
  const auto body = [](Chat& c) -> Task<Result<void>> {
    for (int i = 0; i < 3; ++i) {
      EDDY_CO_TRY(const auto ann, co_await c.Connect());
      EDDY_CO_CHECK(co_await ann->Expect(""));
    }
    co_return Result<void>();
  };
  CO_EXPECT_OK(co_await chat.Run(body));
  EXPECT_EQ(exceptions, 3);
}

// A member to whom nothing can be told, when it likes.
class DeafMember final : public chat_server::Member {
 public:
  using Member::Tell;
  void Tell(chat_server::Line line) override {
    if (deaf) throw std::bad_alloc();
    heard += *line;
  }

  bool deaf = false;
  std::string heard;
};

TEST(ChatTest, AMemberIsRemovedAlsoWhereNotAllCanBeTold) {
  chat_server::Chat chat;
  DeafMember ann;
  DeafMember bob;
  for (auto* const member : {&ann, &bob}) {
    chat.Handle(*member, member == &ann ? "NICK ann" : "NICK bob");
    chat.Handle(*member, "JOIN tea");
  }
  ann.deaf = true;
  EXPECT_THROW(chat.Remove(bob), std::bad_alloc);
  ann.deaf = false;
  ann.heard.clear();
  chat.Handle(ann, "WHO");
  chat.Handle(ann, "NICK bob");
  EXPECT_EQ(ann.heard, "OK ann\nOK\n");
}

TEST(ChatServerSweepTest, EndsCleanlyAtEveryPoint) {
  const TempDir dir;
  const std::string path = dir / "socket";
  const auto scenario = [&]() -> Task<Result<void>> {
    unlink(path.c_str());
    Chat chat({}, net::SocketAddress::Parse("unix:" + path).value());
    const auto body = [](Chat& c) -> Task<Result<void>> {
      EDDY_CO_TRY(const auto ann, co_await c.Connect());
      EDDY_CO_TRY(const auto bob, co_await c.Connect());
      for (const std::string_view line :
           {"NICK a\nJOIN tea\n", "MSG b\nQUIT\n"}) {
        EDDY_CO_CHECK(co_await ann->stream().Write(Bytes(line)));
      }
      for (std::string line = "?"; !line.empty();) {
        EDDY_CO_TRY(line, co_await ann->Hear());
      }
      co_return co_await bob->Say("NICK bob");
    };
    co_return co_await chat.Run(body);
  };
  ExpectCleanWhenStopped(scenario, 20);
  ExpectCleanWhenFailed(scenario, 10);
}

}  // namespace
}  // namespace eddy::testing_examples
