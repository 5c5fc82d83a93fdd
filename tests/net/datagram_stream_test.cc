#include <eddy/net/datagram_stream.h>

#include "tests/chaos.h"
#include "tests/io/io_test_util.h"

#include <eddy/net/udp.h>
#include <eddy/runtime/stop.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/timeout.h>
#include <eddy/runtime/with_stop.h>

#include <net/if.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace eddy::net {
namespace {

using namespace std::chrono_literals;
using io_test::Bytes;
using io_test::InScope;
using io_test::Pattern;
using io_test::Readable;
using io_test::Submitted;
using io_test::Text;
using io_test::Turn;

// With a kernel that picks buffers, and with one that cannot.
class DatagramStreamTest : public ::testing::TestWithParam<bool> {
 protected:
  static Result<io::BufferPool> Pool(std::size_t most_bytes = 2048,
                                     unsigned most_buffers = 64) {
    io::BufferPoolOptions options = DatagramPoolOptions(most_bytes);
    options.first_buffers = 2;
    options.most_buffers = most_buffers;
    options.kernel_picks = GetParam();
    return io::BufferPool::Create(options);
  }
};
INSTANTIATE_TEST_SUITE_P(Kernels, DatagramStreamTest, ::testing::Bool(),
                         [](const auto& kernel) {
                           return kernel.param ? "Picks" : "DoesNotPick";
                         });

// A receiver and one that sends to it.
struct Pair {
  UdpSocket receiver;
  UdpSocket sender;
  SocketAddress address;
};

std::unique_ptr<Pair> MakePair(UdpOptions options = {}) {
  auto pair = std::make_unique<Pair>();
  auto receiver = UdpSocket::Bind(SocketAddress::LoopbackV4(0), options);
  EXPECT_TRUE(receiver.has_value());
  pair->receiver = *std::move(receiver);
  pair->address = *pair->receiver.local_address();
  auto sender = UdpSocket::Connect(pair->address);
  EXPECT_TRUE(sender.has_value());
  pair->sender = *std::move(sender);
  return pair;
}

void Put(Pair& pair, std::string_view text) {
  IO_TEST_CHECK(send(pair.sender.fd().get(), text.data(), text.size(), 0));
}

Result<DatagramStream> Stream(Pair& pair, const Result<io::BufferPool>& pool,
                              std::size_t most_waiting = 64 * 1024) {
  if (!pool) return Unexpected(pool.error());
  DatagramStreamOptions options;
  options.pool = *pool;
  options.most_waiting = most_waiting;
  return pair.receiver.Incoming(options);
}

// --- Datagrams ---------------------------------------------------------------

Task<void> GivesEach(Result<io::BufferPool> pool) {
  const auto pair = MakePair();
  Result<DatagramStream> stream = Stream(*pair, pool);
  CO_ASSERT_OK(stream);
  const auto sender = pair->sender.local_address();
  for (int i = 0; i < 300; ++i) {
    Put(*pair, std::to_string(i));
    if (i % 3 != 0) continue;
    for (int j = i == 0 ? 0 : i - 2; j <= i; ++j) {
      const Result<Datagram> one = co_await stream->Next();
      CO_ASSERT_OK(one);
      EXPECT_EQ(Text(one->data()), std::to_string(j));
      EXPECT_EQ(one->size(), std::to_string(j).size());
      EXPECT_EQ(one->from(), *sender);
      EXPECT_FALSE(one->truncated());
      EXPECT_EQ(one->segment_size(), 0U);
      EXPECT_EQ(one->dropped(), 0U);
      EXPECT_FALSE(one->packet_info().has_value());
    }
  }
}
TEST_P(DatagramStreamTest, GivesEachDatagramInOrder) {
  SyncWait([]() -> Task<void> { co_await GivesEach(Pool()); }());
}

CO_TEST(DatagramsTest, UsesAPoolOfTheReactorsOwn) {
  const auto pair = MakePair();
  const auto other = MakePair();
  Result<DatagramStream> stream = pair->receiver.Incoming();
  Result<DatagramStream> second = other->receiver.Incoming();
  CO_ASSERT_OK(stream);
  CO_ASSERT_OK(second);
  // The largest there is.
  const std::vector<std::byte> data = Pattern(UdpSocket::kMostBytes);
  CO_EXPECT_EQ(co_await pair->sender.Send(data), data.size());
  Put(*other, "small");
  const Result<Datagram> large = co_await stream->Next();
  CO_ASSERT_OK(large);
  EXPECT_FALSE(large->truncated());
  EXPECT_EQ(Text(large->data()), Text(data));
  const Result<Datagram> small = co_await second->Next();
  CO_ASSERT_OK(small);
  EXPECT_EQ(Text(small->data()), "small");
}

CO_TEST(DatagramsTest, TakesNoEntryForEachDatagram) {
  EDDY_CO_SKIP_IN_CHAOS("under chaos: a multishot receive may end");
  const auto pair = MakePair();
  Result<DatagramStream> stream = pair->receiver.Incoming();
  CO_ASSERT_OK(stream);
  Put(*pair, "first");
  CO_ASSERT_OK(co_await stream->Next());
  const std::uint64_t before = Submitted();
  for (int i = 0; i < 50; ++i) {
    Put(*pair, "next");
    CO_ASSERT_OK(co_await stream->Next());
    // Does something else in between, as a server does.
    co_await Turn();
  }
  EXPECT_EQ(Submitted(), before);
  EXPECT_EQ(Reactor::Current()->stats().cancels, 0u);
}

Task<void> Empty(Result<io::BufferPool> pool) {
  const auto pair = MakePair();
  Result<DatagramStream> stream = Stream(*pair, pool);
  CO_ASSERT_OK(stream);
  for (const char* text : {"", "", "after", ""}) Put(*pair, text);
  for (const char* text : {"", "", "after", ""}) {
    const Result<Datagram> one = co_await stream->Next();
    CO_ASSERT_OK(one);
    EXPECT_EQ(Text(one->data()), text);
    EXPECT_EQ(one->from(), *pair->sender.local_address());
  }
}
TEST_P(DatagramStreamTest, GivesEmptyDatagramsWithTheirSender) {
  SyncWait([]() -> Task<void> { co_await Empty(Pool()); }());
}

Task<void> Truncated(Result<io::BufferPool> pool) {
  CO_ASSERT_OK(pool);
  const auto pair = MakePair();
  Result<DatagramStream> stream = Stream(*pair, pool);
  CO_ASSERT_OK(stream);
  const std::string longer(5000, 'l');
  Put(*pair, longer);
  Put(*pair, "short");
  const Result<Datagram> cut = co_await stream->Next();
  CO_ASSERT_OK(cut);
  EXPECT_TRUE(cut->truncated());
  EXPECT_GE(cut->size(), 100U);
  EXPECT_LT(cut->size(), longer.size());
  EXPECT_EQ(Text(cut->data()), longer.substr(0, cut->size()));
  const Result<Datagram> whole = co_await stream->Next();
  CO_ASSERT_OK(whole);
  EXPECT_FALSE(whole->truncated());
  EXPECT_EQ(Text(whole->data()), "short");
}
TEST_P(DatagramStreamTest, TellsWhatItsBuffersCut) {
  SyncWait([]() -> Task<void> { co_await Truncated(Pool(100)); }());
}

Task<void> Info(Result<io::BufferPool> pool) {
  UdpOptions options;
  options.packet_info = true;
  const auto pair = MakePair(options);
  Result<DatagramStream> stream = Stream(*pair, pool);
  CO_ASSERT_OK(stream);
  Put(*pair, "x");
  const Result<Datagram> one = co_await stream->Next();
  CO_ASSERT_OK(one);
  const auto info = one->packet_info();
  CO_ASSERT_TRUE(info.has_value());
  EXPECT_EQ(info->destination, SocketAddress::LoopbackV4(0));
  EXPECT_EQ(info->interface, if_nametoindex("lo"));
}
TEST_P(DatagramStreamTest, TellsWhereADatagramCameIn) {
  SyncWait([]() -> Task<void> { co_await Info(Pool()); }());
}

Task<void> Segments(Result<io::BufferPool> pool) {
  UdpOptions options;
  options.gro = true;
  options.receive_buffer = 1 << 20;
  const auto pair = MakePair(options);
  Result<DatagramStream> stream = Stream(*pair, pool);
  CO_ASSERT_OK(stream);
  const std::vector<std::byte> data = Pattern(30'500);
  CO_EXPECT_OK(co_await pair->sender.SendSegments(data, 1000));
  // Together or not.
  std::string all;
  std::size_t count = 0;
  while (all.size() < data.size()) {
    const Result<Datagram> one = co_await stream->Next();
    CO_ASSERT_OK(one);
    for (const std::span<const std::byte> segment : one->segments()) {
      EXPECT_EQ(segment.size(), count == 30 ? 500U : 1000U);
      all += Text(segment);
      ++count;
    }
  }
  EXPECT_EQ(count, 31U);
  EXPECT_EQ(all, Text(data));
}
TEST_P(DatagramStreamTest, GivesTheSegmentsOfWhatCameAsOne) {
  SyncWait([]() -> Task<void> { co_await Segments(Pool(65535)); }());
}

// --- Bounds ------------------------------------------------------------------

// Nobody takes: what is received ahead is bounded, the rest is still in the
// socket, and comes in order.
Task<void> Bounded(Result<io::BufferPool> pool) {
  CO_ASSERT_OK(pool);
  UdpOptions options;
  options.receive_buffer = 1 << 20;
  const auto pair = MakePair(options);
  Result<DatagramStream> stream = Stream(*pair, pool, 2000);
  CO_ASSERT_OK(stream);
  Put(*pair, "0");
  CO_ASSERT_OK(co_await stream->Next());
  for (int i = 1; i <= 200; ++i) {
    Put(*pair, std::to_string(i));
    co_await Turn();
  }
  for (int i = 0; i < 10; ++i) co_await Turn();
  // 2000 bytes are about 11 datagrams with what is said of them.
  EXPECT_LT(pool->lent(), 40U);
  EXPECT_GT(Readable(pair->receiver.fd()), 0U);
  for (int i = 1; i <= 200; ++i) {
    const Result<Datagram> one = co_await stream->Next();
    CO_ASSERT_OK(one);
    EXPECT_EQ(Text(one->data()), std::to_string(i));
    EXPECT_EQ(one->dropped(), 0U);
  }
}
TEST_P(DatagramStreamTest, ReceivesNoMoreAheadThanItMay) {
  SyncWait([]() -> Task<void> { co_await Bounded(Pool(100, 64)); }());
}

// Every buffer is lent: the next datagram waits until one comes back.
Task<void> Exhausted(Result<io::BufferPool> pool) {
  CO_ASSERT_OK(pool);
  const auto pair = MakePair();
  Result<DatagramStream> stream = Stream(*pair, pool);
  CO_ASSERT_OK(stream);
  for (int i = 0; i < 10; ++i) Put(*pair, std::to_string(i));
  std::vector<Datagram> held;
  for (int i = 0; i < 4; ++i) {
    Result<Datagram> one = co_await stream->Next();
    CO_ASSERT_OK(one);
    held.push_back(*std::move(one));
  }
  CO_EXPECT_ERROR(co_await WithTimeout(1ms, stream->Next()), kTimedOut);
  bool gave_back = false;
  co_await InScope([&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&]() -> Task<void> {
      for (int i = 0; i < 5; ++i) co_await Turn();
      gave_back = true;
      held.erase(held.begin());
    });
    const Result<Datagram> one = co_await stream->Next();
    CO_ASSERT_OK(one);
    EXPECT_TRUE(gave_back);
    EXPECT_EQ(Text(one->data()), "4");
  });
  for (int i = 5; i < 10; ++i) {
    const Result<Datagram> one = co_await stream->Next();
    CO_ASSERT_OK(one);
    EXPECT_EQ(Text(one->data()), std::to_string(i));
  }
  EXPECT_EQ(Text(held[0].data()), "1");
}
TEST_P(DatagramStreamTest, WaitsForABufferToComeBack) {
  SyncWait([]() -> Task<void> { co_await Exhausted(Pool(100, 4)); }());
}

