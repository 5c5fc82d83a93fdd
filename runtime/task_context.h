// TaskContext: what flows down an await chain, and the way a stop goes down.
//
// A chain is a line of coroutines, each awaiting the next; only the last can
// be suspended on something outside. All of them point to one TaskContext. A
// new context begins where something is added: a spawned task, a scope's body,
// a deadline, a stop token, a shield. Contexts form a tree through the
// awaiters that hold them, and a stop is a walk down that tree:
//
//   context.waiting_on -> Sleep, Read, ...     asked to end early
//   context.waiting_on -> WithTimeout(...)     passes the stop to its context
//   context.waiting_on -> WithScope(...)       passes it to body and children
//
// So an await registers with nobody: it stores one pointer, and the same
// pointers are what a dump of the live tasks walks.
#ifndef EDDY_RUNTIME_TASK_CONTEXT_H_
#define EDDY_RUNTIME_TASK_CONTEXT_H_

#include <eddy/runtime/time.h>

#include <coroutine>
#include <cstdint>

namespace eddy {
class Reactor;
}

namespace eddy::internal {

class PromiseBase;
class StopState;
class Suspension;

class TaskContext {
 public:
  // The first context of a reactor, or a shield: nothing stops it from above.
  explicit TaskContext(Reactor& reactor) noexcept : reactor_(&reactor) {}
  // A context below `parent`: its deadline, and already stopped if it is.
  explicit TaskContext(const TaskContext* parent) noexcept
      : reactor_(parent->reactor_),
        deadline_(parent->deadline_),
        flows_down_(parent->flows_down_) {}
  TaskContext(const TaskContext&) = delete;
  TaskContext& operator=(const TaskContext&) = delete;

  Reactor& reactor() const noexcept { return *reactor_; }
  bool stop_requested() const noexcept { return flows_down_.stop_requested; }
  // The nearest deadline above; kNoDeadline where there is none.
  TimePoint deadline() const noexcept { return deadline_; }
  void LimitDeadline(TimePoint deadline) noexcept {
    if (deadline < deadline_) deadline_ = deadline;
  }

  // The scheduling group of the reactor that the chain runs in; 0 is that of
  // all that is in none. What is below a context is in the same one.
  std::uint8_t group() const noexcept { return flows_down_.group; }
  void set_group(std::uint8_t group) noexcept { flows_down_.group = group; }

  // How many calls between cores, each made by what the one before it runs,
  // have led here (see SubmitTo).
  std::uint8_t call_depth() const noexcept { return flows_down_.call_depth; }
  void set_call_depth(std::uint8_t depth) noexcept {
    flows_down_.call_depth = depth;
  }

  // Marks the chain as stopped and asks what it waits on to end early. Resumes
  // nothing in place; a second call does nothing.
  void RequestStop() noexcept;

  // What the last coroutine of the chain is suspended on; null while the chain
  // runs or is queued to run.
  Suspension* waiting_on() const noexcept { return waiting_on_; }
  void set_waiting_on(Suspension* suspension) noexcept {
    waiting_on_ = suspension;
  }

  // The state behind the tokens that CurrentStopToken() hands out; made at the
  // first call.
  StopState& EnsureStopState();

  // Called when the first coroutine of the chain, which no coroutine awaits,
  // has ended. Returns what runs next.
  virtual std::coroutine_handle<> ChainEnded() noexcept;

 protected:
  ~TaskContext() {
    if (stop_state_ != nullptr) [[unlikely]] {
      DropStopState();
    }
  }

 private:
  // (A word, which is copied at once.)
  struct alignas(4) FlowsDown {
    bool stop_requested = false;
    std::uint8_t group = 0;
    std::uint8_t call_depth = 0;
  };

  void DropStopState() noexcept;

  Reactor* reactor_;
  Suspension* waiting_on_ = nullptr;
  TimePoint deadline_ = kNoDeadline;
  StopState* stop_state_ = nullptr;
  FlowsDown flows_down_;
};

}  // namespace eddy::internal

#endif  // EDDY_RUNTIME_TASK_CONTEXT_H_
