// Publisher, Subscriber: what Broadcast and Watch share. A publisher counts
// what it has published; a subscriber knows how far it has seen that, and waits
// for more. So what is published while a subscriber is busy is not missed.
#ifndef EDDY_RUNTIME_SUBSCRIPTION_H_
#define EDDY_RUNTIME_SUBSCRIPTION_H_

#include <eddy/runtime/misuse.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/wait_list.h>

#include <cstddef>
#include <cstdint>
#include <utility>

namespace eddy::internal {

class SubscriberWait;

class Publisher {
 public:
  Publisher(const Publisher&) = delete;
  Publisher& operator=(const Publisher&) = delete;

  bool is_closed() const noexcept { return closed_; }
  // How many receivers there are.
  std::size_t receivers() const noexcept { return subscribers_; }

  // Says that nothing more will come. A second call does nothing.
  inline void Close() noexcept;

 protected:
  Publisher() noexcept = default;
  ~Publisher() {
    if (subscribers_ != 0) [[unlikely]] {
      Misuse(
          "a Broadcast or a Watch was destroyed while it has receivers; they "
          "have to go first");
    }
  }

  std::uint64_t published() const noexcept { return published_; }
  // One more; wakes those that wait.
  inline void Publish() noexcept;

 private:
  friend class Subscriber;
  friend class SubscriberWait;

  inline void WakeAll() noexcept;

  WaitList<SubscriberWait> waiting_;
  std::uint64_t published_ = 0;
  std::size_t subscribers_ = 0;
  bool closed_ = false;
};

class Subscriber {
 public:
  Subscriber(Subscriber&& other) noexcept
      : publisher_(std::exchange(other.publisher_, nullptr)),
        seen_(other.seen_) {
    other.ExpectNotAwaited("moved");
  }
  ~Subscriber() {
    ExpectNotAwaited("destroyed");
    if (publisher_ != nullptr) --publisher_->subscribers_;
  }

 protected:
  // Has seen all that there is.
  explicit Subscriber(Publisher& publisher) noexcept
      : publisher_(&publisher), seen_(publisher.published_) {
    ++publisher.subscribers_;
  }
  Subscriber& operator=(Subscriber&& other) noexcept {
    if (this == &other) return *this;
    ExpectNotAwaited("assigned to");
    other.ExpectNotAwaited("moved");
    if (publisher_ != nullptr) --publisher_->subscribers_;
    publisher_ = std::exchange(other.publisher_, nullptr);
    seen_ = other.seen_;
    return *this;
  }

  Publisher& publisher() const noexcept {
    if (publisher_ == nullptr) [[unlikely]] {
      Misuse("a receiver was used that was moved from");
    }
    return *publisher_;
  }
  // Of what was published.
  std::uint64_t seen() const noexcept { return seen_; }
  void set_seen(std::uint64_t seen) noexcept { seen_ = seen; }

  // Whether there is something; where there is not, what a receiver that does
  // not wait gets.
  Result<void> Look() const noexcept {
    const Publisher& publisher = this->publisher();
    if (publisher.published_ != seen_) return {};
    if (publisher.closed_) return Unexpected(kEndOfStream);
    return Unexpected(std::errc::operation_would_block);
  }

  bool awaited() const noexcept { return awaited_; }
  void ExpectNotAwaited(const char* what) const noexcept {
    if (awaited_) [[unlikely]] {
      Misuse(
          "a receiver was %s while a task awaits it; stop the task and await "
          "its end first",
          what);
    }
  }

 private:
  friend class SubscriberWait;

  Publisher* publisher_;
  std::uint64_t seen_;
  bool awaited_ = false;
};

// Waits until there is something that the subscriber has not seen, or nothing
// more will come.
class SubscriberWait : public StoppableWait<SubscriberWait> {
 protected:
  explicit SubscriberWait(Subscriber& subscriber) noexcept
      : subscriber_(subscriber) {}
  // Before it is awaited.
  SubscriberWait(SubscriberWait&& other) noexcept = default;
  ~SubscriberWait() = default;

  // For await_resume. (Asked again: much may have come since it was woken.)
  Result<void> End() noexcept {
    if (began_) subscriber_.awaited_ = false;
    if (stopped()) return Unexpected(kCanceled);
    return subscriber_.Look();
  }

 private:
  friend class Publisher;
  friend class StoppableWait<SubscriberWait>;

  bool Take() noexcept {
    if (subscriber_.awaited_) [[unlikely]] {
      Misuse("two tasks await one receiver; each needs a receiver of its own");
    }
    // Until await_resume, which looks at the subscriber.
    subscriber_.awaited_ = began_ = true;
    const Publisher& publisher = subscriber_.publisher();
    return publisher.published_ != subscriber_.seen_ || publisher.closed_;
  }
  WaitList<SubscriberWait>& list() const noexcept {
    return subscriber_.publisher().waiting_;
  }

  Subscriber& subscriber_;
  bool began_ = false;
};

inline void Publisher::WakeAll() noexcept {
  while (!waiting_.empty()) waiting_.WakeFirst();
}
inline void Publisher::Publish() noexcept {
  ++published_;
  WakeAll();
}
inline void Publisher::Close() noexcept {
  closed_ = true;
  WakeAll();
}

}  // namespace eddy::internal

#endif  // EDDY_RUNTIME_SUBSCRIPTION_H_
