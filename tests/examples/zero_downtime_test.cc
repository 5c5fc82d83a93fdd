// zero_downtime: three generations follow one another while clients ask without
// a pause; and what happens when a hand-over goes wrong.
#include <eddy/io/buffered_reader.h>
#include <eddy/net/tcp.h>
#include <eddy/net/unix_seq_packet.h>
#include <eddy/runtime/sync_wait.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/timeout.h>
#include <eddy/runtime/timer.h>

#include <gtest/gtest.h>
#include <signal.h>

#include <array>
#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "tests/examples/program.h"
#include "tests/io/io_test_util.h"

namespace eddy::testing_examples {
namespace {

using namespace std::chrono_literals;
using io_test::Bytes;
using io_test::TempDir;

// What a generation prints after its number.
std::string Says(Program& program) {
  const std::string line = program.ReadLine();
  const std::size_t colon = line.find(": ");
  return colon == line.npos ? line : line.substr(colon + 2);
}

// The line "listening on ..." as an address.
net::SocketAddress AddressOf(Program& program) {
  const std::string said = Says(program);
  constexpr std::string_view kListening = "listening on ";
  EXPECT_TRUE(said.starts_with(kListening)) << said;
  const auto address = net::SocketAddress::Parse(
      std::string_view(said).substr(std::min(kListening.size(), said.size())));
  EXPECT_TRUE(address) << said;
  return address.value_or(net::SocketAddress());
}

class ZeroDowntimeTest : public ::testing::Test {
 protected:
  std::unique_ptr<Program> Start(std::vector<std::string> more = {}) {
    std::vector<std::string> words = {Program::Example("zero_downtime"),
                                      "--listen=127.0.0.1:0",
                                      "--control=" + control_};
    for (std::string& word : more) words.push_back(std::move(word));
    return std::make_unique<Program>(words);
  }

  const TempDir dir_;
  const std::string control_ = "unix:" + (dir_ / "control");
};

// --- Clients -----------------------------------------------------------------

// What clients were answered, and what went wrong.
struct Tally {
  std::atomic<int> answered = 0;
  std::atomic<int> connections = 0;
  // How many answers came from the generations 1 to 3.
  std::array<std::atomic<int>, 4> by_generation{};
  std::atomic<bool> stop = false;
  std::atomic<int> failures = 0;
  std::string failure;  // the first one; of the clients' thread

  void Fail(std::string what) {
    if (failures++ == 0) failure = std::move(what);
  }
};

// Asks over one connection, `most` times or until it ends with "bye". The
// requests that were answered; each exactly once, and in their order.
Task<Result<int>> AskOverOne(net::SocketAddress server, int first, int most,
                             Tally& tally) {
  EDDY_CO_TRY(net::TcpStream stream, co_await net::TcpStream::Connect(server));
  ++tally.connections;
  io::BufferedReader reader(stream);
  for (int i = 0; i < most; ++i) {
    const std::string question = "request " + std::to_string(first + i);
    EDDY_CO_CHECK(co_await stream.Write(Bytes(question + "\n")));
    EDDY_CO_TRY(const std::string_view line, co_await reader.ReadLine());
    const bool last = line.starts_with("bye ");
    const std::size_t at = line.find(' ') + 1;
    const std::size_t generation = static_cast<std::size_t>(line[at] - '0');
    if ((!last && !line.starts_with("ok ")) || generation < 1 ||
        generation > 3 || line.substr(at + 2) != question) {
      tally.Fail("'" + std::string(line) + "' answers " + question);
      co_return Unexpected(std::errc::bad_message);
    }
    ++tally.answered;
    ++tally.by_generation[generation];
    if (last) co_return i + 1;
  }
  co_return most;
}

// One client: connection after connection. A request that a connection did not
// answer is the first of the next one; it never happens that there is none.
Task<> Client(net::SocketAddress server, int number, Tally& tally) {
  int next = number * 1'000'000;
  for (int round = 0; !tally.stop; ++round) {
    const int most = 1 + (round + number) % 20;
    const Result<int> done =
        co_await WithTimeout(30s, AskOverOne(server, next, most, tally));
    if (!done) {
      tally.Fail("connection " + std::to_string(round) + ": " +
                 done.error().message());
      co_return;
    }
    next += *done;
  }
}

// Clients on a thread of their own, until the end of its life.
class Load {
 public:
  Load(net::SocketAddress server, int clients)
      : thread_([this, server, clients] {
          SyncWait(Run(server, clients, tally_));
        }) {}
  ~Load() { End(); }
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  Tally& End() {
    tally_.stop = true;
    if (thread_.joinable()) thread_.join();
    return tally_;
  }
  // Waits until so many more answers came from a generation.
  void AwaitAnswers(std::size_t generation, int count) {
    const int goal = tally_.by_generation[generation] + count;
    while (tally_.by_generation[generation] < goal && tally_.failures == 0) {
      std::this_thread::sleep_for(1ms);
    }
  }

