// Inbox: messages from other threads, and who is woken for them.
#include <eddy/runtime/inbox.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace eddy::internal {
namespace {

class Letter final : public Message {
 public:
  Letter(std::vector<int>& out, int number) : out_(out), number_(number) {}
  void Deliver() noexcept override { out_.push_back(number_); }

 private:
  std::vector<int>& out_;
  const int number_;
};

std::set<int> EventFds() {
  std::set<int> fds;
  for (const auto& entry :
       std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code error;
    const auto target = std::filesystem::read_symlink(entry, error);
    if (target == "anon_inode:[eventfd]") {
      fds.insert(std::stoi(entry.path().filename()));
    }
  }
  return fds;
}

class InboxTest : public testing::Test {
 protected:
  InboxTest() {
    const std::set<int> before = EventFds();
    inbox_ = Inbox::Create().value();
    for (const int fd : EventFds()) {
      if (!before.contains(fd)) event_fd_ = fd;
    }
  }

  // How often it was written since it was asked.
  std::uint64_t Writes() {
    pollfd ready{event_fd_, POLLIN, 0};
    if (poll(&ready, 1, 0) == 0) return 0;
    eventfd_t count = 0;
    EXPECT_EQ(eventfd_read(event_fd_, &count), 0);
    return count;
  }

  std::shared_ptr<Inbox> inbox_;
  int event_fd_ = -1;
  std::vector<int> delivered_;
};

TEST_F(InboxTest, DeliversInOrderAndWakesNobodyWhoIsAwake) {
  Letter one(delivered_, 1);
  Letter two(delivered_, 2);
  Letter three(delivered_, 3);
  inbox_->Send(one);
  inbox_->Send(two);
  EXPECT_TRUE(inbox_->has_messages());
  EXPECT_TRUE(delivered_.empty());
  inbox_->DeliverAll();
  EXPECT_FALSE(inbox_->has_messages());
  inbox_->Send(three);
  inbox_->DeliverAll();
  EXPECT_EQ(delivered_, (std::vector<int>{1, 2, 3}));
  EXPECT_EQ(Writes(), 0U);
}

TEST_F(InboxTest, WakesOnceForABatch) {
  Letter one(delivered_, 1);
  Letter two(delivered_, 2);
  ASSERT_TRUE(inbox_->Sleep());
  inbox_->Send(one);
  EXPECT_EQ(Writes(), 1U);
  inbox_->Send(two);
  EXPECT_EQ(Writes(), 0U);
  inbox_->Awake();
  inbox_->DeliverAll();
  EXPECT_EQ(delivered_, (std::vector<int>{1, 2}));
}

TEST_F(InboxTest, DoesNotSleepOnAMessage) {
  Letter one(delivered_, 1);
  Letter two(delivered_, 2);
  inbox_->Send(one);
  EXPECT_FALSE(inbox_->Sleep());
  // It has not slept, so that nobody has to wake it.
  inbox_->Send(two);
  EXPECT_EQ(Writes(), 0U);
}

TEST_F(InboxTest, AnAwakeOneIsNotWokenAfterASleep) {
  Letter one(delivered_, 1);
  ASSERT_TRUE(inbox_->Sleep());
  inbox_->Awake();
  inbox_->Send(one);
  EXPECT_EQ(Writes(), 0U);
  inbox_->DeliverAll();
}

// Either the sender wakes the sleeper, or that sees the message.
TEST_F(InboxTest, NoMessageWaitsForASleeper) {
  constexpr int kRounds = 20'000;
  std::vector<std::unique_ptr<Letter>> letters;
  for (int i = 0; i != kRounds; ++i) {
    letters.push_back(std::make_unique<Letter>(delivered_, i));
  }
  std::atomic<int> round = -1;
  std::thread sender([&] {
    for (int i = 0; i != kRounds; ++i) {
      while (round < i) {
      }
      inbox_->Send(*letters[static_cast<std::size_t>(i)]);
    }
  });
  for (int i = 0; i != kRounds; ++i) {
    round = i;
    while (delivered_.size() <= static_cast<std::size_t>(i)) {
      if (inbox_->Sleep()) {
        pollfd ready{event_fd_, POLLIN, 0};
        ASSERT_EQ(poll(&ready, 1, 60'000), 1) << "asleep for ever";
        Writes();
      }
      inbox_->Awake();
      inbox_->DeliverAll();
    }
  }
  sender.join();
}

}  // namespace
}  // namespace eddy::internal
