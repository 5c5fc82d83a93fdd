// Broadcast<T>: what is sent goes to every receiver.
//
//   Broadcast<Quote> quotes(1024);             the last 1024 are kept
//
//   Task<void> Show(Broadcast<Quote>::Receiver receiver) {
//     while (auto quote = co_await receiver.Receive()) {
//       if (quote->lost != 0) Note("%lu quotes missed", quote->lost);
//       Draw(quote->value);
//     }
//   }
//
//   scope.Spawn(Show(quotes.Subscribe()));     gets what is sent from here on
//   quotes.Send(quote);                        never waits
//
// A receiver gets every value that was sent since it subscribed, in order, as a
// copy of its own. One that falls behind by more than `capacity` values is told
// with the next one how many it has lost, and goes on with the oldest that is
// kept. So a slow receiver holds up neither the sender nor the others. (Where
// nothing may be lost, use a Channel for each receiver: its Send waits.)
//
// Send(value)
//   Never waits. Result: nothing, also where nobody listens. Errors: kClosed,
//   and of Send(std::move(value)) the value is where it was.
// Subscribe()
//   A receiver of what is sent from here on. It leaves when it is destroyed.
// co_await receiver.Receive()
//   Result: the value, and how many before it were lost. Errors: kEndOfStream,
//   where the broadcast is closed and the receiver has had all; kCanceled.
// receiver.TryReceive()
//   The same without waiting; std::errc::operation_would_block where there is
//   nothing new.
// Close()
//   Nothing more can be sent; receivers still get what is kept.
//
// Stop: a Receive that gives kCanceled has taken nothing: the next one gives
// the value. One that was sent before the stop came is given.
// Lifetime: destroying a broadcast that has receivers aborts, and so does
// destroying or moving a receiver that a task awaits. Each task has a receiver
// of its own.
// Exceptions: what the copy of a value throws comes out of Receive, which has
// taken nothing then. What T throws in Send comes out of it; nothing was sent.
// Thread safety: belongs to one reactor. T: any type that can be copied; a
// std::shared_ptr<const X> where X is large. Values stay until so many newer
// ones have come.
// Cost: one allocation, by the constructor, and what copying T takes. Send is
// linear in those that wait.
#ifndef EDDY_RUNTIME_BROADCAST_H_
#define EDDY_RUNTIME_BROADCAST_H_

#include <eddy/runtime/bounded_fifo.h>
#include <eddy/runtime/misuse.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/subscription.h>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

namespace eddy {

template <std::copy_constructible T>
class Broadcast : public internal::Publisher {
 public:
  struct Received {
    T value;
    // How many that came before it the receiver has missed.
    std::uint64_t lost;
  };
  class Receiver;

  // REQUIRES: capacity is not 0.
  explicit Broadcast(std::size_t capacity) : kept_(capacity) {
    if (capacity == 0) [[unlikely]] {
      internal::Misuse("a Broadcast that keeps no value could send none");
    }
  }

  std::size_t capacity() const noexcept { return kept_.capacity(); }

  Result<void> Send(T&& value) { return SendAny(std::move(value)); }
  Result<void> Send(const T& value) { return SendAny(value); }

  Receiver Subscribe() noexcept { return Receiver(*this); }

 private:
  template <class U>
  Result<void> SendAny(U&& value) {
    if (is_closed()) return Unexpected(kClosed);
    if (receivers() == 0) {
      // The end of one may send.
      while (!kept_.empty()) static_cast<void>(kept_.Take());
      Publish();
    } else {
      // (Made first: `value` may be, or be in, the one that goes.)
      T made(std::forward<U>(value));
      // Its end may send, too: it comes when all is done.
      std::optional<T> oldest;
      if (kept_.full()) oldest.emplace(kept_.Take());
      kept_.Push(std::move(made));
      Publish();
    }
    return {};
  }

  // The last that were published, or less.
  internal::BoundedFifo<T> kept_;
};

template <std::copy_constructible T>
class Broadcast<T>::Receiver : public internal::Subscriber {
 public:
  Receiver(Receiver&&) noexcept = default;
  Receiver& operator=(Receiver&&) noexcept = default;

  class [[nodiscard]] ReceiveAwaiter final : public internal::SubscriberWait {
   public:
    explicit ReceiveAwaiter(Receiver& receiver) noexcept
        : SubscriberWait(receiver), receiver_(receiver) {}

    [[nodiscard]] Result<Received> await_resume() {
      const Result<void> ended = End();
      if (!ended) return Unexpected(ended.error());
      return receiver_.Take();
    }

    const char* name() const noexcept override { return "Broadcast"; }

   private:
    Receiver& receiver_;
  };
  ReceiveAwaiter Receive() noexcept { return ReceiveAwaiter(*this); }

  [[nodiscard]] Result<Received> TryReceive() {
    ExpectNotAwaited("used");
    const Result<void> found = Look();
    if (!found) return Unexpected(found.error());
    return Take();
  }

 private:
  friend class Broadcast;
  explicit Receiver(Broadcast& broadcast) noexcept : Subscriber(broadcast) {}

  // The oldest that was not seen. REQUIRES: there is one.
  Result<Received> Take() {
    const Broadcast& broadcast = static_cast<const Broadcast&>(publisher());
    const std::uint64_t oldest = broadcast.published() - broadcast.kept_.size();
    const std::uint64_t lost = oldest > seen() ? oldest - seen() : 0;
    const std::uint64_t next = seen() + lost;
    Result<Received> received(
        tl::in_place,
        Received{broadcast.kept_[static_cast<std::size_t>(next - oldest)],
                 lost});
    set_seen(next + 1);
    return received;
  }
};

}  // namespace eddy

#endif  // EDDY_RUNTIME_BROADCAST_H_