// A peer that sends more than anyone takes: nothing is lost in silence.
Task<void> Flood(Result<io::BufferPool> pool) {
  UdpOptions options;
  options.receive_buffer = 8192;
  const auto pair = MakePair(options);
  Result<DatagramStream> stream = Stream(*pair, pool, 4000);
  CO_ASSERT_OK(stream);
  constexpr std::uint32_t kSent = 1000;
  const std::string flood(100, 'f');
  for (std::uint32_t i = 0; i < kSent; ++i) {
    Put(*pair, flood);
    if (i % 50 == 0) co_await Turn();
  }
  const auto dropped = pair->receiver.dropped();
  CO_ASSERT_OK(dropped);
  EXPECT_GT(*dropped, 0U);
  Put(*pair, "last");
  std::uint32_t received = 0;
  while (true) {
    const Result<Datagram> one = co_await WithTimeout(10s, stream->Next());
    CO_ASSERT_OK(one);
    // (It may itself have been dropped.)
    if (Text(one->data()) == "last") {
      EXPECT_EQ(one->dropped(), *dropped);
      break;
    }
    if (++received + *dropped == kSent && Readable(pair->receiver.fd()) == 0) {
      break;
    }
  }
  EXPECT_EQ(received + *dropped, kSent);
}
TEST_P(DatagramStreamTest, CountsWhatAFloodMadeTheSocketDrop) {
  SyncWait([]() -> Task<void> { co_await Flood(Pool(200, 16)); }());
}

