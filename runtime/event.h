// Event: lets tasks wait until another one says so.
//
//   Event ready;                          stays set until Reset()
//   Event work(Event::Kind::kAutoReset);  each Set() lets one task go on
//
//   co_await ready.Wait();                in one task
//   ready.Set();                          in another
//
// Of a kAutoReset event the task that goes on resets it: where several wait,
// the one that has waited longest goes on, and where none waits, the next one
// that does. Several Set() before that are one.
//
// Result of Wait: nothing. Errors: kCanceled.
// Stop: a wait that was stopped has taken nothing; one that was let go on
// before the stop came gives success. Lifetime: destroying an event that tasks
// wait for aborts. Thread safety: belongs to one reactor; Set() is called by
// its tasks. Cost: no allocation, no system call, no lock. What is set already
// is not waited for.
#ifndef EDDY_RUNTIME_EVENT_H_
#define EDDY_RUNTIME_EVENT_H_

#include <eddy/runtime/result.h>
#include <eddy/runtime/wait_list.h>

namespace eddy {

class Event {
 public:
  enum class Kind { kManualReset, kAutoReset };

  explicit Event(Kind kind = Kind::kManualReset, bool set = false) noexcept
      : kind_(kind), set_(set) {}
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  ~Event() { waiters_.ExpectEmpty("an Event"); }

  bool is_set() const noexcept { return set_; }

  void Set() noexcept {
    if (kind_ == Kind::kManualReset || waiters_.empty()) set_ = true;
    while (!waiters_.empty()) {
      waiters_.WakeFirst();
      if (kind_ == Kind::kAutoReset) return;
    }
  }
  void Reset() noexcept { set_ = false; }

  class [[nodiscard]] WaitAwaiter final
      : public internal::StoppableWait<WaitAwaiter> {
   public:
    explicit WaitAwaiter(Event& event) noexcept : event_(event) {}

    [[nodiscard]] Result<void> await_resume() const noexcept {
      return VoidResult();
    }

    const char* name() const noexcept override { return "Event"; }

   private:
    friend class internal::StoppableWait<WaitAwaiter>;
    bool Take() noexcept {
      if (!event_.set_) return false;
      if (event_.kind_ == Kind::kAutoReset) event_.set_ = false;
      return true;
    }
    internal::WaitList<WaitAwaiter>& list() const noexcept {
      return event_.waiters_;
    }

    Event& event_;
  };
  WaitAwaiter Wait() noexcept { return WaitAwaiter(*this); }

 private:
  const Kind kind_;
  bool set_;
  internal::WaitList<WaitAwaiter> waiters_;
};

}  // namespace eddy

#endif  // EDDY_RUNTIME_EVENT_H_
