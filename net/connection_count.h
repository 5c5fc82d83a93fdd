// ConnectionCount: how many connections there are, and a wait until there are
// no more than so many. One coroutine waits at a time.
#ifndef EDDY_NET_CONNECTION_COUNT_H_
#define EDDY_NET_CONNECTION_COUNT_H_

#include <eddy/runtime/await_budget.h>
#include <eddy/runtime/reactor.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/suspension.h>

#include <coroutine>
#include <cstddef>

namespace eddy::net::internal {

class ConnectionCount {
 public:
  class [[nodiscard]] AtMostAwaiter final : public eddy::internal::Suspension {
   public:
    AtMostAwaiter(ConnectionCount& count, std::size_t most) noexcept
        : count_(count), most_(most) {}

    bool await_ready() const noexcept { return false; }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> waiter) noexcept {
      eddy::internal::PromiseBase& promise = waiter.promise();
      stopped_ = promise.context->stop_requested();
      if (stopped_ || count_.now_ <= most_) {
        return eddy::internal::AwaitBudget::Spend(promise);
      }
      count_.waits_ = this;
      Suspend(promise);
      return true;
    }
    [[nodiscard]] Result<void> await_resume() const {
      if (stopped_) return Unexpected(kCanceled);
      return {};
    }

    const char* name() const noexcept override { return "ConnectionCount"; }
    void Cancel() noexcept override {
      stopped_ = true;
      End();
    }

   private:
    friend class ConnectionCount;
    void End() noexcept {
      count_.waits_ = nullptr;
      Wake();
    }

    ConnectionCount& count_;
    const std::size_t most_;
    bool stopped_ = false;
  };

  // Awaitable: gives nothing, or kCanceled.
  AtMostAwaiter AtMost(std::size_t most) noexcept { return {*this, most}; }

  std::size_t now() const noexcept { return now_; }
  void Add() noexcept { ++now_; }
  void Remove() noexcept {
    --now_;
    if (waits_ != nullptr && now_ <= waits_->most_) waits_->End();
  }

 private:
  std::size_t now_ = 0;
  AtMostAwaiter* waits_ = nullptr;
};

}  // namespace eddy::net::internal

#endif  // EDDY_NET_CONNECTION_COUNT_H_