// --- Lifetime and stop -------------------------------------------------------

Task<void> StopLosesNone(Result<io::BufferPool> pool) {
  const auto pair = MakePair();
  Result<DatagramStream> stream = Stream(*pair, pool);
  CO_ASSERT_OK(stream);
  int next = 0;
  const auto take = [&](const Result<Datagram>& one) {
    if (!one) {
      CO_EXPECT_ERROR(one, kCanceled);
      return;
    }
    EXPECT_EQ(Text(one->data()), std::to_string(next));
    ++next;
  };
  for (int round = 0; round < 200; ++round) {
    StopSource source;
    co_await InScope([&](TaskScope& scope) -> Task<void> {
      scope.Spawn([&, round]() -> Task<void> {
        for (int i = 0; i < round / 4 % 3; ++i) co_await Turn();
        if (round % 4 != 0) Put(*pair, std::to_string(round));
        if (round % 4 == 2) co_await Turn();
        source.RequestStop();
        if (round % 4 == 0) Put(*pair, std::to_string(round));
      });
      take(co_await WithStop(source.token(), stream->Next()));
    });
  }
  while (next < 200) {
    const Result<Datagram> one = co_await WithTimeout(10s, stream->Next());
    CO_ASSERT_OK(one);
    take(one);
  }
}
TEST_P(DatagramStreamTest, LosesNoDatagramWhereItIsStopped) {
  SyncWait([]() -> Task<void> { co_await StopLosesNone(Pool()); }());
}

