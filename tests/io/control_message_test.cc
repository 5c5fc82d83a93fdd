#include <eddy/io/control_message.h>

#include <gtest/gtest.h>
#include <netinet/in.h>

#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

namespace eddy::io_test {
namespace {

using io::ControlBuffer;
using io::ControlMessage;
using io::ControlMessages;
using io::ControlSpace;

std::vector<ControlMessage> All(std::span<const std::byte> control) {
  std::vector<ControlMessage> all;
  for (const ControlMessage& message : ControlMessages(control)) {
    all.push_back(message);
  }
  return all;
}

TEST(ControlMessageTest, GivesBackWhatWasAdded) {
  ControlBuffer<ControlSpace(sizeof(int)) + ControlSpace(1) + ControlSpace(0)>
      control;
  control.Add(SOL_IP, IP_TTL, 64);
  control.Add(SOL_IP, IP_TOS, std::uint8_t{8});
  control.Add(SOL_SOCKET, 77, std::span<const std::byte>());
  const std::vector<ControlMessage> all = All(control.data());
  ASSERT_EQ(all.size(), 3U);
  EXPECT_TRUE(all[0].Is(SOL_IP, IP_TTL));
  EXPECT_FALSE(all[0].Is(SOL_IP, IP_TOS));
  EXPECT_FALSE(all[0].Is(SOL_SOCKET, IP_TTL));
  EXPECT_EQ(all[0].As<int>(), 64);
  EXPECT_EQ(all[1].As<std::uint8_t>(), 8);
  EXPECT_EQ(all[1].As<int>(), std::nullopt);
  EXPECT_TRUE(all[2].Is(SOL_SOCKET, 77));
  EXPECT_TRUE(all[2].data.empty());
}

TEST(ControlMessageTest, IsLaidOutAsTheSystemsMacrosRead) {
  ControlBuffer<ControlSpace(1) + ControlSpace(sizeof(int))> control;
  control.Add(SOL_IP, IP_TOS, std::uint8_t{8});
  control.Add(SOL_IP, IP_TTL, 64);
  msghdr message{};
  message.msg_control = const_cast<std::byte*>(control.data().data());
  message.msg_controllen = control.size();
  cmsghdr* first = CMSG_FIRSTHDR(&message);
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(first->cmsg_type, IP_TOS);
  EXPECT_EQ(*CMSG_DATA(first), 8);
  cmsghdr* second = CMSG_NXTHDR(&message, first);
  ASSERT_NE(second, nullptr);
  EXPECT_EQ(second->cmsg_type, IP_TTL);
  EXPECT_EQ(CMSG_NXTHDR(&message, second), nullptr);
}

TEST(ControlMessageTest, IsReusedAfterClear) {
  ControlBuffer<ControlSpace(sizeof(int))> control;
  control.Add(SOL_IP, IP_TTL, 1);
  control.Clear();
  EXPECT_EQ(control.size(), 0U);
  control.Add(SOL_IP, IP_TTL, 2);
  EXPECT_EQ(All(control.data()).at(0).As<int>(), 2);
}

TEST(ControlMessageTest, GivesWhatIsThereOfAMessageThatWasCutShort) {
  ControlBuffer<ControlSpace(8)> control;
  control.Add(SOL_SOCKET, SCM_RIGHTS, std::uint64_t{5});
  const auto cut = control.data().first(CMSG_LEN(0) + 4);
  const std::vector<ControlMessage> all = All(cut);
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].data.size(), 4U);
  EXPECT_TRUE(All(control.data().first(CMSG_LEN(0) - 1)).empty());
  EXPECT_TRUE(All({}).empty());
}

TEST(ControlMessageTest, EndsAtALengthThatCannotBe) {
  for (const std::size_t length :
       {std::size_t{0}, std::size_t{1}, std::size_t{CMSG_LEN(0) - 1}}) {
    std::vector<std::byte> bytes(64);
    std::memcpy(bytes.data(), &length, sizeof length);
    EXPECT_TRUE(All(bytes).empty()) << length;
  }
  // As long as memory: what is there.
  std::vector<std::byte> bytes(64, std::byte{0xFF});
  const std::vector<ControlMessage> all = All(bytes);
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].data.size(), 64 - CMSG_LEN(0));
}

// Under the sanitizers this shows that nothing is read out of bounds.
TEST(ControlMessageTest, StaysInBoundsWhateverTheBytesAre) {
  std::mt19937 random(1);
  for (int round = 0; round < 20'000; ++round) {
    std::vector<std::byte> bytes(random() % 100);
    // Short lengths, as a peer's errors would be.
    for (std::byte& byte : bytes) {
      byte = static_cast<std::byte>(random() % 4 == 0 ? random() % 40 : 0);
    }
    std::vector<std::byte> read;
    std::size_t headers = 0;
    for (const ControlMessage& message : ControlMessages(bytes)) {
      headers += CMSG_LEN(0);
      read.insert(read.end(), message.data.begin(), message.data.end());
    }
    EXPECT_LE(headers + read.size(), bytes.size());
  }
}

TEST(ControlMessageDeathTest, NamesTheRoomThatIsMissing) {
  ControlBuffer<ControlSpace(sizeof(int))> control;
  control.Add(SOL_IP, IP_TTL, 1);
  EXPECT_DEATH(control.Add(SOL_IP, IP_TTL, 1),
               "ControlBuffer of 24 bytes has no room for a message of 4");
}

}  // namespace
}  // namespace eddy::io_test
