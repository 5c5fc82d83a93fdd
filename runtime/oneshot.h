// Oneshot<T>: one value from one task to another, such as the answer to a
// request.
//
//   struct Question {
//     std::string text;
//     Oneshot<int>::Sender answer;
//   };
//
//   Task<Result<int>> Ask(Channel<Question>& questions, std::string text) {
//     Oneshot<int> answer;
//     Question question{std::move(text), std::move(answer.sender)};
//     EDDY_CO_CHECK(co_await questions.Send(std::move(question)));
//     co_return co_await answer.receiver.Receive();
//   }
//   Task<void> Answer(Channel<Question>& questions) {
//     while (auto question = co_await questions.Receive()) {
//       question->answer.Send(Count(question->text));
//     }
//   }
//
// The two ends can be moved, and each may go before the other one. Assigning
// Oneshot<T>::Sender() to a sender lets it go.
//
// sender.Send(value)
//   Never waits. Of Send(std::move(value)) the value is moved when it succeeds,
//   and only then; Send(value) of an lvalue sends a copy.
//   Result: nothing; the sender has done its work. (The receiver may still go
//   without taking it.) Errors: kClosed, where the receiver has gone.
// sender.is_closed()
//   Whether the receiver has gone, for one who can spare the work.
// co_await receiver.Receive()
//   Result: the value. Errors: kClosed, where the sender has gone without one;
//   kCanceled.
// receiver.TryReceive()
//   The same without waiting; std::errc::operation_would_block where there is
//   no value yet.
//
// Stop: a Receive that gives kCanceled has taken nothing: the next one gives
// the value. One that was sent before the stop came is given.
// REQUIRES: one task receives, and no more once it has the value; no end is
// used that was moved from, nor a sender that has sent. Violations abort, and
// so does destroying a receiver that a task waits for.
// Exceptions: what the move of the value throws comes out of Send, which has
// sent nothing then, or out of Receive, which has taken nothing.
// Thread safety: belongs to one reactor. T: any type that can be moved, aligned
// to no more than 16 bytes.
// Cost: one block of the frame pool, by the constructor, which goes with the
// end that goes last: no heap allocation in a steady state. No system call.
#ifndef EDDY_RUNTIME_ONESHOT_H_
#define EDDY_RUNTIME_ONESHOT_H_

#include <eddy/runtime/frame_pool.h>
#include <eddy/runtime/misuse.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/wait_list.h>

#include <concepts>
#include <cstddef>
#include <optional>
#include <type_traits>
#include <utility>

namespace eddy {

template <class T>
struct Oneshot;

namespace internal {

// What the two ends share, and a Receive that is awaited: it lives as long as
// one of them does.
template <class T>
class OneshotState {
 public:
  // Counts those that refer to the state.
  class Reference {
   public:
    Reference() noexcept = default;
    explicit Reference(OneshotState* state) noexcept : state_(state) {
      if (state_ != nullptr) ++state_->references_;
    }
    Reference(Reference&& other) noexcept
        : state_(std::exchange(other.state_, nullptr)) {}
    Reference& operator=(Reference&& other) noexcept {
      Reference(std::move(other)).Swap(*this);
      return *this;
    }
    ~Reference() {
      if (state_ != nullptr && --state_->references_ == 0) delete state_;
    }

    OneshotState* get() const noexcept { return state_; }
    OneshotState* operator->() const noexcept { return state_; }
    void Swap(Reference& other) noexcept { std::swap(state_, other.state_); }

   private:
    OneshotState* state_ = nullptr;
  };

  class [[nodiscard]] Awaiter final : public StoppableWait<Awaiter> {
   public:
    explicit Awaiter(OneshotState* state) noexcept : state_(state) {}

    [[nodiscard]] Result<T> await_resume() {
      state_->awaited_ = false;
      if (this->stopped()) return Unexpected(kCanceled);
      return state_->TakeValue();
    }

    const char* name() const noexcept override { return "Oneshot"; }

   private:
    friend class StoppableWait<Awaiter>;

    bool Take() noexcept {
      state_->ExpectOneReceive();
      state_->awaited_ = true;
      return state_->value_ || state_->sender_gone_;
    }
    WaitList<Awaiter>& list() const noexcept { return state_->waiters_; }

    Reference state_;
  };

  static void* operator new(std::size_t size) {
    return FramePool::Allocate(size);
  }
  static void operator delete(void* memory, std::size_t size) noexcept {
    FramePool::Free(memory, size);
  }

  bool receiver_gone() const noexcept { return receiver_gone_; }

