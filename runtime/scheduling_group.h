// SchedulingGroup: a share of a reactor's time, for tasks that go together.
//
//   const SchedulingGroup compaction = SchedulingGroup::Get("compaction", 20);
//   co_await compaction.Run(Compact(table));     // and all that it awaits
//
// Where several groups have tasks that are ready, each has the core in
// proportion to its shares; a group that is alone has all of it. What is in no
// group is in the one without a name, of 100 shares. So background work with 20
// shares takes a sixth of a core that the foreground wants too, and no more;
// and what a group did not use it has no claim to later.
//
// Cooperative: a task runs until it waits. One that computes for long yields
// (Yield) every few hundred microseconds, or what it shares the core with waits
// for it once, and has the more afterwards.
//
// Groups are of one reactor; make one of the same name on each core. A task
// that is spawned is in the group of its scope; a call to another core begins
// there in the group without a name. Thread safety: as the reactor. Cost:
// nothing until a reactor has a group. Then a look at the clock for each
// resumption (about 25 ns), which is what time() is measured by; Run is two
// trips through the ready queue, and allocates nothing.
#ifndef EDDY_RUNTIME_SCHEDULING_GROUP_H_
#define EDDY_RUNTIME_SCHEDULING_GROUP_H_

#include <eddy/runtime/context_awaitable.h>
#include <eddy/runtime/reactor.h>
#include <eddy/runtime/suspension.h>
#include <eddy/runtime/task.h>
#include <eddy/runtime/task_context.h>
#include <eddy/runtime/time.h>

#include <coroutine>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace eddy {

namespace internal {

template <class T>
class GroupAwaitable;

}  // namespace internal

class SchedulingGroup {
 public:
  static constexpr unsigned kDefaultShares = 100;

  // The group of that name of the reactor that runs on this thread; made, with
  // these shares, where there is none yet; "" is that of what is in none. It
  // lives as long as the reactor.
  // REQUIRES: a reactor runs; shares > 0; at most 256 groups. Violations abort.
  static SchedulingGroup Get(std::string_view name,
                             unsigned shares = kDefaultShares);

  // That of the coroutine that runs now. REQUIRES: a reactor runs.
  static SchedulingGroup Current() noexcept;

  // Runs the task, and all that it awaits and spawns, in this group. Result,
  // exceptions and stop: those of the task.
  template <class T>
  internal::GroupAwaitable<T> Run(Task<T> task) const {
    return internal::GroupAwaitable<T>(*reactor_, index_, std::move(task));
  }

  const std::string& name() const noexcept;
  unsigned shares() const noexcept;
  void set_shares(unsigned shares) const;
  // How long its tasks have run, and how often one was resumed, since the
  // reactor has groups.
  Duration time() const noexcept;
  std::uint64_t resumptions() const noexcept;

 private:
  SchedulingGroup(Reactor& reactor, std::uint8_t index) noexcept
      : reactor_(&reactor), index_(index) {}

  Reactor* reactor_;
  std::uint8_t index_;
};

namespace internal {

template <class T>
class [[nodiscard]] GroupAwaitable final : public Suspension {
 public:
  GroupAwaitable(Reactor& reactor, std::uint8_t group, Task<T> task) noexcept
      : reactor_(reactor), group_(group), task_(std::move(task)) {}
  GroupAwaitable(GroupAwaitable&& other) noexcept
      : reactor_(other.reactor_),
        group_(other.group_),
        task_(std::move(other.task_)) {}

  bool await_ready() const noexcept { return false; }
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> waiter) noexcept {
    PromiseBase& promise = waiter.promise();
    reactor_.AssertCurrent();
    context_.emplace(*this, *promise.context);
    context_->set_group(group_);
    Suspend(promise);
    // By the queue, so that the time from here on is that of the group; and
    // back by it.
    start_.coroutine = TaskAccess::Begin(task_, *context_);
    reactor_.Ready(start_);
  }
  [[nodiscard]] T await_resume() { return TaskAccess::PromiseOf(task_).Take(); }

  void Cancel() noexcept override { context_->RequestStop(); }
  const char* name() const noexcept override { return "SchedulingGroup::Run"; }
  void VisitContexts(ContextVisitor& visitor) const override {
    visitor.Visit(*context_);
  }

 private:
  class Context final : public TaskContext {
   public:
    Context(GroupAwaitable& owner, const TaskContext& outer) noexcept
        : TaskContext(&outer), owner_(owner) {}

   private:
    std::coroutine_handle<> ChainEnded() noexcept override {
      owner_.Wake();
      return std::noop_coroutine();
    }
    GroupAwaitable& owner_;
  };

  Reactor& reactor_;
  const std::uint8_t group_;
  Task<T> task_;
  std::optional<Context> context_;
  ReadyNode start_;
};

}  // namespace internal
}  // namespace eddy

#endif  // EDDY_RUNTIME_SCHEDULING_GROUP_H_