 private:
  static Task<void> Run(net::SocketAddress server, int clients, Tally& tally) {
    (void)co_await WithScope([&](TaskScope& scope) -> Task<void> {
      for (int i = 0; i < clients; ++i) {
        scope.Spawn(Client(server, i, tally));
      }
      co_return;
    });
  }

  Tally tally_;
  std::thread thread_;
};

// One question, for tests without load.
std::string Ask(net::SocketAddress server, const std::string& question) {
  const auto ask = [&]() -> Task<Result<std::string>> {
    EDDY_CO_TRY(net::TcpStream stream,
                co_await net::TcpStream::Connect(server));
    EDDY_CO_CHECK(co_await stream.Write(Bytes(question + "\n")));
    io::BufferedReader reader(stream);
    EDDY_CO_TRY(const std::string_view line, co_await reader.ReadLine());
    co_return std::string(line);
  };
  const Result<std::string> answer = SyncWait(ask());
  return answer ? *answer : answer.error().message();
}

// --- Under load --------------------------------------------------------------

TEST_F(ZeroDowntimeTest, LosesNothingOverThreeGenerationsUnderLoad) {
  const auto first = Start();
  const net::SocketAddress server = AddressOf(*first);
  Load load(server, 16);
  load.AwaitAnswers(1, 200);

  const auto second = Start();
  EXPECT_EQ(Says(*second), "warming up");
  EXPECT_EQ(AddressOf(*second), server);
  EXPECT_EQ(Says(*first), "handed over");
  load.AwaitAnswers(2, 200);
  EXPECT_EQ(Says(*first), "ends");
  EXPECT_EQ(first->Wait(), 0) << first->ReadErrors();

  // One that is killed before it has taken over changes nothing.
  for (int i = 0; i < 3; ++i) {
    const auto killed = Start({"--warm_up=1h"});
    EXPECT_EQ(Says(*killed), "warming up");
    load.AwaitAnswers(2, 50);
    killed->Signal(SIGKILL);
    killed->Wait();
    EXPECT_TRUE(Says(*second).starts_with("not handed over"));
    load.AwaitAnswers(2, 50);
  }

  const auto third = Start();
  EXPECT_EQ(Says(*third), "warming up");
  EXPECT_EQ(AddressOf(*third), server);
  load.AwaitAnswers(3, 200);
  EXPECT_EQ(Says(*second), "handed over");
  EXPECT_EQ(Says(*second), "ends");
  EXPECT_EQ(second->Wait(), 0) << second->ReadErrors();

  const Tally& tally = load.End();
  EXPECT_EQ(tally.failures, 0) << tally.failure;
  EXPECT_GE(tally.answered, 1000);
  RecordProperty("answered", std::to_string(tally.answered));
  RecordProperty("connections", std::to_string(tally.connections));
  third->Signal(SIGTERM);
  EXPECT_EQ(third->Wait(), 0) << third->ReadErrors();
}

// As many generations as there is time for, each as soon as the last one
// serves.
TEST_F(ZeroDowntimeTest, KillingAtAnyMomentBeforeTheHandOverLosesNothing) {
  const auto first = Start();
  const net::SocketAddress server = AddressOf(*first);
  Load load(server, 8);
  for (int i = 0; i < 20; ++i) {
    const auto killed = Start({"--warm_up=1h"});
    std::this_thread::sleep_for(std::chrono::milliseconds(i));
    killed->Signal(SIGKILL);
    killed->Wait();
    load.AwaitAnswers(1, 10);
  }
  const Tally& tally = load.End();
  EXPECT_EQ(tally.failures, 0) << tally.failure;
}

// --- What goes wrong ---------------------------------------------------------

TEST_F(ZeroDowntimeTest, AnOldProcessThatHangsKeepsTheService) {
  const auto first = Start();
  const net::SocketAddress server = AddressOf(*first);
  first->Signal(SIGSTOP);
  const auto second = Start({"--patience=100ms"});
  EXPECT_EQ(second->Wait(), 1);
  EXPECT_NE(second->ReadErrors().find("does not answer"), std::string::npos);
  first->Signal(SIGCONT);
  EXPECT_EQ(Ask(server, "there?"), "ok 1 there?");
  // And hands over when asked again.
  const auto third = Start();
  EXPECT_EQ(Says(*third), "warming up");
  EXPECT_EQ(AddressOf(*third), server);
  EXPECT_EQ(Ask(server, "there?"), "ok 2 there?");
}

TEST_F(ZeroDowntimeTest, ANewProcessThatIsNotReadyInTimeGivesUp) {
  const auto first = Start({"--readiness=100ms"});
  const net::SocketAddress server = AddressOf(*first);
  const auto second = Start({"--warm_up=2s"});
  EXPECT_EQ(Says(*second), "warming up");
  EXPECT_TRUE(Says(*first).starts_with("not handed over"));
  EXPECT_EQ(second->Wait(), 1);
  EXPECT_NE(second->ReadErrors().find("took the service back"),
            std::string::npos);
  EXPECT_EQ(Ask(server, "there?"), "ok 1 there?");
}

TEST_F(ZeroDowntimeTest, AnOldProcessThatDiesLeavesTheServiceToTheNewOne) {
  const auto first = Start();
  const net::SocketAddress server = AddressOf(*first);
  const auto second = Start({"--warm_up=500ms"});
  EXPECT_EQ(Says(*second), "warming up");
  first->Signal(SIGKILL);
  EXPECT_EQ(AddressOf(*second), server);
  EXPECT_EQ(Ask(server, "there?"), "ok 2 there?");
}

TEST_F(ZeroDowntimeTest, AnIdleClientIsLetGoAfterTheDrain) {
  const auto first = Start({"--drain=200ms"});
  const net::SocketAddress server = AddressOf(*first);
  std::unique_ptr<Program> second;
  SyncWait([&]() -> Task<void> {
    Result<net::TcpStream> idle = co_await net::TcpStream::Connect(server);
    CO_ASSERT_OK(idle);
    CO_ASSERT_OK(co_await idle->Write(Bytes("hello\n")));
    io::BufferedReader reader(*idle);
    CO_EXPECT_EQ(co_await reader.ReadLine(), "ok 1 hello");
    second = Start();
    CO_EXPECT_ERROR(co_await WithTimeout(30s, reader.ReadLine()), kEndOfStream);
  }());
  EXPECT_EQ(first->Wait(), 0) << first->ReadErrors();
}

TEST_F(ZeroDowntimeTest, AClientThatIsConnectedHearsByeFromTheOldOne) {
  const auto first = Start();
  const net::SocketAddress server = AddressOf(*first);
  std::unique_ptr<Program> second;
  SyncWait([&]() -> Task<void> {
    Result<net::TcpStream> client = co_await net::TcpStream::Connect(server);
    CO_ASSERT_OK(client);
    CO_ASSERT_OK(co_await client->Write(Bytes("hello\n")));
    io::BufferedReader reader(*client);
    CO_EXPECT_EQ(co_await reader.ReadLine(), "ok 1 hello");
    second = Start();
    EXPECT_EQ(Says(*second), "warming up");
    EXPECT_EQ(AddressOf(*second), server);
    EXPECT_EQ(Says(*first), "handed over");
    // Three at once: the first is answered, the others are not done.
    CO_ASSERT_OK(co_await client->Write(Bytes("one\ntwo\nthree\n")));
    CO_EXPECT_EQ(co_await reader.ReadLine(), "bye 1 one");
    CO_EXPECT_ERROR(co_await reader.ReadLine(), kEndOfStream);
  }());
  EXPECT_EQ(first->Wait(), 0) << first->ReadErrors();
  EXPECT_EQ(Ask(server, "two"), "ok 2 two");
}

// --- Strangers at the control socket -----------------------------------------

TEST_F(ZeroDowntimeTest, WhoSpeaksOtherwiseGetsNothingAndChangesNothing) {
  const auto first = Start();
  const net::SocketAddress server = AddressOf(*first);
  const net::SocketAddress control =
      net::SocketAddress::Parse(control_).value();
  const auto talk = [&](std::vector<std::string> words) -> Task<int> {
    Result<net::UnixSeqPacket> peer =
        co_await net::UnixSeqPacket::Connect(control);
    EXPECT_TRUE(peer);
    if (!peer) co_return -1;
    int descriptors = 0;
    for (const std::string& word : words) {
      std::array<std::byte, 64> buffer;
      const Result<std::size_t> sent = co_await peer->Send(Bytes(word));
      if (!sent) break;
      const Result<net::UnixMessage> answer =
          co_await peer->ReceiveDescriptors(8, buffer);
      if (!answer) break;
      descriptors += static_cast<int>(answer->descriptors.size());
    }
    co_return descriptors;
  };
  EXPECT_EQ(SyncWait(talk({})), 0);
  EXPECT_EQ(SyncWait(talk({"take over 2"})), 0);
  EXPECT_EQ(SyncWait(talk({""})), 0);
  EXPECT_EQ(SyncWait(talk({std::string(1000, 'x')})), 0);
  // Asks, and goes; is never ready; says something else; goes half-way.
  EXPECT_EQ(SyncWait(talk({"take over 1"})), 2);
  EXPECT_EQ(SyncWait(talk({"take over 1", "mine"})), 2);
  EXPECT_EQ(SyncWait(talk({"take over 1", "nonsense"})), 2);
  EXPECT_EQ(SyncWait(talk({"take over 1", "ready"})), 2);
  EXPECT_EQ(SyncWait(talk({"take over 1", "ready", "nonsense"})), 2);
  EXPECT_EQ(Ask(server, "there?"), "ok 1 there?");
  const auto second = Start();
  EXPECT_EQ(Says(*second), "warming up");
  EXPECT_EQ(AddressOf(*second), server);
  EXPECT_EQ(Ask(server, "there?"), "ok 2 there?");
}

TEST_F(ZeroDowntimeTest, TellsWhatIsWrongWithItsArguments) {
  Program no_address({Program::Example("zero_downtime"), "--listen=nonsense"});
  EXPECT_EQ(no_address.Wait(), 1);
  EXPECT_NE(no_address.ReadErrors().find("--listen"), std::string::npos);
  Program no_control({Program::Example("zero_downtime"), "--listen=127.0.0.1:0",
                      "--control=127.0.0.1:0"});
  EXPECT_EQ(no_control.Wait(), 1);
  EXPECT_NE(no_control.ReadErrors().find("--control"), std::string::npos);
}

}  // namespace
}  // namespace eddy::testing_examples
