// CorePort: what a reactor of a Runtime has to do with the others: the calls
// that it sends, the calls that it carries out, and how all of them end.
//
// Invariants:
//  1. A port belongs to its reactor's thread. What goes to another core is a
//     Message, which is owned by one core at a time: sending it hands it over.
//  2. A call is sent once, comes back once, and so does the message that stops
//     it. Its caller goes on when both are back: until then the other core may
//     touch the call.
//  3. Messages of one core to another one arrive in the order sent.
//  4. From one core to another at most `most_calls` calls are on their way or
//     carried out; more wait where they come from, in their order.
//  5. The loops of a run end together, in four steps that core 0 leads:
//       stop   each core is asked to stop, once the main task has ended or a
//              core has failed. Calls go on: what ends may need them.
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

// A call of a task to another core (SubmitTo), in the frame of its caller.
class CoreCall : public ListedWait<CoreCall>, private Message {
 public:
  explicit CoreCall(unsigned core) noexcept : core_(core), stop_(*this) {}
  // Before it is awaited.
  CoreCall(CoreCall&& other) noexcept
      : ListedWait<CoreCall>(std::move(other)),
        core_(other.core_),
        stop_(*this) {}

  const char* name() const noexcept final { return "SubmitTo"; }

 protected:
  // The context, on its core, of a task that carries the call out.
  class Context final : public TaskContext, public ListHook<Context> {
   public:
    // On the core that calls itself, a stop comes from above.
    Context(CoreCall& call, const TaskContext& caller) noexcept
        : TaskContext(&caller), call_(call) {}
    Context(CoreCall& call, Reactor& reactor) noexcept
        : TaskContext(reactor), call_(call) {}

   private:
    std::coroutine_handle<> ChainEnded() noexcept override {
      call_.Ended();
      return std::noop_coroutine();
    }

    CoreCall& call_;
  };

  ~CoreCall() = default;

  // On the caller's core: what await_suspend gives.
  bool Begin(PromiseBase& caller) noexcept;
  // Why it was not carried out.
  const std::optional<Error>& refused() const noexcept { return refused_; }

  // The rest happens on the core that is called.

  // Calls the function. Null, and the outcome is there; or what a task begins
  // with, which runs under MakeContext(caller).
  virtual std::coroutine_handle<PromiseBase> Call(
      const TaskContext* caller) noexcept = 0;
  // `caller` is null where that is on another core.
  TaskContext& MakeContext(const TaskContext* caller) noexcept;
  // The task has ended: takes its outcome, and destroys it.
  virtual void TakeOutcome() noexcept = 0;

 private:
  friend class CorePort;

  class Stop final : public Message {
   public:
    explicit Stop(CoreCall& call) noexcept : call_(call) {}
    void Deliver() noexcept override;

   private:
    CoreCall& call_;
    bool carried_out_ = false;
  };

  void Cancel() noexcept override;
  // On the core that is called, and when it is back.
  void Deliver() noexcept override;
  void VisitContexts(ContextVisitor& visitor) const override;
  void Ended() noexcept;
  void SendBack(CorePort& port) noexcept;
  void Back() noexcept;
  void StopOrCallIsBack() noexcept;

  const unsigned core_;
  // Of the caller.
  CorePort* caller_ = nullptr;
  std::optional<Error> refused_;
  // Messages that are not back.
  unsigned out_ = 0;
  // What follows belongs to the core that is called until this is back.
  bool carried_out_ = false;
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
  // The order in which cores ran out of tasks: of several failures, the first
  // belongs to the first of them.
  std::atomic<unsigned> ended = 0;
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
  static CorePort* Current() noexcept { return current_; }
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

  // When this core ran out of tasks, see CoreGroup::ended.
  unsigned end_order() const noexcept { return end_order_; }

  const CoreGroup& group() const noexcept { return group_; }

  // Lets it be destroyed on its core.
  void SendHome(unsigned core, std::unique_ptr<Homing> object) noexcept;

 private:
  friend class CoreCall;

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
    std::size_t out = 0;
    WaitList<CoreCall> waiting;
  };

  bool MayEnd() noexcept override;
  void VisitContexts(ContextVisitor& visitor) const override;
  bool leads() const noexcept { return core_ == 0; }
  void ForEachOther(Step CorePort::*step) noexcept;
  void Send(unsigned core, Message& message) noexcept;
  void SendCall(CoreCall& call) noexcept;
  void CallIsBack(CoreCall& call) noexcept;
  void LookWhetherDrained() noexcept;

  // Carried out here, when core 0 says so.
  void TakeStop() noexcept;
  void TakeClose() noexcept;
  void TakeEnd() noexcept;
  // Carried out by core 0, when this one has said so.
  void IsIdle() noexcept;
  void IsDrained() noexcept;

  static inline constinit thread_local CorePort* current_ = nullptr;

  CoreGroup& group_;
  const unsigned core_;
  Runtime& runtime_;
  Reactor& reactor_;
  std::vector<Way> ways_;
  std::size_t out_ = 0;  // of all ways
  // Of the calls that others have sent.
  IntrusiveList<CoreCall::Context> running_;
  std::unique_ptr<Homing> left_over_;
  unsigned end_order_ = 0;
  bool idle_ = false;
  bool closed_ = false;
  bool drained_ = false;
  bool may_end_ = false;
  Step stop_, close_, end_, is_idle_, is_drained_;
};

}  // namespace internal
}  // namespace eddy

#endif  // EDDY_RUNTIME_CORE_PORT_H_
