// Channel<T>: values from tasks to tasks, in order, with a bound.
//
//   Channel<Job> jobs(64);                       at most 64 wait in it
//
//   Task<Result<void>> Produce(Channel<Job>& jobs) {
//     for (Job& job : FindJobs()) {
//       EDDY_CO_CHECK(co_await jobs.Send(std::move(job)));
//     }
//     jobs.Close();
//     co_return Result<void>();
//   }
//   Task<void> Consume(Channel<Job>& jobs) {
//     while (auto job = co_await jobs.Receive()) Run(*job);
//   }
//
// Any number of tasks may send and receive. Send waits while the channel is
// full, Receive while it is empty; the one that has waited longest goes first,
// and nobody overtakes one that waits. A channel of capacity 0 holds nothing:
// a Send succeeds when a receiver has taken its value.
//
// Close(): what is in the channel can still be received. Senders that wait,
// and later ones, keep their values.
//
// Send(value)
//   Result: nothing. Errors: kClosed; kCanceled.
//   Of Send(std::move(value)) the value is moved when Send succeeds, and only
//   then: after an error it is where it was, to be sent again or elsewhere.
//   Lifetime: it stays there until the await returns. A temporary does, where
//   the await is in the same expression, as in
//   `co_await WithTimeout(1s, jobs.Send(Job(1)))`.
//   Send(value) of an lvalue sends a copy, which the call makes, where moving
//   that does not throw.
// Receive()
//   Result: the value. Errors: kEndOfStream, where the channel is closed and
//   nothing is left in it; kCanceled.
// TrySend(value), TryReceive()
//   The same without waiting; std::errc::operation_would_block where the others
//   would wait. They may be called where no reactor runs.
//
// Stop: a Send that gives kCanceled has sent nothing, and a Receive has taken
// nothing. Where the value had been handed over before the stop came, both give
// success. So nothing is lost, nor there twice, in a WithTimeout, or in a
// WhenAny that is asked for each value<I>() (and not left by an exception of
// another of its awaitables).
// Lifetime: destroying a channel while a task waits in it aborts. The values in
// it are destroyed with it.
// Exceptions: what the move of a value out of Send's argument throws comes out
// of that Send; nothing was sent, and the channel is as it was. What the move
// out of the channel throws comes out of that Receive; that value is gone.
// Thread safety: belongs to one reactor. T: any type that can be moved, aligned
// to no more than 16 bytes.
// Cost: one allocation for all, by the constructor; no system call, no lock. A
// value is moved three times where it goes through the buffer, twice where a
// receiver waits: send what is cheap to move.
#ifndef EDDY_RUNTIME_CHANNEL_H_
#define EDDY_RUNTIME_CHANNEL_H_

#include <eddy/runtime/bounded_fifo.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/wait_list.h>

#include <concepts>
#include <cstddef>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

namespace eddy {

template <class T>
class Channel {
  static_assert(std::is_object_v<T> && !std::is_const_v<T> &&
                    std::is_move_constructible_v<T>,
                "a Channel's values are objects that can be moved");
  static_assert(alignof(T) <= 2 * sizeof(void*),
                "a Channel's values cannot be over-aligned; send a "
                "std::unique_ptr to one");

  // Where it does not hold, awaiters keep what a move throws.
  static constexpr bool kMovesWell = std::is_nothrow_move_constructible_v<T>;
  struct NoException {};
  using Exception =
      std::conditional_t<kMovesWell, NoException, std::exception_ptr>;

 public:
  explicit Channel(std::size_t capacity) : buffer_(capacity) {}
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;
  ~Channel() {
    senders_.ExpectEmpty("a Channel");
    receivers_.ExpectEmpty("a Channel");
  }

  std::size_t capacity() const noexcept { return buffer_.capacity(); }
  // How many values are in it. Those of senders that wait do not count.
  std::size_t size() const noexcept { return buffer_.size(); }
  bool is_closed() const noexcept { return closed_; }

  // A second call does nothing.
  void Close() noexcept {
    closed_ = true;
    while (!senders_.empty()) {
      senders_.front().refused_ = true;
      senders_.WakeFirst();
    }
    while (!receivers_.empty()) receivers_.WakeFirst();
  }

  class SendAwaitable;
  class SendCopyAwaitable;
  class ReceiveAwaitable;

  SendAwaitable Send(T&& value) noexcept { return {*this, value}; }
  SendCopyAwaitable Send(const T& value) requires std::copy_constructible<T> {
    static_assert(kMovesWell,
                  "the copy is moved with the awaitable, which must not throw; "
                  "send a variable with std::move");
    return {*this, value};
  }
  ReceiveAwaitable Receive() noexcept { return ReceiveAwaitable(*this); }

  [[nodiscard]] Result<void> TrySend(T&& value) noexcept(kMovesWell) {
    if (closed_) return Unexpected(kClosed);
    if (!Put(value)) return Unexpected(std::errc::operation_would_block);
    return {};
  }
  [[nodiscard]] Result<void> TrySend(
      const T& value) requires std::copy_constructible<T> {
    return TrySend(T(value));
  }
  [[nodiscard]] Result<T> TryReceive() {
    std::optional<T> value;
    if (TakeInto(value)) return Result<T>(tl::in_place, *std::move(value));
    if (closed_) return Unexpected(kEndOfStream);
    return Unexpected(std::errc::operation_would_block);
  }

 private:
  class SendAwaiter;
  class ReceiveAwaiter;

