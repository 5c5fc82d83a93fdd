// CorePort: what a reactor of a Runtime has to do with the others: the calls
// that it sends, the calls that it carries out, and how all of them end.
//
// Invariants:
//  1. A port belongs to its reactor's thread. What goes to another core is a
//     Message, which is owned by one core at a time: sending it hands it over.
//  2. A call is sent once, comes back once, and so does the message that stops
//     it. Its caller goes on when both are back: until then the other core may
//     touch the call.
//  3. Messages of one core to another one arrive in the order sent; those of a
//     turn go together at its end.
//  4. From one core to another at most `most_calls` calls of a level are on
//     their way or carried out; more wait where they come from, in their order.
//     What carries a call out makes its own calls on the next level, so that a
//     call waits only for calls that are nested more deeply: no circle of cores
//     waits for itself. The last level has no bound.
//  5. The loops of a run end together, in four steps that core 0 leads:
//       stop   each core is asked to stop, as soon as the main task has ended
//              or a core is stopped, as by a failure. Calls go on: what ends
//              may need them.
//       close  when all cores have been without tasks: none sends calls any
//              more. A call of a task that was spawned too late is refused.
//       end    when all calls are back: no message is on its way to any core.
//       join   each loop ends.
#ifndef EDDY_RUNTIME_CORE_PORT_H_
#define EDDY_RUNTIME_CORE_PORT_H_

#include <eddy/runtime/error.h>
#include <eddy/runtime/inbox.h>
#include <eddy/runtime/intrusive_list.h>
#include <eddy/runtime/reactor.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/suspension.h>
#include <eddy/runtime/task_context.h>
#include <eddy/runtime/wait_list.h>

#include <array>
#include <atomic>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace eddy {

class Runtime;

namespace internal {

class CorePort;

// A call of a task to another core (SubmitTo), in the frame of its caller. What
// a core touches of the other one's memory is what costs: it is small.
class CoreCall : public ListedWait<CoreCall>, protected Message {
 public:
  explicit CoreCall(unsigned core) noexcept : core_(core) {}
  // Before it is awaited.
  CoreCall(CoreCall&& other) noexcept
      : ListedWait<CoreCall>(std::move(other)), core_(other.core_) {}

  const char* name() const noexcept final { return "SubmitTo"; }

 protected:
  ~CoreCall() = default;

  // On the caller's core: what await_suspend gives.
  bool Begin(PromiseBase& caller) noexcept;
  // Why it was not carried out.
  const std::optional<Error>& refused() const noexcept { return refused_; }
  std::uint8_t level() const noexcept { return level_; }
  // Whether caller and callee are one.
  bool is_local() const noexcept;

  // On the core that is called: calls the function. True if the outcome is
  // there; false if a task of it goes on, which calls Ended().
  virtual bool Carry() noexcept = 0;
  void Ended() noexcept;

  // Sends a message after the call, which comes back as it does.
  void SendBehind(Message& message) noexcept;
  void SendBack(Message& message) noexcept;
  void Back() noexcept;

 private:
  friend class CorePort;

  void Cancel() noexcept final;
  // A stop of the caller, while it is carried out.
  virtual void StopCarrying() noexcept {}
  // On the core that is called, and when it is back.
  void Deliver() noexcept final;

  const unsigned core_;
  // What follows belongs to the core that is called until this is back, but
  // for out_.
  bool carried_out_ = false;
  // Messages that are not back.
  std::uint8_t out_ = 0;
  std::uint8_t level_ = 0;
  std::optional<Error> refused_;
  CorePort* caller_ = nullptr;
};

// One that is carried out by a task, which a stop may reach.
class CoreTaskCall : public CoreCall {
 protected:
  explicit CoreTaskCall(unsigned core) noexcept
      : CoreCall(core), stop_(*this) {}
  CoreTaskCall(CoreTaskCall&& other) noexcept
      : CoreCall(std::move(other)), stop_(*this) {}
  ~CoreTaskCall() = default;

  // On the core that is called: where the task runs, and lets it run.
  TaskContext& MakeContext() noexcept;
  void Run(std::coroutine_handle<PromiseBase> task) noexcept;
  // It has ended: takes its outcome, and destroys it.
  virtual void TakeOutcome() noexcept = 0;

 private:
  friend class CorePort;

  class Context final : public TaskContext, public ListHook<Context> {
   public:
    // On the core that calls itself, a stop comes from above.
    Context(CoreTaskCall& call, const TaskContext& caller) noexcept
        : TaskContext(&caller), call_(call) {}
    Context(CoreTaskCall& call, Reactor& reactor) noexcept
        : TaskContext(reactor), call_(call) {}

   private:
    std::coroutine_handle<> ChainEnded() noexcept override {
      call_.TaskEnded();
      return std::noop_coroutine();
    }

    CoreTaskCall& call_;
  };

  class Stop final : public Message {
   public:
    explicit Stop(CoreTaskCall& call) noexcept : call_(call) {}
    void Deliver() noexcept override;

   private:
    CoreTaskCall& call_;
    bool carried_out_ = false;
  };

  void StopCarrying() noexcept final;
  void VisitContexts(ContextVisitor& visitor) const final;
  void TaskEnded() noexcept;

