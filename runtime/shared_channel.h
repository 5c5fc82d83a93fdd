// SharedChannel<T>: a bounded queue between threads and reactors.
//
//   SharedChannel<Job> jobs(64);
//
//   while (auto job = co_await jobs.Receive()) Do(*job);   // in a task
//   Result<void> sent = jobs.BlockingSend(std::move(job));  // on a thread
//
// Tasks of any reactor and plain threads send and receive, in any mix and
// number. Within one reactor, Channel does the same without a lock.
//
// Capacity: how many values it holds that nobody has received yet. With 0 a
// send lasts until a receiver has the value.
//
// Send: moves from `value` only where it succeeds. In all other cases the value
// is where it was, so that nothing is lost.
// Receive: gives the values in the order in which they were sent.
// Errors: kClosed of a send after Close(); kEndOfStream of a receive after
// Close(), once what was sent before is received; kCanceled; kTimedOut where a
// thread gave a time. Try...: EAGAIN where it would have to wait. In tasks also
// EMFILE, ENFILE: waiting needs the reactor's eventfd.
// Order: those that wait, tasks and threads, go on in the order in which they
// came; a Try... never overtakes them.
// Close: wakes all that wait. A second call does nothing.
// Stop: a send that was stopped has sent nothing, a receive has taken nothing;
// one that was served before the stop came succeeds.
//
// Lifetime: `value` of a Send lives until the await returns. Destroying a
// channel that somebody waits for aborts; close it, and let them end first.
// REQUIRES: moving a T does not throw. Its move, and the destructor of what was
// moved from, run on any of the threads and under the channel's mutex: they
// must not use the channel, and they hold up the others (send a std::unique_ptr
// to what is large). The child of a fork() does not use it. Blocking... are for
// threads on which no reactor runs; a task that calls one aborts. Cost: one
// allocation, by the constructor. A mutex for each call; where one waits, a
// wake-up: of a thread as a condition variable's, of a reactor a system call
// for each batch of them.
#ifndef EDDY_RUNTIME_SHARED_CHANNEL_H_
#define EDDY_RUNTIME_SHARED_CHANNEL_H_

#include <eddy/runtime/await_budget.h>
#include <eddy/runtime/bounded_fifo.h>
#include <eddy/runtime/brief_mutex.h>
#include <eddy/runtime/error.h>
#include <eddy/runtime/intrusive_list.h>
#include <eddy/runtime/misuse.h>
#include <eddy/runtime/parked.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/time.h>

#include <chrono>
#include <coroutine>
#include <cstddef>
#include <mutex>
#include <optional>
#include <type_traits>
#include <utility>

namespace eddy {

template <class T>
class SharedChannel {
  static_assert(std::is_nothrow_move_constructible_v<T>,
                "a value may be moved on any thread: that must not throw");
  class Transfer;

 public:
  explicit SharedChannel(std::size_t capacity) : buffer_(capacity) {}
  SharedChannel(const SharedChannel&) = delete;
  SharedChannel& operator=(const SharedChannel&) = delete;
  ~SharedChannel() {
    if (!senders_.empty() || !receivers_.empty()) [[unlikely]] {
      internal::Misuse(
          "a SharedChannel was destroyed while somebody waits for it; close "
          "it, and let the tasks and threads end first");
    }
  }

  // --- In tasks --------------------------------------------------------------

  class [[nodiscard]] SendAwaiter;
  SendAwaiter Send(T&& value) noexcept { return SendAwaiter(*this, value); }

  class [[nodiscard]] ReceiveAwaiter;
  ReceiveAwaiter Receive() noexcept { return ReceiveAwaiter(*this); }

  // --- On plain threads ------------------------------------------------------

  [[nodiscard]] Result<void> BlockingSend(T&& value) {
    return BlockingSendUntil(std::move(value), kNoDeadline);
  }
  template <class Rep, class Period>
  [[nodiscard]] Result<void> BlockingSendFor(
      std::chrono::duration<Rep, Period> time, T&& value) {
    return BlockingSendUntil(std::move(value),
                             After(std::chrono::steady_clock::now(), time));
  }

  [[nodiscard]] Result<T> BlockingReceive() {
    return BlockingReceiveUntil(kNoDeadline);
  }
  template <class Rep, class Period>
  [[nodiscard]] Result<T> BlockingReceiveFor(
      std::chrono::duration<Rep, Period> time) {
    return BlockingReceiveUntil(After(std::chrono::steady_clock::now(), time));
  }

