// WithIdleTimeout: ends what waits for a peer that has gone silent.
//
//   co_await net::WithIdleTimeout(60s, stream, Talk(stream));
//
// Whenever an operation on the stream has waited for `idle` and the peer has
// neither sent nor taken anything, what is awaited is stopped. While it waits
// for something else, such as a database, its peer is not idle. A peer that
// takes a large write bit by bit is not idle either.
//
// Result: as WithTimeout: the awaitable's, as a Result; kTimedOut where it was
// ended so.
// Lifetime: the stream lives, and stays in place, until the await returns.
// Stop: passes it on.
// Cost: a timer; every quarter of `idle` a look at a counter, and at an idle
// connection a system call (SIOCOUTQ). So it ends after `idle` and at the most
// a quarter more. The operations cost nothing more.
#ifndef EDDY_NET_IDLE_TIMEOUT_H_
#define EDDY_NET_IDLE_TIMEOUT_H_

#include <eddy/io/fd.h>
#include <eddy/runtime/reactor.h>
#include <eddy/runtime/time.h>
#include <eddy/runtime/timeout.h>

#include <chrono>
#include <coroutine>
#include <cstdint>
#include <utility>

namespace eddy::net {
namespace internal {

// Whether anything has happened on a descriptor since it was asked last.
class Activity {
 public:
  explicit Activity(const io::Fd& fd) noexcept : fd_(fd) {}

  // True too where no operation waits for the peer.
  bool Any() noexcept;

 private:
  const io::Fd& fd_;
  std::uint32_t completed_ = 0;
  int unsent_ = 0;
};

template <class Awaitable>
class [[nodiscard]] IdleAwaitable final
    : public eddy::internal::ExpiringAwaitable<Awaitable> {
  using Base = eddy::internal::ExpiringAwaitable<Awaitable>;

 public:
  IdleAwaitable(Duration idle, const io::Fd& fd, Awaitable&& awaitable)
      : Base(std::forward<Awaitable>(awaitable)), activity_(fd), idle_(idle) {}
  IdleAwaitable(IdleAwaitable&&) noexcept = default;

  template <class Promise>
  std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> waiter) {
    this->Enter(waiter.promise());
    // Beyond what a clock can tell: never.
    if (idle_ != Duration::max()) LookLater();
    return this->StartExpiring(waiter);
  }

  const char* name() const noexcept override { return "WithIdleTimeout"; }

 private:
  static constexpr int kLooks = 4;

  void LookLater() noexcept {
    this->context().reactor().timers().Add(*this,
                                           After(Clock::now(), idle_ / kLooks));
  }
  void Expire() noexcept override {
    silent_ = activity_.Any() ? 0 : silent_ + 1;
    // One more: the first look may have come just after the wait began.
    if (silent_ > kLooks) {
      this->EndBecauseExpired();
    } else {
      LookLater();
    }
  }

  Activity activity_;
  Duration idle_;
  int silent_ = 0;
};

}  // namespace internal

// `stream` is a TcpStream or another StreamSocket.
template <class Stream, class Awaitable>
internal::IdleAwaitable<Awaitable> WithIdleTimeout(Duration idle,
                                                   const Stream& stream,
                                                   Awaitable&& awaitable) {
  return {idle, stream.fd(), std::forward<Awaitable>(awaitable)};
}

}  // namespace eddy::net

#endif  // EDDY_NET_IDLE_TIMEOUT_H_
