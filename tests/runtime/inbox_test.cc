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
  inbox_->Deliver();
  EXPECT_FALSE(inbox_->has_messages());
  inbox_->Send(three);
  inbox_->Deliver();
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
  inbox_->Deliver();
  EXPECT_EQ(delivered_, (std::vector<int>{1, 2}));
}

TEST_F(InboxTest, ABatchIsSentAtOnceAndInItsOrder) {
  std::vector<std::unique_ptr<Letter>> letters;
  std::vector<int> numbers;
  for (int i = 0; i != 10; ++i) {
    letters.push_back(std::make_unique<Letter>(delivered_, i));
    numbers.push_back(i);
  }
  MessageBatch batch;
  EXPECT_TRUE(batch.empty());
  ASSERT_TRUE(inbox_->Sleep());
  inbox_->Send(*letters[0]);
  for (std::size_t i = 1; i != 6; ++i) batch.Add(*letters[i]);
  EXPECT_FALSE(batch.empty());
  inbox_->Send(batch);
  EXPECT_TRUE(batch.empty());
  for (std::size_t i = 6; i != 10; ++i) batch.Add(*letters[i]);
  inbox_->Send(batch);
  EXPECT_EQ(Writes(), 1U);
  inbox_->Awake();
  inbox_->Deliver();
  EXPECT_EQ(delivered_, numbers);
}

// What comes at once for ever must not keep all else from its turn.
TEST_F(InboxTest, DeliversABoundedNumberAndDoesNotSleepOnTheRest) {
  constexpr int kLetters = 1000;
  std::vector<std::unique_ptr<Letter>> letters;
  for (int i = 0; i != kLetters; ++i) {
    letters.push_back(std::make_unique<Letter>(delivered_, i));
    inbox_->Send(*letters.back());
  }
  inbox_->Deliver();
  EXPECT_LT(delivered_.size(), std::size_t{kLetters});
  EXPECT_TRUE(inbox_->has_messages());
  EXPECT_FALSE(inbox_->Sleep());
  Letter last(delivered_, kLetters);
  inbox_->Send(last);
  for (int turns = 0; turns < kLetters && inbox_->has_messages(); ++turns) {
    inbox_->Deliver();
  }
  ASSERT_EQ(delivered_.size(), std::size_t{kLetters + 1});
  for (int i = 0; i <= kLetters; ++i) {
    EXPECT_EQ(delivered_[static_cast<std::size_t>(i)], i);
  }
  EXPECT_TRUE(inbox_->Sleep());
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
  inbox_->Deliver();
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
      inbox_->Deliver();
    }
  }
  sender.join();
}

}  // namespace
}  // namespace eddy::internal