  // For those that wait:
  //  1. A receiver waits only while the buffer is empty and no sender waits.
  //  2. A sender waits only while the buffer is full.
  //  3. Who is woken has been given everything: it does not look at the channel
  //     again, which may be gone when it runs.
  // Moves the value to the first receiver, or into the buffer. False where
  // there is no place for it.
  bool Put(T& value) noexcept(kMovesWell) {
    if (!receivers_.empty()) {
      receivers_.front().value_.emplace(std::move(value));
      receivers_.WakeFirst();
      return true;
    }
    if (buffer_.full()) return false;
    buffer_.Push(std::move(value));
    return true;
  }

  // Moves the oldest value to where it goes. False where there is none.
  bool TakeInto(std::optional<T>& to) noexcept(kMovesWell) {
    if (!buffer_.empty()) {
      const FirstDropper dropper{*this};
      to.emplace(std::move(buffer_.front()));
      return true;
    }
    while (!senders_.empty() && !to) {
      senders_.front().Give([&](T& value) { to.emplace(std::move(value)); });
      senders_.WakeFirst();
    }
    return to.has_value();
  }

  // Lets go of the buffer's first, and of the senders that its place is for.
  struct FirstDropper {
    Channel& channel;
    ~FirstDropper() {
      channel.buffer_.Pop();
      while (!channel.senders_.empty() && !channel.buffer_.full()) {
        channel.senders_.front().Give(
            [&](T& value) { channel.buffer_.Push(std::move(value)); });
        channel.senders_.WakeFirst();
      }
    }
  };

  internal::BoundedFifo<T> buffer_;
  internal::WaitList<SendAwaiter> senders_;
  internal::WaitList<ReceiveAwaiter> receivers_;
  bool closed_ = false;
};

// What Send and Receive return are small: the awaiter is made by the co_await,
// in its place. (g++ 12 moves an awaiter that is awaited itself.)
template <class T>
class [[nodiscard]] Channel<T>::SendAwaitable {
 public:
  SendAwaitable(Channel& channel, T& value) noexcept
      : channel_(channel), value_(value) {}
  SendAwaiter operator co_await() const noexcept {
    return SendAwaiter(channel_, value_);
  }

 private:
  Channel& channel_;
  T& value_;
};

template <class T>
class [[nodiscard]] Channel<T>::SendCopyAwaitable {
 public:
  SendCopyAwaitable(Channel& channel, const T& value)
      : channel_(channel), value_(value) {}
  SendAwaiter operator co_await() noexcept {
    return SendAwaiter(channel_, value_);
  }

 private:
  Channel& channel_;
  T value_;
};

template <class T>
class [[nodiscard]] Channel<T>::ReceiveAwaitable {
 public:
  explicit ReceiveAwaitable(Channel& channel) noexcept : channel_(channel) {}
  ReceiveAwaiter operator co_await() const noexcept {
    return ReceiveAwaiter(channel_);
  }

 private:
  Channel& channel_;
};

template <class T>
class Channel<T>::SendAwaiter final
    : public internal::StoppableWait<SendAwaiter> {
 public:
  SendAwaiter(Channel& channel, T& value) noexcept
      : channel_(channel), value_(value) {}
  // Before it is awaited.
  SendAwaiter(SendAwaiter&& other) noexcept
      : SendAwaiter(other.channel_, other.value_) {}

  [[nodiscard]] Result<void> await_resume() const noexcept(kMovesWell) {
    if constexpr (!kMovesWell) {
      if (exception_) std::rethrow_exception(exception_);
    }
    if (refused_) return Unexpected(kClosed);
    return this->VoidResult();
  }

  const char* name() const noexcept override { return "Channel::Send"; }

 private:
  friend class Channel;
  friend class internal::StoppableWait<SendAwaiter>;

  bool Take() noexcept {
    if (channel_.closed_) {
      refused_ = true;
      return true;
    }
    bool done = true;
    Give([&](T& value) { done = channel_.Put(value); });
    return done;
  }
  internal::WaitList<SendAwaiter>& list() const noexcept {
    return channel_.senders_;
  }

  // Has the value moved; keeps what that throws.
  template <class F>
  void Give(F move) noexcept {
    if constexpr (kMovesWell) {
      move(value_);
    } else {
      try {
        move(value_);
      } catch (...) {
        exception_ = std::current_exception();
      }
    }
  }

  Channel& channel_;
  T& value_;
  [[no_unique_address]] Exception exception_;
  bool refused_ = false;
};

template <class T>
class Channel<T>::ReceiveAwaiter final
    : public internal::StoppableWait<ReceiveAwaiter> {
 public:
  explicit ReceiveAwaiter(Channel& channel) noexcept : channel_(channel) {}
  // Before it is awaited.
  ReceiveAwaiter(ReceiveAwaiter&& other) noexcept
      : ReceiveAwaiter(other.channel_) {}

  [[nodiscard]] Result<T> await_resume() noexcept(kMovesWell) {
    if constexpr (!kMovesWell) {
      if (exception_) std::rethrow_exception(exception_);
    }
    if (value_) return Result<T>(tl::in_place, *std::move(value_));
    return Unexpected(this->stopped() ? kCanceled : kEndOfStream);
  }

  const char* name() const noexcept override { return "Channel::Receive"; }

 private:
  friend class Channel;
  friend class internal::StoppableWait<ReceiveAwaiter>;

  bool Take() noexcept {
    if constexpr (kMovesWell) {
      return channel_.TakeInto(value_) || channel_.closed_;
    } else {
      try {
        return channel_.TakeInto(value_) || channel_.closed_;
      } catch (...) {
        exception_ = std::current_exception();
        return true;
      }
    }
  }
  internal::WaitList<ReceiveAwaiter>& list() const noexcept {
    return channel_.receivers_;
  }

  Channel& channel_;
  std::optional<T> value_;
  [[no_unique_address]] Exception exception_;
};

}  // namespace eddy

#endif  // EDDY_RUNTIME_CHANNEL_H_
