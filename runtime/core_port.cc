#include <eddy/runtime/core_port.h>

#include <eddy/runtime/await_budget.h>
#include <eddy/runtime/misuse.h>
#include <eddy/runtime/task_scope.h>

#include <algorithm>
#include <utility>

namespace eddy::internal {

// --- A call, on its caller's core ------------------------------------------

bool CoreCall::Begin(PromiseBase& caller) noexcept {
  TaskContext& context = *caller.context;
  context.reactor().AssertCurrent();
  CorePort* const port = CorePort::current_;
  if (port == nullptr) [[unlikely]] {
    Misuse(
        "SubmitTo was awaited on a reactor that is no core of a Runtime; run "
        "the task with Runtime::Run");
  }
  if (core_ >= port->group_.size()) [[unlikely]] {
    Misuse("SubmitTo was given core %u of a Runtime of %u", core_,
           port->group_.size());
  }
  caller_ = port;
  if (context.stop_requested()) {
    refused_ = kCanceled;
    return AwaitBudget::Spend(caller);
  }
  if (core_ == port->core()) {
    Suspend(caller);
    if (!Carry()) return true;
    Unsuspend(context);
    return AwaitBudget::Spend(caller);
  }
  if (port->closed_) {
    refused_ = kClosed;
    return AwaitBudget::Spend(caller);
  }
  constexpr std::uint8_t kLast = CorePort::Way::kLevels - 1;
  level_ = std::min(context.call_depth(), kLast);
  CorePort::Way::Level& level = port->ways_[core_].levels[level_];
  if (level.out >= port->group_.most_calls && level_ != kLast) {
    WaitIn(level.waiting, caller);
    return true;
  }
  Suspend(caller);
  port->SendCall(*this);
  return true;
}

bool CoreCall::is_local() const noexcept { return core_ == caller_->core(); }

void CoreCall::Cancel() noexcept {
  if (linked()) {
    Unlink();
    refused_ = kCanceled;
    Wake();
  } else {
    StopCarrying();
  }
}

void CoreCall::SendBehind(Message& message) noexcept {
  ++out_;
  ++caller_->out_;
  caller_->group_.inboxes[caller_->core()]->Expect();
  caller_->Send(core_, message);
}

void CoreCall::Back() noexcept {
  CorePort& port = *caller_;
  --port.out_;
  port.group_.inboxes[port.core()]->Arrived();
  if (--out_ == 0) Wake();
  port.LookWhetherDrained();
}

void CoreTaskCall::StopCarrying() noexcept {
  if (is_local()) {
    context_->RequestStop();
  } else {
    SendBehind(stop_);
  }
}

void CoreTaskCall::VisitContexts(ContextVisitor& visitor) const {
  // Another core's context is seen there.
  if (is_local()) visitor.Visit(*context_);
}

// --- A call, on the core that is called ------------------------------------

void CoreCall::Deliver() noexcept {
  if (carried_out_) {
    caller_->CallIsBack(*this);
    Back();
  } else if (Carry()) {
    carried_out_ = true;
    SendBack(*this);
  }
}

void CoreCall::Ended() noexcept {
  if (is_local()) {
    Wake();
  } else {
    carried_out_ = true;
    SendBack(*this);
  }
}

// (The caller may go on, and this be gone, from the end of the turn on.)
void CoreCall::SendBack(Message& message) noexcept {
  CorePort::Current()->Send(caller_->core(), message);
}

TaskContext& CoreTaskCall::MakeContext() noexcept {
  // (The caller waits, and does not change its context.)
  const TaskContext& caller = *waiter()->context;
  if (is_local()) return context_.emplace(*this, caller);
  context_.emplace(*this, CorePort::Current()->reactor());
  context_->LimitDeadline(caller.deadline());
  context_->set_call_depth(static_cast<std::uint8_t>(level() + 1));
  return *context_;
}

void CoreTaskCall::Run(std::coroutine_handle<PromiseBase> task) noexcept {
  CorePort& port = *CorePort::Current();
  if (!is_local()) port.running_.PushBack(*context_);
  start_.coroutine = task;
  port.reactor().Ready(start_);
}

void CoreTaskCall::TaskEnded() noexcept {
  TakeOutcome();
  if (context_->linked()) context_->Unlink();
  context_.reset();
  Ended();
}

void CoreTaskCall::Stop::Deliver() noexcept {
  if (carried_out_) return call_.Back();
  if (call_.context_) call_.context_->RequestStop();
  carried_out_ = true;
  call_.SendBack(*this);
}

// --- A port ----------------------------------------------------------------

CorePort::CorePort(CoreGroup& group, unsigned core, Runtime& runtime,
                   Reactor& reactor) noexcept
    : group_(group),
      core_(core),
      runtime_(runtime),
      reactor_(reactor),
      ways_(group.size()),
      stop_(*this, &CorePort::TakeStop),
      close_(*this, &CorePort::TakeClose),
      end_(*this, &CorePort::TakeEnd),
      is_stopped_(*this, &CorePort::IsStopped),
      is_idle_(*this, &CorePort::IsIdle),
      is_drained_(*this, &CorePort::IsDrained) {}

CorePort& CorePort::OfThread(const char* call) noexcept {
  if (current_ == nullptr) {
    Misuse("%s was called on a thread that is no core of a running Runtime",
           call);
  }
  return *current_;
}

void CorePort::Open() noexcept {
  stop_order_ = 0;
  stopped_ = idle_ = closed_ = drained_ = may_end_ = false;
  current_ = this;
  group_.inboxes[core_]->Open();
  reactor_.set_keeper(this);
}

void CorePort::Close() noexcept {
  reactor_.set_keeper(nullptr);
  current_ = nullptr;
}

void CorePort::Send(unsigned core, Message& message) noexcept {
  ways_[core].batch.Add(message);
  has_batches_ = true;
}

void CorePort::EndTurn() noexcept {
  if (!stopped_ && reactor_.scope().stop_requested()) {
    stopped_ = true;
    // Relaxed: that a core was stopped because another one was is told by
    // messages.
    stop_order_ = group_.stopped.fetch_add(1, std::memory_order_relaxed);
    Tell(is_stopped_);
  }
  SendBatches();
}

void CorePort::SendBatches() noexcept {
  if (!has_batches_) return;
  has_batches_ = false;
  for (unsigned core = 0; core < group_.size(); ++core) {
    MessageBatch& batch = ways_[core].batch;
    if (!batch.empty()) group_.inboxes[core]->Send(batch);
  }
}

void CorePort::SendCall(CoreCall& call) noexcept {
  ++ways_[call.core_].levels[call.level_].out;
  call.SendBehind(call);
}

void CorePort::CallIsBack(const CoreCall& call) noexcept {
  Way::Level& level = ways_[call.core_].levels[call.level_];
  --level.out;
  if (level.waiting.empty()) return;
  CoreCall& next = level.waiting.front();
  next.Unlink();
  SendCall(next);
}

void CorePort::SendHome(unsigned core,
                        std::unique_ptr<Homing> object) noexcept {
  if (core == core_) return;  // which destroys it
  if (closed_) {
    // Nothing may be sent any more, and the other core's tasks may still run.
    object->next_left_over_ = std::move(left_over_);
    left_over_ = std::move(object);
  } else {
    Send(core, *object.release());
  }
}

void CorePort::DropLeftOver() noexcept {
  while (left_over_ != nullptr) {
    left_over_ = std::move(left_over_->next_left_over_);
  }
}

void CorePort::VisitContexts(ContextVisitor& visitor) const {
  for (const CoreTaskCall::Context& context : running_) visitor.Visit(context);
}

// --- The end of a run ------------------------------------------------------

bool CorePort::MayEnd() noexcept {
  if (!idle_) {
    idle_ = true;
    Tell(is_idle_);
    SendBatches();
  }
  return may_end_;
}

// Lets core 0 carry out the step.
void CorePort::Tell(Step& step) noexcept {
  if (leads()) {
    step.Deliver();
  } else {
    Send(0, step);
  }
}

// On core 0.
void CorePort::ForEachOther(Step CorePort::*step) noexcept {
  for (unsigned core = 1; core < group_.size(); ++core) {
    Send(core, (*group_.ports[core]).*step);
  }
}

void CorePort::IsStopped() noexcept {
  if (std::exchange(group_.stopping, true)) return;
  CorePort& leader = *group_.ports[0];
  leader.ForEachOther(&CorePort::stop_);
  leader.TakeStop();
}

void CorePort::IsIdle() noexcept {
  if (++group_.idle != group_.size()) return;
  CorePort& leader = *group_.ports[0];
  leader.ForEachOther(&CorePort::close_);
  leader.TakeClose();
}

void CorePort::IsDrained() noexcept {
  if (++group_.drained != group_.size()) return;
  CorePort& leader = *group_.ports[0];
  leader.ForEachOther(&CorePort::end_);
  leader.TakeEnd();
}

void CorePort::TakeStop() noexcept { reactor_.RequestStop(); }

void CorePort::TakeClose() noexcept {
  closed_ = true;
  for (Way& way : ways_) {
    for (Way::Level& level : way.levels) {
      while (!level.waiting.empty()) {
        level.waiting.front().refused_ = kClosed;
        level.waiting.WakeFirst();
      }
    }
  }
  LookWhetherDrained();
}

void CorePort::LookWhetherDrained() noexcept {
  if (!closed_ || out_ != 0 || drained_) return;
  drained_ = true;
  Tell(is_drained_);
}

void CorePort::TakeEnd() noexcept {
  may_end_ = true;
  group_.inboxes[core_]->Close();
}

}  // namespace eddy::internal
