// Descriptors that are sent over Unix sockets: whole, in order, and none leaks,
// whatever the peer does and however little room there is. (That no test leaves
// one open is seen to by descriptor_check.cc.)
#include <eddy/net/unix_message.h>

#include "tests/chaos.h"
#include "tests/io/descriptor_limit.h"
#include "tests/io/io_test_util.h"

#include <eddy/net/unix.h>
#include <eddy/net/unix_datagram.h>
#include <eddy/net/unix_seq_packet.h>
#include <eddy/runtime/stop.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/timeout.h>
#include <eddy/runtime/with_stop.h>

#include <array>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

namespace eddy::net {
namespace {

using namespace std::chrono_literals;
using io_test::Bytes;
using io_test::Check;
using io_test::DescriptorLimit;
using io_test::Drain;
using io_test::InScope;
using io_test::OpenDescriptors;
using io_test::Pattern;
using io_test::Pipe;
using io_test::Put;
using io_test::SocketPair;
using io_test::Text;
using io_test::Turn;
using test::IsAllOrShort;

// Whether both are the same open file.
bool IsSame(int a, int b) {
  struct stat one;
  struct stat other;
  IO_TEST_CHECK(fstat(a, &one));
  IO_TEST_CHECK(fstat(b, &other));
  return one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

// Pipes, and the numbers of their readers.
struct Pipes {
  explicit Pipes(std::size_t count) : all(count) {
    for (const Pipe& pipe : all) readers.push_back(pipe.reader.get());
  }
  std::vector<Pipe> all;
  std::vector<int> readers;
};

// Sends with a plain system call, as a peer that is not eddy may.
long RawSend(const io::Fd& fd, std::string_view data, int level, int type,
             std::span<const std::byte> content) {
  std::vector<std::byte> control(CMSG_SPACE(content.size()));
  iovec part{const_cast<char*>(data.data()), data.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = level;
  header->cmsg_type = type;
  header->cmsg_len = CMSG_LEN(content.size());
  std::memcpy(CMSG_DATA(header), content.data(), content.size());
  return sendmsg(fd.get(), &message, MSG_DONTWAIT);
}

// What destructors close is closed soon.
Task<void> ExpectOpen(std::size_t count) {
  for (int i = 0; i < 1000 && OpenDescriptors() != count; ++i) co_await Turn();
  EXPECT_EQ(OpenDescriptors(), count);
}

// --- What every type of socket does ------------------------------------------

template <class Socket>
class UnixDescriptorsTest : public ::testing::Test {};

using Sockets = ::testing::Types<UnixStream, UnixSeqPacket, UnixDatagram>;
TYPED_TEST_SUITE(UnixDescriptorsTest, Sockets);

#define TYPED_CO_TEST(name)                                                    \
  template <class Socket>                                                      \
  Task<void> name##Body();                                                     \
  TYPED_TEST(UnixDescriptorsTest, name) { SyncWait(name##Body<TypeParam>()); } \
  template <class Socket>                                                      \
  Task<void> name##Body()

TYPED_CO_TEST(ArriveInTheirOrderWithTheData) {
  auto pair = Socket::Pair();
  CO_ASSERT_OK(pair);
  auto& [sender, receiver] = *pair;
  const Pipes pipes(3);
  CO_ASSERT_OK(co_await sender.SendDescriptors(pipes.readers, Bytes("hello")));
  std::array<std::byte, 16> buffer;
  Result<UnixMessage> message = co_await receiver.ReceiveDescriptors(8, buffer);
  CO_ASSERT_OK(message);
  const std::string data = Text(std::span(buffer).first(message->size));
  EXPECT_TRUE(IsAllOrShort(data, "hello")) << data;
  EXPECT_FALSE(message->truncated);
  CO_ASSERT_EQ(message->descriptors.size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) {
    const io::Fd& received = message->descriptors[i];
    EXPECT_TRUE(IsSame(received.get(), pipes.readers[i]));
    EXPECT_EQ(fcntl(received.get(), F_GETFD), FD_CLOEXEC);
    Put(pipes.all[i].writer, "through");
    EXPECT_EQ(Drain(received), "through");
  }
}

TYPED_CO_TEST(MayBeClosedByTheSenderAtOnce) {
  auto pair = Socket::Pair();
  CO_ASSERT_OK(pair);
  auto& [sender, receiver] = *pair;
  Pipe pipe;
  Put(pipe.writer, "kept");
  const int sent[] = {pipe.reader.get()};
  CO_ASSERT_OK(co_await sender.SendDescriptors(sent, Bytes("x")));
  CO_ASSERT_OK(co_await pipe.reader.Close());
  CO_ASSERT_OK(co_await pipe.writer.Close());
  std::array<std::byte, 8> buffer;
  Result<UnixMessage> message = co_await receiver.ReceiveDescriptors(1, buffer);
  CO_ASSERT_OK(message);
  CO_ASSERT_EQ(message->descriptors.size(), 1U);
  EXPECT_EQ(Drain(message->descriptors[0]), "kept");
}

TYPED_CO_TEST(AreAsManyAsTheKernelAllows) {
  auto pair = Socket::Pair();
  CO_ASSERT_OK(pair);
  auto& [sender, receiver] = *pair;
  const Pipe pipe;
  std::vector<int> many(kMaxSentDescriptors, pipe.reader.get());
  CO_ASSERT_OK(co_await sender.SendDescriptors(many, Bytes("x")));
  std::array<std::byte, 8> buffer;
  // Asking for more than there can be is as good.
  Result<UnixMessage> message =
      co_await receiver.ReceiveDescriptors(100'000, buffer);
  CO_ASSERT_OK(message);
  EXPECT_EQ(message->descriptors.size(), kMaxSentDescriptors);
  many.push_back(pipe.reader.get());
  CO_EXPECT_ERROR(co_await sender.SendDescriptors(many, Bytes("x")),
                  std::errc::invalid_argument);
}

TYPED_CO_TEST(NeedNotBeThere) {
  auto pair = Socket::Pair();
  CO_ASSERT_OK(pair);
  auto& [sender, receiver] = *pair;
  CO_ASSERT_OK(co_await sender.SendDescriptors({}, Bytes("x")));
  std::array<std::byte, 8> buffer;
  Result<UnixMessage> message = co_await receiver.ReceiveDescriptors(4, buffer);
  CO_ASSERT_OK(message);
  EXPECT_EQ(message->size, 1U);
  EXPECT_TRUE(message->descriptors.empty());
}

TYPED_CO_TEST(AreClosedWhereMoreComeThanAskedFor) {
  auto pair = Socket::Pair();
  CO_ASSERT_OK(pair);
  auto& [sender, receiver] = *pair;
  const std::size_t before = OpenDescriptors();
  const Pipe pipe;
  std::array<std::byte, 8> buffer;
  // (An odd and an even number: control data is padded to 8 bytes.)
  for (const std::size_t most : {1U, 2U, 3U, 4U, 5U, 12U, 13U, 100U}) {
    const std::vector<int> sent(most + 1, pipe.reader.get());
    CO_ASSERT_OK(co_await sender.SendDescriptors(sent, Bytes("x")));
    CO_EXPECT_ERROR(co_await receiver.ReceiveDescriptors(most, buffer),
                    std::errc::message_size);
    co_await ExpectOpen(before + 2);
  }
  // The next message is as good.
  const std::vector<int> sent(4, pipe.reader.get());
  CO_ASSERT_OK(co_await sender.SendDescriptors(sent, Bytes("x")));
  const Result<UnixMessage> message =
      co_await receiver.ReceiveDescriptors(4, buffer);
  CO_ASSERT_OK(message);
  EXPECT_EQ(message->descriptors.size(), 4U);
}

TYPED_CO_TEST(AreClosedWhereNoneIsAskedFor) {
  auto pair = Socket::Pair();
  CO_ASSERT_OK(pair);
  auto& [sender, receiver] = *pair;
  const std::size_t before = OpenDescriptors();
  const Pipes pipes(5);
  CO_ASSERT_OK(co_await sender.SendDescriptors(pipes.readers, Bytes("x")));
  std::array<std::byte, 8> buffer;
  const Result<UnixMessage> message =
      co_await receiver.ReceiveDescriptors(0, buffer);
  CO_ASSERT_OK(message);
  EXPECT_EQ(message->size, 1U);
  EXPECT_TRUE(message->descriptors.empty());
  EXPECT_EQ(OpenDescriptors(), before + 10);
}

TYPED_CO_TEST(AreClosedWhereTheProcessMayHaveNoMore) {
  EDDY_CO_SKIP_WHERE_DESCRIPTORS_ARE_NEEDED();
  auto pair = Socket::Pair();
  CO_ASSERT_OK(pair);
  auto& [sender, receiver] = *pair;
  const Pipe pipe;
  const std::vector<int> sent(4, pipe.reader.get());
  std::array<std::byte, 8> buffer;
  const std::size_t before = OpenDescriptors();
  for (const std::size_t free : {0U, 1U, 3U}) {
    CO_ASSERT_OK(co_await sender.SendDescriptors(sent, Bytes("x")));
    {
      const DescriptorLimit limit(free);
      CO_EXPECT_ERROR(co_await receiver.ReceiveDescriptors(8, buffer),
                      std::errc::too_many_files_open);
    }
    co_await ExpectOpen(before);
  }
  // And where there is just enough.
  CO_ASSERT_OK(co_await sender.SendDescriptors(sent, Bytes("x")));
  const DescriptorLimit limit(4);
  CO_EXPECT_OK(co_await receiver.ReceiveDescriptors(8, buffer));
}

TYPED_CO_TEST(MustBeOpenToBeSent) {
  auto pair = Socket::Pair();
  CO_ASSERT_OK(pair);
  auto& [sender, receiver] = *pair;
  const io_test::ClosedFd closed;
  const int sent[] = {sender.fd().get(), closed.get().get()};
  CO_EXPECT_ERROR(co_await sender.SendDescriptors(sent, Bytes("x")),
                  std::errc::bad_file_descriptor);
  const int none[] = {-1};
  CO_EXPECT_ERROR(co_await sender.SendDescriptors(none, Bytes("x")),
                  std::errc::bad_file_descriptor);
  std::array<std::byte, 8> buffer;
  CO_EXPECT_ERROR(
      co_await WithTimeout(0ms, receiver.ReceiveDescriptors(8, buffer)),
      kTimedOut);
}

TYPED_CO_TEST(MayBeTheSocketThatTheyGoThrough) {
  auto pair = Socket::Pair();
  CO_ASSERT_OK(pair);
  auto& [sender, receiver] = *pair;
  const int itself[] = {receiver.fd().get()};
  CO_ASSERT_OK(co_await sender.SendDescriptors(itself, Bytes("x")));
  std::array<std::byte, 8> buffer;
  const Result<UnixMessage> message =
      co_await receiver.ReceiveDescriptors(8, buffer);
  CO_ASSERT_OK(message);
  CO_ASSERT_EQ(message->descriptors.size(), 1U);
  EXPECT_TRUE(IsSame(message->descriptors[0].get(), receiver.fd().get()));
}

// Never received, they are closed with the sockets.
TYPED_CO_TEST(MayStayOnTheWay) {
  auto pair = Socket::Pair();
  CO_ASSERT_OK(pair);
  const Pipes pipes(2);
  CO_ASSERT_OK(
      co_await pair->first.SendDescriptors(pipes.readers, Bytes("lost")));
}

TYPED_CO_TEST(CannotBeForged) {
  auto pair = Socket::Pair();
  CO_ASSERT_OK(pair);
  auto& [sender, receiver] = *pair;
  const Pipe pipe;
  // The kernel lets no nonsense through: a type that it does not know, a number
  // that is no descriptor, half a number, another process's identity.
  EXPECT_LT(RawSend(sender.fd(), "x", SOL_SOCKET, 99, Bytes("garbage!")), 0);
  EXPECT_LT(
      RawSend(sender.fd(), "x", SOL_SOCKET, SCM_RIGHTS, io_test::Pattern(8)),
      0);
  const int reader = pipe.reader.get();
  // Of another level it is not for this socket, and goes nowhere.
  EXPECT_EQ(RawSend(sender.fd(), "1", SOL_IP, SCM_RIGHTS, Bytes("garbage!")),
            1);
  // Half a number is none.
  const auto number = std::as_bytes(std::span(&reader, 1));
  EXPECT_EQ(RawSend(sender.fd(), "2", SOL_SOCKET, SCM_RIGHTS,
                    number.first(sizeof reader - 1)),
            1);
  // Credentials that nobody asked for are not handed out.
  const ucred self{getpid(), geteuid(), getegid()};
  EXPECT_EQ(RawSend(sender.fd(), "3", SOL_SOCKET, SCM_CREDENTIALS,
                    std::as_bytes(std::span(&self, 1))),
            1);
  EXPECT_EQ(RawSend(sender.fd(), "4", SOL_SOCKET, SCM_RIGHTS, number), 1);
  std::string data;
  std::size_t descriptors = 0;
  std::array<std::byte, 8> buffer;
  while (data.size() < 4) {
    const Result<UnixMessage> message =
        co_await receiver.ReceiveDescriptors(8, buffer);
    CO_ASSERT_OK(message);
    CO_ASSERT_NE(message->size, 0U);
    data += Text(std::span(buffer).first(message->size));
    descriptors += message->descriptors.size();
  }
  EXPECT_EQ(data, "1234");
  EXPECT_EQ(descriptors, 1U);
}

TYPED_CO_TEST(StopBeforeTheyCome) {
  auto pair = Socket::Pair();
  CO_ASSERT_OK(pair);
  auto& [sender, receiver] = *pair;
  std::array<std::byte, 8> buffer;
  CO_EXPECT_ERROR(
      co_await WithTimeout(1ms, receiver.ReceiveDescriptors(8, buffer)),
      kTimedOut);
  const Pipe pipe;
  const int sent[] = {pipe.reader.get()};
  CO_ASSERT_OK(co_await sender.SendDescriptors(sent, Bytes("x")));
  const Result<UnixMessage> message =
      co_await receiver.ReceiveDescriptors(8, buffer);
  CO_ASSERT_OK(message);
  EXPECT_EQ(message->descriptors.size(), 1U);
}

// A stop that races the message: it is the result, or it is there for the next
// receive.
TYPED_CO_TEST(AreNotLostWhereAStopRacesThem) {
  auto pair = Socket::Pair();
  CO_ASSERT_OK(pair);
  auto& [sender, receiver] = *pair;
  const Pipe pipe;
  const int sent[] = {pipe.reader.get()};
  const std::size_t before = OpenDescriptors();
  for (int round = 0; round < 200; ++round) {
    StopSource source;
    std::array<std::byte, 8> buffer;
    std::size_t received = 0;
    co_await InScope([&](TaskScope& scope) -> Task<void> {
      scope.Spawn([&]() -> Task<void> {
        for (int i = 0; i < round % 4; ++i) co_await Turn();
        if (round % 3 == 0) source.RequestStop();
        CO_EXPECT_OK(co_await sender.SendDescriptors(sent, Bytes("x")));
        if (round % 3 == 1) source.RequestStop();
        co_await Turn();
        source.RequestStop();
      });
      const Result<UnixMessage> message = co_await WithStop(
          source.token(), receiver.ReceiveDescriptors(8, buffer));
      if (message) {
        received += message->descriptors.size();
      } else {
        CO_EXPECT_ERROR(message, kCanceled);
      }
    });
    if (received == 0) {
      const Result<UnixMessage> message =
          co_await receiver.ReceiveDescriptors(8, buffer);
      CO_ASSERT_OK(message);
      received += message->descriptors.size();
    }
    CO_ASSERT_EQ(received, 1U) << "in round " << round;
  }
  co_await ExpectOpen(before);
}

// --- On streams --------------------------------------------------------------

CO_TEST(UnixStreamDescriptorsTest, ComeWithTheFirstByteOfTheirData) {
  auto pair = UnixStream::Pair();
  CO_ASSERT_OK(pair);
  auto& [sender, receiver] = *pair;
  const Pipe pipe;
  const int sent[] = {pipe.reader.get()};
  CO_ASSERT_OK(co_await sender.SendDescriptors({}, Bytes("before")));
  CO_ASSERT_OK(co_await sender.SendDescriptors(sent, Bytes("with")));
  CO_ASSERT_OK(co_await sender.SendDescriptors({}, Bytes("after")));
  std::string data;
  std::vector<std::pair<std::size_t, std::size_t>> with;
  std::array<std::byte, 2> buffer;
  while (data.size() < 15) {
    const Result<UnixMessage> message =
        co_await receiver.ReceiveDescriptors(8, buffer);
    CO_ASSERT_OK(message);
    if (!message->descriptors.empty()) {
      with.emplace_back(data.size(), data.size() + message->size);
    }
    data += Text(std::span(buffer).first(message->size));
  }
  EXPECT_EQ(data, "beforewithafter");
  // Bytes that were sent before may come along.
  CO_ASSERT_EQ(with.size(), 1U);
  EXPECT_LE(with[0].first, 6U);
  EXPECT_GT(with[0].second, 6U);
  EXPECT_LE(with[0].second, 10U);
}

CO_TEST(UnixStreamDescriptorsTest, AreClosedByAPlainRead) {
  auto pair = UnixStream::Pair();
  CO_ASSERT_OK(pair);
  auto& [sender, receiver] = *pair;
  const Pipe pipe;
  const int sent[] = {pipe.reader.get()};
  const std::size_t before = OpenDescriptors();
  CO_ASSERT_OK(co_await sender.SendDescriptors(sent, Bytes("x")));
  std::array<std::byte, 8> buffer;
  CO_EXPECT_EQ(co_await receiver.Read(buffer), 1U);
  EXPECT_EQ(OpenDescriptors(), before);
}

CO_TEST(UnixStreamDescriptorsTest, NeedAByte) {
  auto pair = UnixStream::Pair();
  CO_ASSERT_OK(pair);
  auto& [sender, receiver] = *pair;
  const Pipe pipe;
  const int sent[] = {pipe.reader.get()};
  std::size_t transferred = 99;
  CO_EXPECT_ERROR(co_await sender.SendDescriptors(sent, {}, &transferred),
                  std::errc::invalid_argument);
  EXPECT_EQ(transferred, 0U);
  CO_EXPECT_ERROR(co_await receiver.ReceiveDescriptors(1, {}),
                  std::errc::invalid_argument);
}

CO_TEST(UnixStreamDescriptorsTest, GoOnceWithDataThatDoesNotFit) {
  auto pair = UnixStream::Pair();
  CO_ASSERT_OK(pair);
  auto& [sender, receiver] = *pair;
  const Pipe pipe;
  const std::vector<int> sent(3, pipe.reader.get());
  const std::vector<std::byte> data = Pattern(4 << 20);
  std::size_t transferred = 0;
  std::size_t descriptors = 0;
  std::vector<std::byte> got;
  co_await InScope([&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&]() -> Task<void> {
      CO_EXPECT_OK(co_await sender.SendDescriptors(sent, data, &transferred));
      CO_EXPECT_OK(co_await sender.Shutdown());
    });
    std::vector<std::byte> buffer(64 * 1024);
    while (true) {
      const Result<UnixMessage> message =
          co_await receiver.ReceiveDescriptors(8, buffer);
      CO_ASSERT_OK(message);
      if (message->size == 0) break;
      if (!message->descriptors.empty()) {
        EXPECT_TRUE(got.empty());
      }
      descriptors += message->descriptors.size();
      got.insert(got.end(), buffer.begin(),
                 buffer.begin() + static_cast<std::ptrdiff_t>(message->size));
    }
  });
  EXPECT_EQ(transferred, data.size());
  EXPECT_TRUE(got == data);
  EXPECT_EQ(descriptors, 3U);
}

CO_TEST(UnixStreamDescriptorsTest, TellHowMuchWentWhereStopped) {
  auto pair = UnixStream::Pair();
  CO_ASSERT_OK(pair);
  auto& [sender, receiver] = *pair;
  const Pipe pipe;
  const int sent[] = {pipe.reader.get()};
  const std::vector<std::byte> data = Pattern(4 << 20);
  std::size_t transferred = 0;
  CO_EXPECT_ERROR(co_await WithTimeout(
                      10ms, sender.SendDescriptors(sent, data, &transferred)),
                  kTimedOut);
  EXPECT_GT(transferred, 0U);
  EXPECT_LT(transferred, data.size());
  EXPECT_EQ(io_test::Drain(receiver.fd()),
            Text(std::span(data).first(transferred)));
}

CO_TEST(UnixStreamDescriptorsTest, EndWithTheStream) {
  auto pair = UnixStream::Pair();
  CO_ASSERT_OK(pair);
  CO_ASSERT_OK(co_await pair->first.Close());
  std::array<std::byte, 8> buffer;
  const Result<UnixMessage> end =
      co_await pair->second.ReceiveDescriptors(1, buffer);
  CO_ASSERT_OK(end);
  EXPECT_EQ(end->size, 0U);
  const int sent[] = {0};
  CO_EXPECT_ERROR(co_await pair->second.SendDescriptors(sent, Bytes("x")),
                  std::errc::broken_pipe);
}

// What is not a Unix socket carries none.
CO_TEST(UnixStreamDescriptorsTest, NeedAUnixSocket) {
  UnixStream none;
  const int sent[] = {0};
  std::array<std::byte, 8> buffer;
  CO_EXPECT_ERROR(co_await none.SendDescriptors(sent, Bytes("x")),
                  std::errc::bad_file_descriptor);
  CO_EXPECT_ERROR(co_await none.ReceiveDescriptors(1, buffer),
                  std::errc::bad_file_descriptor);
  Pipe pipe;
  UnixStream other(std::move(pipe.reader));
  CO_EXPECT_ERROR(co_await other.ReceiveDescriptors(1, buffer),
                  std::errc::not_a_socket);
}

}  // namespace
}  // namespace eddy::net