  // --- Anywhere --------------------------------------------------------------

  [[nodiscard]] Result<void> TrySend(T&& value) {
    Transfer transfer(&value);
    if (!Begin(transfer, nullptr)) return Unexpected(WouldWait());
    return transfer.result();
  }
  [[nodiscard]] Result<T> TryReceive() {
    Transfer transfer(nullptr);
    if (!Begin(transfer, nullptr)) return Unexpected(WouldWait());
    return transfer.TakeValue();
  }

  void Close() noexcept {
    Transfer* failed = nullptr;
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
      // (Where receivers wait nothing is held.)
      Fail(senders_, kClosed, failed);
      Fail(receivers_, kEndOfStream, failed);
    }
    // Who goes on may destroy the channel.
    while (failed != nullptr) {
      std::exchange(failed, failed->next_failed_)->parked_->Unpark();
    }
  }

  bool is_closed() const noexcept {
    const std::lock_guard lock(mutex_);
    return closed_;
  }
  std::size_t size() const noexcept {
    const std::lock_guard lock(mutex_);
    return buffer_.size();
  }
  std::size_t capacity() const noexcept { return buffer_.capacity(); }

 private:
  // A send or a receive, and how it ended.
  class Transfer : public internal::ListHook<Transfer> {
   public:
    // `source`: what is sent; null for a receive.
    explicit Transfer(T* source) noexcept : source_(source) {}

    bool sends() const noexcept { return source_ != nullptr; }
    Result<void> result() const noexcept {
      if (error_) return Unexpected(*error_);
      return {};
    }
    Result<T> TakeValue() {
      if (error_) return Unexpected(*error_);
      return *std::move(value_);
    }
    void set_error(Error error) noexcept { error_ = error; }

   private:
    friend class SharedChannel;
    T* source_;
    std::optional<T> value_;
    std::optional<Error> error_;
    // Who waits for its end; null where nobody does.
    internal::Parked* parked_ = nullptr;
    // Of those that Close() lets go on.
    Transfer* next_failed_ = nullptr;
  };
  class Awaiter;

  static Error WouldWait() noexcept {
    return std::errc::resource_unavailable_try_again;
  }

  // True if the transfer has ended at once. If not, it waits in line, and
  // `parked` will be unparked; without `parked` it does not wait.
  bool Begin(Transfer& transfer, internal::Parked* parked) noexcept {
    internal::Parked* served = nullptr;
    {
      const std::lock_guard lock(mutex_);
      const bool ended =
          transfer.sends() ? Send(transfer, served) : Receive(transfer, served);
      if (!ended) {
        if (parked == nullptr) return false;
        transfer.parked_ = parked;
        (transfer.sends() ? senders_ : receivers_).PushBack(transfer);
        return false;
      }
    }
    // Nothing else ends its wait, so it is still there.
    if (served != nullptr) served->Unpark();
    return true;
  }

  // Ends the wait for a transfer that has not ended; false if it has, and its
  // waiter is being unparked.
  bool Withdraw(Transfer& transfer, Error error) noexcept {
    const std::lock_guard lock(mutex_);
    if (!transfer.linked()) return false;
    transfer.Unlink();
    transfer.set_error(error);
    return true;
  }

  // Locked: true if it has ended; `served` is then who waits no longer.
  bool Send(Transfer& transfer, internal::Parked*& served) noexcept {
    if (closed_) {
      transfer.set_error(kClosed);
    } else if (!receivers_.empty()) {
      Transfer& receiver = receivers_.front();
      receiver.Unlink();
      receiver.value_.emplace(std::move(*transfer.source_));
      served = receiver.parked_;
    } else if (!buffer_.full()) {
      buffer_.Push(std::move(*transfer.source_));
    } else {
      return false;
    }
    return true;
  }
  bool Receive(Transfer& transfer, internal::Parked*& served) noexcept {
    if (!buffer_.empty()) {
      transfer.value_.emplace(std::move(buffer_.front()));
      buffer_.Pop();
      if (!senders_.empty()) buffer_.Push(TakeFromSender(served));
    } else if (!senders_.empty()) {
      transfer.value_.emplace(TakeFromSender(served));
    } else if (closed_) {
      transfer.set_error(kEndOfStream);
    } else {
      return false;
    }
    return true;
  }
  T&& TakeFromSender(internal::Parked*& served) noexcept {
    Transfer& sender = senders_.front();
    sender.Unlink();
    served = sender.parked_;
    return std::move(*sender.source_);
  }
  static void Fail(internal::IntrusiveList<Transfer>& waiting, Error error,
                   Transfer*& failed) noexcept {
    while (!waiting.empty()) {
      Transfer& transfer = waiting.front();
      transfer.Unlink();
      transfer.set_error(error);
      transfer.next_failed_ = std::exchange(failed, &transfer);
    }
  }