Task<void> Outlive(Result<io::BufferPool> pool) {
  CO_ASSERT_OK(pool);
  std::optional<Datagram> kept;
  {
    const auto pair = MakePair();
    Result<DatagramStream> stream = Stream(*pair, pool);
    CO_ASSERT_OK(stream);
    for (const char* text : {"kept", "never", "asked"}) Put(*pair, text);
    Result<Datagram> one = co_await stream->Next();
    CO_ASSERT_OK(one);
    kept = *std::move(one);
    // Those that it has received ahead go with it.
  }
  for (int i = 0; i < 100 && pool->lent() != 1; ++i) co_await Turn();
  EXPECT_EQ(pool->lent(), 1U);
  EXPECT_EQ(Text(kept->data()), "kept");
  kept.reset();
  EXPECT_EQ(pool->lent(), 0U);
}
TEST_P(DatagramStreamTest, IsOutlivedByItsDatagrams) {
  SyncWait([]() -> Task<void> { co_await Outlive(Pool()); }());
}

TEST_P(DatagramStreamTest, EndsWithTheReactorWhileItReceives) {
  SyncWait([]() -> Task<void> {
    const auto pair = MakePair();
    Result<DatagramStream> stream = Stream(*pair, Pool());
    CO_ASSERT_OK(stream);
    Put(*pair, "x");
    CO_ASSERT_OK(co_await stream->Next());
    Put(*pair, "y");
  }());
}