  template <class U>
  void Put(U&& value) {
    value_.emplace(std::forward<U>(value));
  }
  void SenderGoes() noexcept {
    sender_gone_ = true;
    if (!waiters_.empty()) waiters_.WakeFirst();
  }

  Result<T> TryReceive() {
    ExpectOneReceive();
    if (value_ || sender_gone_) return TakeValue();
    return Unexpected(std::errc::operation_would_block);
  }
  void ReceiverGoes() noexcept {
    waiters_.ExpectEmpty("the receiver of a Oneshot");
    receiver_gone_ = true;
  }

 private:
  void ExpectOneReceive() const noexcept {
    if (awaited_) [[unlikely]] {
      Misuse("two tasks receive from one Oneshot; it is for one task");
    }
    if (received_) [[unlikely]] {
      Misuse("a Oneshot whose value has been received has no other one");
    }
  }

  Result<T> TakeValue() {
    if (!value_) return Unexpected(kClosed);
    Result<T> result(tl::in_place, *std::move(value_));
    received_ = true;
    value_.reset();
    return result;
  }

  WaitList<Awaiter> waiters_;  // at most one
  std::optional<T> value_;
  unsigned references_ = 0;
  bool sender_gone_ = false;
  bool receiver_gone_ = false;
  bool awaited_ = false;
  bool received_ = false;
};

}  // namespace internal

template <class T>
class OneshotSender {
  using State = internal::OneshotState<T>;

 public:
  // Holds no end.
  OneshotSender() noexcept = default;
  OneshotSender(OneshotSender&&) noexcept = default;
  OneshotSender& operator=(OneshotSender&& other) noexcept {
    OneshotSender(std::move(other)).state_.Swap(state_);
    return *this;
  }
  ~OneshotSender() { Go(); }

  Result<void> Send(T&& value) { return SendAny(std::move(value)); }
  Result<void> Send(const T& value) requires std::copy_constructible<T> {
    return SendAny(value);
  }

  bool is_closed() const noexcept { return CheckedState().receiver_gone(); }

 private:
  friend struct Oneshot<T>;
  explicit OneshotSender(State* state) noexcept : state_(state) {}

  template <class U>
  Result<void> SendAny(U&& value) {
    State& state = CheckedState();
    if (state.receiver_gone()) return Unexpected(kClosed);
    state.Put(std::forward<U>(value));
    Go();
    return {};
  }

  State& CheckedState() const noexcept {
    if (state_.get() == nullptr) [[unlikely]] {
      internal::Misuse(
          "a Oneshot's sender was used that has sent, or was moved from");
    }
    return *state_.get();
  }
  void Go() noexcept {
    const typename State::Reference state = std::move(state_);
    if (state.get() != nullptr) state->SenderGoes();
  }

  typename State::Reference state_;
};

template <class T>
class OneshotReceiver {
  using State = internal::OneshotState<T>;

 public:
  // Holds no end.
  OneshotReceiver() noexcept = default;
  OneshotReceiver(OneshotReceiver&&) noexcept = default;
  OneshotReceiver& operator=(OneshotReceiver&& other) noexcept {
    OneshotReceiver(std::move(other)).state_.Swap(state_);
    return *this;
  }
  ~OneshotReceiver() {
    if (state_.get() != nullptr) state_->ReceiverGoes();
  }

  typename State::Awaiter Receive() noexcept {
    return typename State::Awaiter(&CheckedState());
  }
  [[nodiscard]] Result<T> TryReceive() { return CheckedState().TryReceive(); }

 private:
  friend struct Oneshot<T>;
  explicit OneshotReceiver(State* state) noexcept : state_(state) {}

  State& CheckedState() const noexcept {
    if (state_.get() == nullptr) [[unlikely]] {
      internal::Misuse("a Oneshot's receiver was used that was moved from");
    }
    return *state_.get();
  }

  typename State::Reference state_;
};

// Both ends, to be moved to where they are used.
template <class T>
struct Oneshot {
  static_assert(std::is_object_v<T> && !std::is_const_v<T> &&
                    std::is_move_constructible_v<T>,
                "a Oneshot's value is an object that can be moved");
  static_assert(alignof(T) <= 2 * sizeof(void*),
                "a Oneshot's value cannot be over-aligned; send a "
                "std::unique_ptr to one");

  using Sender = OneshotSender<T>;
  using Receiver = OneshotReceiver<T>;

  Oneshot() : Oneshot(new internal::OneshotState<T>) {}

  Sender sender;
  Receiver receiver;

 private:
  explicit Oneshot(internal::OneshotState<T>* state) noexcept
      : sender(state), receiver(state) {}
};

}  // namespace eddy

#endif  // EDDY_RUNTIME_ONESHOT_H_
