// Many datagrams at once: batches, and segments that the kernel cuts (GSO) or
// puts together (GRO).
#include <eddy/net/send_batch.h>
#include <eddy/net/send_segments.h>
#include <eddy/net/udp.h>

#include "tests/chaos.h"
#include "tests/io/io_test_util.h"

#include <eddy/runtime/stop.h>
#include <eddy/runtime/timeout.h>
#include <eddy/runtime/with_stop.h>

#include <netinet/udp.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace eddy::net {
namespace {

using namespace std::chrono_literals;
using internal::Segmentation;
using io_test::Bytes;
using io_test::Pattern;
using io_test::Readable;
using io_test::Submitted;
using io_test::Text;

// A socket that has room, and one that sends to it.
struct Pair {
  UdpSocket receiver;
  UdpSocket sender;
  SocketAddress address;
};

Result<Pair> MakePair(const UdpOptions& receives = {}) {
  UdpOptions options = receives;
  options.receive_buffer = 4 << 20;
  Pair pair;
  auto receiver = UdpSocket::Bind(SocketAddress::LoopbackV4(0), options);
  if (!receiver) return Unexpected(receiver.error());
  pair.receiver = *std::move(receiver);
  auto address = pair.receiver.local_address();
  if (!address) return Unexpected(address.error());
  pair.address = *address;
  auto sender = UdpSocket::Connect(pair.address);
  if (!sender) return Unexpected(sender.error());
  pair.sender = *std::move(sender);
  return pair;
}

// The datagrams that are there.
Task<std::vector<std::string>> ReceiveAll(UdpSocket& socket) {
  std::vector<std::string> all;
  std::vector<std::byte> buffer(65536);
  while (true) {
    const auto one = co_await WithTimeout(5ms, socket.ReceiveFrom(buffer));
    if (!one) break;
    for (const auto segment : DatagramSegments(
             std::span(buffer).first(one->size), one->segment_size)) {
      all.push_back(Text(segment));
    }
  }
  co_return all;
}

std::vector<std::string> Cut(std::span<const std::byte> data,
                             std::size_t size) {
  std::vector<std::string> all;
  for (const auto segment : DatagramSegments(data, size)) {
    all.push_back(Text(segment));
  }
  return all;
}

bool KernelCuts() {
  const auto socket = UdpSocket::Bind(SocketAddress::LoopbackV4(0));
  int value = 0;
  socklen_t size = sizeof value;
  return socket && getsockopt(socket->fd().get(), IPPROTO_UDP, UDP_SEGMENT,
                              &value, &size) == 0;
}

TEST(DatagramSegmentsTest, AreOfOneSizeAndTheRest) {
  const std::vector<std::byte> data = Pattern(10);
  EXPECT_EQ(Cut(data, 4).size(), 3U);
  EXPECT_EQ(Cut(data, 4)[2].size(), 2U);
  EXPECT_EQ(DatagramSegments(data, 4).size(), 3U);
  EXPECT_EQ(Cut(data, 5).size(), 2U);
  EXPECT_EQ(DatagramSegments(data, 5).size(), 2U);
  // Not cut.
  EXPECT_EQ(Cut(data, 0).size(), 1U);
  EXPECT_EQ(Cut(data, 100).size(), 1U);
  EXPECT_EQ(DatagramSegments(data, 100).size(), 1U);
  // An empty datagram is one.
  EXPECT_EQ(Cut({}, 0), std::vector<std::string>{""});
  EXPECT_EQ(Cut({}, 7), std::vector<std::string>{""});
  EXPECT_EQ(DatagramSegments({}, 0).size(), 1U);
}

// --- Segments ----------------------------------------------------------------

CO_TEST(SendSegmentsTest, SendsDatagramsOfOneSizeAndTheRest) {
  Result<Pair> pair = MakePair();
  CO_ASSERT_OK(pair);
  struct Case {
    std::size_t bytes, segment;
  };
  // One; less than one; many; more than an entry takes; few large ones; those
  // that no entry takes two of.
  for (const Case c :
       {Case{100, 100}, Case{99, 100}, Case{1000, 100}, Case{950, 100},
        Case{20'000, 100}, Case{130, 1}, Case{60'000, 1400},
        Case{100'000, 32'000}, Case{130'000, 60'000}}) {
    const std::vector<std::byte> data = Pattern(c.bytes);
    std::size_t transferred = 7;
    CO_EXPECT_OK(
        co_await pair->sender.SendSegments(data, c.segment, &transferred));
    EXPECT_EQ(transferred, c.bytes);
    CO_EXPECT_EQ(co_await ReceiveAll(pair->receiver), Cut(data, c.segment))
        << c.bytes << " in " << c.segment;
    CO_EXPECT_OK(
        co_await pair->sender.SendSegments(pair->address, data, c.segment));
    CO_EXPECT_EQ(co_await ReceiveAll(pair->receiver), Cut(data, c.segment));
  }
}

CO_TEST(SendSegmentsTest, IsOneEntryForManyWhereTheKernelCuts) {
  if (!KernelCuts()) CO_SKIP("no UDP_SEGMENT here");
  Result<Pair> pair = MakePair();
  CO_ASSERT_OK(pair);
  const std::vector<std::byte> data = Pattern(64 * 500);
  const std::uint64_t before = Submitted();
  CO_EXPECT_OK(co_await pair->sender.SendSegments(data, 500));
  EXPECT_EQ(Submitted(), before + 1);
}

CO_TEST(SendSegmentsTest, SendsOneByOneWhereTheKernelDoesNotCut) {
  Result<Pair> pair = MakePair();
  CO_ASSERT_OK(pair);
  const std::vector<std::byte> data = Pattern(950);
  Segmentation none = Segmentation::kNone;
  const std::uint64_t before = Submitted();
  CO_EXPECT_OK(co_await SendSegments(pair->sender.fd(), none, nullptr, data,
                                     100, nullptr));
  EXPECT_EQ(Submitted(), before + 10);
  CO_EXPECT_EQ(co_await ReceiveAll(pair->receiver), Cut(data, 100));
}

// Without checksums nothing can be cut: the kernel refuses it.
CO_TEST(SendSegmentsTest, SendsOneByOneWhereTheKernelRefusesToCut) {
  Result<Pair> pair = MakePair();
  CO_ASSERT_OK(pair);
  const int on = 1;
  IO_TEST_CHECK(setsockopt(pair->sender.fd().get(), SOL_SOCKET, SO_NO_CHECK,
                           &on, sizeof on));
  const std::vector<std::byte> data = Pattern(950);
  std::size_t transferred = 0;
  const std::uint64_t entries = KernelCuts() ? 11 : 10;
  const std::uint64_t before = Submitted();
  CO_EXPECT_OK(co_await pair->sender.SendSegments(data, 100, &transferred));
  EXPECT_EQ(transferred, 950U);
  EXPECT_EQ(Submitted(), before + entries);
  CO_EXPECT_EQ(co_await ReceiveAll(pair->receiver), Cut(data, 100));
}

CO_TEST(SendSegmentsTest, RefusesSegmentsThatCannotBe) {
  Result<Pair> pair = MakePair();
  CO_ASSERT_OK(pair);
  const std::vector<std::byte> data = Pattern(200'000);
  CO_EXPECT_ERROR(co_await pair->sender.SendSegments(data, 0),
                  std::errc::invalid_argument);
  CO_EXPECT_ERROR(co_await pair->sender.SendSegments(data, 70'000),
                  std::errc::message_size);
  CO_EXPECT_OK(co_await pair->sender.SendSegments({}, 10));
  EXPECT_EQ(Readable(pair->receiver.fd()), 0U);
  CO_ASSERT_OK(pair->sender.Disconnect());
  CO_EXPECT_ERROR(co_await pair->sender.SendSegments(data, 1000),
                  std::errc::destination_address_required);
}

// What the kernel cannot send at once: a socket with little room whose
// datagrams nobody fetches is not the sender's concern, so this is stopped
// before.
CO_TEST(SendSegmentsTest, SendsNothingWhereItWasStoppedBefore) {
  Result<Pair> pair = MakePair();
  CO_ASSERT_OK(pair);
  StopSource source;
  source.RequestStop();
  const std::vector<std::byte> data = Pattern(1000);
  std::size_t transferred = 7;
  CO_EXPECT_ERROR(
      co_await WithStop(source.token(),
                        pair->sender.SendSegments(data, 100, &transferred)),
      kCanceled);
  EXPECT_EQ(transferred, 0U);
  EXPECT_EQ(Readable(pair->receiver.fd()), 0U);
}

// --- Together ----------------------------------------------------------------

CO_TEST(UdpGroTest, GivesManyDatagramsAsOne) {
  UdpOptions options;
  options.gro = true;
  Result<Pair> pair = MakePair(options);
  CO_ASSERT_OK(pair);
  const auto on = pair->receiver.options();
  CO_ASSERT_OK(on);
  if (!on->gro.value_or(false) || !KernelCuts()) CO_SKIP("no UDP_GRO here");
  const std::vector<std::byte> data = Pattern(20'050);
  CO_EXPECT_OK(co_await pair->sender.SendSegments(data, 1000));
  std::vector<std::byte> buffer(65536);
  const auto one = co_await pair->receiver.ReceiveFrom(buffer);
  CO_ASSERT_OK(one);
  EXPECT_EQ(one->size, 20'050U);
  EXPECT_EQ(one->segment_size, 1000U);
  EXPECT_EQ(Cut(std::span(buffer).first(one->size), one->segment_size),
            Cut(data, 1000));
  // One that came alone.
  CO_EXPECT_EQ(co_await pair->sender.Send(Bytes("single")), 6U);
  const auto single = co_await pair->receiver.ReceiveFrom(buffer);
  CO_ASSERT_OK(single);
  EXPECT_EQ(single->segment_size, 0U);
}

// --- Batches -----------------------------------------------------------------

CO_TEST(SendBatchTest, SendsAllWithOneSystemCall) {
  Result<Pair> pair = MakePair();
  CO_ASSERT_OK(pair);
  Result<Pair> other = MakePair();
  CO_ASSERT_OK(other);
  SendBatch batch;
  std::vector<std::string> texts;
  for (int i = 0; i < 100; ++i) texts.push_back("number " + std::to_string(i));
  for (const std::string& text : texts) {
    batch.Add(Bytes(text));
    batch.Add(other->address, Bytes(text));
  }
  EXPECT_EQ(batch.size(), 200U);
  for (int round = 0; round < 3; ++round) {
    const std::uint64_t submitted = Submitted();
    const std::uint64_t enters = Reactor::Current()->stats().enters;
    CO_EXPECT_OK(co_await pair->sender.Send(batch));
    EXPECT_EQ(Submitted(), submitted + 200);
    if (!test::InChaos()) {
      EXPECT_EQ(Reactor::Current()->stats().enters, enters + 1);
    }
    for (std::size_t i = 0; i < batch.size(); ++i) {
      EXPECT_EQ(batch.result(i), texts[i / 2].size());
    }
    CO_EXPECT_EQ(co_await ReceiveAll(pair->receiver), texts);
    CO_EXPECT_EQ(co_await ReceiveAll(other->receiver), texts);
  }
  batch.Clear();
  EXPECT_TRUE(batch.empty());
  const std::uint64_t submitted = Submitted();
  CO_EXPECT_OK(co_await pair->sender.Send(batch));
  EXPECT_EQ(Submitted(), submitted);
}

CO_TEST(SendBatchTest, TellsOfEachWhichFailed) {
  Result<Pair> pair = MakePair();
  CO_ASSERT_OK(pair);
  const std::vector<std::byte> too_long(70'000);
  const auto unix_address = SocketAddress::Parse("unix:/some/where/far");
  CO_ASSERT_OK(unix_address);
  SendBatch batch;
  batch.Add(Bytes("good"));
  batch.Add(too_long);
  batch.Add(*unix_address, Bytes("x"));
  batch.Add(Bytes("good, too"));
  CO_EXPECT_ERROR(co_await pair->sender.Send(batch), std::errc::message_size);
  EXPECT_EQ(batch.result(0), 4U);
  CO_EXPECT_ERROR(batch.result(1), std::errc::message_size);
  CO_EXPECT_ERROR(batch.result(2), std::errc::address_family_not_supported);
  EXPECT_EQ(batch.result(3), 9U);
  const std::vector<std::string> good = {"good", "good, too"};
  CO_EXPECT_EQ(co_await ReceiveAll(pair->receiver), good);
}

CO_TEST(SendBatchTest, SendsNothingWhereItWasStoppedBefore) {
  Result<Pair> pair = MakePair();
  CO_ASSERT_OK(pair);
  StopSource source;
  source.RequestStop();
  SendBatch batch;
  batch.Add(Bytes("x"));
  batch.Add(Bytes("y"));
  CO_EXPECT_ERROR(co_await WithStop(source.token(), pair->sender.Send(batch)),
                  kCanceled);
  CO_EXPECT_ERROR(batch.result(1), kCanceled);
  EXPECT_EQ(Readable(pair->receiver.fd()), 0U);
}

// Unix datagram sockets wait for room where UDP's loopback never does.
CO_TEST(SendBatchTest, IsStoppedWhereItWaitsForRoom) {
  const io_test::SocketPair sockets(SOCK_DGRAM);
  const std::string text(1000, 't');
  SendBatch batch;
  for (int i = 0; i < 1000; ++i) batch.Add(Bytes(text));
  CO_EXPECT_ERROR(co_await WithTimeout(1ms, SendBatchAwaiter(sockets.a, batch)),
                  kTimedOut);
  std::size_t sent = 0;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (batch.result(i)) {
      ++sent;
    } else {
      CO_EXPECT_ERROR(batch.result(i), kCanceled);
    }
  }
  EXPECT_GT(sent, 0U);
  EXPECT_LT(sent, 1000U);
  std::size_t received = 0;
  char buffer[1000];
  while (recv(sockets.b.get(), buffer, sizeof buffer, MSG_DONTWAIT) > 0) {
    ++received;
  }
  EXPECT_EQ(received, sent);
}

Task<void> ClearWhileSending() {
  const io_test::SocketPair sockets(SOCK_DGRAM);
  SendBatch batch;
  for (int i = 0; i < 1000; ++i) batch.Add(Bytes("text"));
  co_await io_test::InScope([&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&]() -> Task<void> {
      static_cast<void>(co_await SendBatchAwaiter(sockets.a, batch));
    });
    co_await io_test::Turn();
    batch.Clear();
  });
}

TEST(SendBatchDeathTest, IsNotChangedWhileItIsSent) {
  EXPECT_DEATH(SyncWait(ClearWhileSending()),
               "a SendBatch was changed, sent or destroyed while");
}

}  // namespace
}  // namespace eddy::net