// --- Errors ------------------------------------------------------------------

// A connected socket hears that nobody has the port, and the stream goes on.
Task<void> Refused(Result<io::BufferPool> pool) {
  CO_ASSERT_OK(pool);
  auto socket = UdpSocket::Bind(SocketAddress::LoopbackV4(0));
  CO_ASSERT_OK(socket);
  auto peer = UdpSocket::Bind(SocketAddress::LoopbackV4(0));
  CO_ASSERT_OK(peer);
  const auto address = peer->local_address();
  CO_ASSERT_OK(address);
  CO_ASSERT_OK(co_await peer->Close());
  CO_ASSERT_OK(socket->ConnectTo(*address));
  DatagramStreamOptions options;
  options.pool = *pool;
  Result<DatagramStream> stream = socket->Incoming(options);
  CO_ASSERT_OK(stream);
  for (int i = 0; i < 3; ++i) {
    CO_EXPECT_EQ(co_await socket->Send(Bytes("anyone?")), 7U);
    CO_EXPECT_ERROR(co_await stream->Next(), std::errc::connection_refused);
  }
  // Now there is somebody.
  peer = UdpSocket::Bind(*address);
  CO_ASSERT_OK(peer);
  const auto own = socket->local_address();
  CO_ASSERT_OK(own);
  CO_EXPECT_EQ(co_await peer->SendTo(*own, Bytes("I am")), 4U);
  const Result<Datagram> one = co_await stream->Next();
  CO_ASSERT_OK(one);
  EXPECT_EQ(Text(one->data()), "I am");
}
TEST_P(DatagramStreamTest, GoesOnAfterARefusal) {
  SyncWait([]() -> Task<void> { co_await Refused(Pool()); }());
}

TEST_P(DatagramStreamTest, GivesTheErrorsOfTheSystemCall) {
  SyncWait([]() -> Task<void> {
    const io::Fd none;
    const auto pool = Pool();
    CO_ASSERT_OK(pool);
    DatagramStreamOptions options;
    options.pool = *pool;
    Result<DatagramStream> stream = DatagramStream::Create(none, options);
    CO_ASSERT_OK(stream);
    CO_EXPECT_ERROR(co_await stream->Next(), std::errc::bad_file_descriptor);
    CO_EXPECT_ERROR(co_await stream->Next(), std::errc::bad_file_descriptor);
  }());
}

CO_TEST(DatagramsTest, RefusesPoolsThatWouldCutDatagrams) {
  const auto pair = MakePair();
  io::BufferPoolOptions parts = DatagramPoolOptions(100);
  parts.incremental = true;
  const auto in_parts = io::BufferPool::Create(parts);
  CO_ASSERT_OK(in_parts);
  if (in_parts->store().incremental()) {
    CO_EXPECT_ERROR(Stream(*pair, in_parts), std::errc::invalid_argument);
  }
  io::BufferPoolOptions small = DatagramPoolOptions(100);
  small.buffer_size = 64;
  CO_EXPECT_ERROR(Stream(*pair, io::BufferPool::Create(small)),
                  std::errc::invalid_argument);
  CO_EXPECT_ERROR(
      Stream(*pair, io::BufferPool::Create(DatagramPoolOptions(100)), 0),
      std::errc::invalid_argument);
}

// What a Datagram says of bytes that the kernel would never give.
TEST(DatagramTest, StaysInBoundsWhateverTheBytesAre) {
  const Datagram none((io::Buffer()));
  EXPECT_TRUE(none.data().empty());
  EXPECT_EQ(none.from(), SocketAddress());
  EXPECT_FALSE(none.truncated());
  EXPECT_EQ(none.segment_size(), 0U);
  EXPECT_FALSE(none.packet_info().has_value());
}

}  // namespace
}  // namespace eddy::net