  // Of the core that is called, until the call is back.
  std::optional<Context> context_;
  ReadyNode start_;
  Stop stop_;
};

// What is destroyed on the core where it was made (OwnedBy).
class Homing : public Message {
 public:
  Homing() noexcept = default;
  virtual ~Homing() = default;
  Homing(const Homing&) = delete;
  Homing& operator=(const Homing&) = delete;

 private:
  friend class CorePort;
  void Deliver() noexcept final { delete this; }

  std::unique_ptr<Homing> next_left_over_;
};

// What the ports of a Runtime share. What is not atomic changes only while no
// loop runs, or belongs to core 0.
struct CoreGroup {
  CoreGroup(unsigned count, std::size_t most_calls_in)
      : ports(count), inboxes(count), most_calls(most_calls_in) {}

  unsigned size() const noexcept { return static_cast<unsigned>(ports.size()); }

  std::vector<std::unique_ptr<CorePort>> ports;
  // As Inbox::Send demands.
  std::vector<std::shared_ptr<Inbox>> inboxes;
  const std::size_t most_calls;
  // What core 0 knows of the end.
  unsigned idle = 0;
  unsigned drained = 0;
  bool stopping = false;
  // How many cores are stopped. Of several failures, the first belongs to the
  // first of them.
  std::atomic<unsigned> stopped = 0;
  // Whether the loops run.
  std::atomic<bool> running = false;
};

class CorePort final : private LoopKeeper {
 public:
  // REQUIRES: on the reactor's thread, which does not run.
  CorePort(CoreGroup& group, unsigned core, Runtime& runtime,
           Reactor& reactor) noexcept;
  CorePort(const CorePort&) = delete;
  CorePort& operator=(const CorePort&) = delete;

  // The port of the reactor that runs on this thread, or null.
  static CorePort* Current() noexcept {
    // (In the child of a fork() no reactor runs.)
    return Reactor::Current() != nullptr ? current_ : nullptr;
  }
  // The same for `call`, which aborts where there is none.
  static CorePort& OfThread(const char* call) noexcept;

  unsigned core() const noexcept { return core_; }
  Runtime& runtime() const noexcept { return runtime_; }
  Reactor& reactor() const noexcept { return reactor_; }

  // Before and after each run, on the reactor's thread.
  void Open() noexcept;
  void Close() noexcept;
  // When no loop runs any more: destroys what could not be sent home.
  void DropLeftOver() noexcept;

  // As which of the cores it was stopped; see CoreGroup::stopped.
  unsigned stop_order() const noexcept { return stop_order_; }

  const CoreGroup& group() const noexcept { return group_; }

  // Lets it be destroyed on its core.
  void SendHome(unsigned core, std::unique_ptr<Homing> object) noexcept;

 private:
  friend class CoreCall;
  friend class CoreTaskCall;

  // A step of the end.
  class Step final : public Message {
   public:
    Step(CorePort& port, void (CorePort::*take)() noexcept) noexcept
        : port_(port), take_(take) {}
    void Deliver() noexcept override { (port_.*take_)(); }

   private:
    CorePort& port_;
    void (CorePort::*const take_)() noexcept;
  };

  // What goes to another core.
  struct Way {
    struct Level {
      std::size_t out = 0;
      WaitList<CoreCall> waiting;
    };
    static constexpr std::uint8_t kLevels = 4;

    std::array<Level, kLevels> levels;
    MessageBatch batch;  // of this turn
  };

  bool MayEnd() noexcept override;
  void EndTurn() noexcept override;
  void VisitContexts(ContextVisitor& visitor) const override;
  bool leads() const noexcept { return core_ == 0; }
  void Tell(Step& step) noexcept;
  void ForEachOther(Step CorePort::*step) noexcept;
  void SendBatches() noexcept;
  void Send(unsigned core, Message& message) noexcept;
  void SendCall(CoreCall& call) noexcept;
  void CallIsBack(const CoreCall& call) noexcept;
  void LookWhetherDrained() noexcept;

  // Carried out here, when core 0 says so.
  void TakeStop() noexcept;
  void TakeClose() noexcept;
  void TakeEnd() noexcept;
  // Carried out by core 0, when this one has said so.
  void IsStopped() noexcept;
  void IsIdle() noexcept;
  void IsDrained() noexcept;

  static inline constinit thread_local CorePort* current_ = nullptr;

  CoreGroup& group_;
  const unsigned core_;
  Runtime& runtime_;
  Reactor& reactor_;
  std::vector<Way> ways_;
  bool has_batches_ = false;
  std::size_t out_ = 0;  // messages of calls, of all ways
  // Of the calls that others have sent.
  IntrusiveList<CoreTaskCall::Context> running_;
  std::unique_ptr<Homing> left_over_;
  unsigned stop_order_ = 0;
  bool stopped_ = false;
  bool idle_ = false;
  bool closed_ = false;
  bool drained_ = false;
  bool may_end_ = false;
  Step stop_, close_, end_, is_stopped_, is_idle_, is_drained_;
};

}  // namespace internal
}  // namespace eddy

#endif  // EDDY_RUNTIME_CORE_PORT_H_