  void BlockingTransfer(const char* call, Transfer& transfer,
                        TimePoint deadline) noexcept {
    internal::ParkedThread parked(call);
    if (Begin(transfer, &parked)) return;
    if (deadline != kNoDeadline && !parked.WaitUntil(deadline) &&
        Withdraw(transfer, kTimedOut)) {
      return;
    }
    parked.Wait();
  }
  Result<void> BlockingSendUntil(T&& value, TimePoint deadline) {
    Transfer transfer(&value);
    BlockingTransfer("SharedChannel::BlockingSend", transfer, deadline);
    return transfer.result();
  }
  Result<T> BlockingReceiveUntil(TimePoint deadline) {
    Transfer transfer(nullptr);
    BlockingTransfer("SharedChannel::BlockingReceive", transfer, deadline);
    return transfer.TakeValue();
  }

  mutable internal::BriefMutex mutex_;
  internal::BoundedFifo<T> buffer_;
  internal::IntrusiveList<Transfer> senders_;
  internal::IntrusiveList<Transfer> receivers_;
  bool closed_ = false;
};

// A task's part in a transfer.
template <class T>
class SharedChannel<T>::Awaiter : public internal::ParkedTask {
 public:
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> waiter) {
    internal::PromiseBase& promise = waiter.promise();
    if (Wait(promise)) return true;
    return internal::AwaitBudget::Spend(promise);
  }

 protected:
  Awaiter(SharedChannel& channel, T* source) noexcept
      : channel_(channel), transfer_(source) {}
  // Before it is awaited.
  Awaiter(Awaiter&& other) noexcept
      : channel_(other.channel_), transfer_(other.transfer_.source_) {}
  ~Awaiter() = default;

  Transfer& transfer() noexcept { return transfer_; }

 private:
  bool Wait(internal::PromiseBase& promise) noexcept {
    internal::TaskContext& context = *promise.context;
    if (context.stop_requested()) {
      transfer_.set_error(kCanceled);
      return false;
    }
    if (channel_.Begin(transfer_, nullptr)) return false;
    Reactor& reactor = context.reactor();
    if (const Result<void> opened = this->Open(reactor); !opened) {
      transfer_.set_error(opened.error());
      return false;
    }
    // Before others know of it: from then on it may be unparked.
    this->Suspend(promise);
    if (channel_.Begin(transfer_, this)) {
      this->Unsuspend(context);
      this->Close();
      return false;
    }
    this->Expect();
    return true;
  }

  void Cancel() noexcept override {
    if (channel_.Withdraw(transfer_, kCanceled)) this->Unpark();
  }

  SharedChannel& channel_;
  Transfer transfer_;
};

template <class T>
class SharedChannel<T>::SendAwaiter final : public SharedChannel<T>::Awaiter {
 public:
  SendAwaiter(SharedChannel& channel, T& value) noexcept
      : SharedChannel::Awaiter(channel, &value) {}
  [[nodiscard]] Result<void> await_resume() noexcept {
    return this->transfer().result();
  }
  const char* name() const noexcept override { return "SharedChannel::Send"; }
};

template <class T>
class SharedChannel<T>::ReceiveAwaiter final
    : public SharedChannel<T>::Awaiter {
 public:
  explicit ReceiveAwaiter(SharedChannel& channel) noexcept
      : SharedChannel::Awaiter(channel, nullptr) {}
  [[nodiscard]] Result<T> await_resume() {
    return this->transfer().TakeValue();
  }
  const char* name() const noexcept override {
    return "SharedChannel::Receive";
  }
};

}  // namespace eddy

#endif  // EDDY_RUNTIME_SHARED_CHANNEL_H_
