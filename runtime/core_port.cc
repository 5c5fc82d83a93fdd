#include <eddy/runtime/core_port.h>

#include <eddy/runtime/await_budget.h>
#include <eddy/runtime/misuse.h>

#include <utility>

namespace eddy::internal {

// --- A call, on its caller's core
// ---------------------------------------------

bool CoreCall::Begin(PromiseBase& caller) noexcept {
  CorePort* const port = CorePort::Current();
  TaskContext& context = *caller.context;
  context.reactor().AssertCurrent();
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
    start_.coroutine = Call(&context);
    if (!start_.coroutine) return AwaitBudget::Spend(caller);
    Suspend(caller);
    port->reactor().Ready(start_);
    return true;
  }
  if (port->closed_) {
    refused_ = kClosed;
    return AwaitBudget::Spend(caller);
  }
  CorePort::Way& way = port->ways_[core_];
  if (way.out >= port->group_.most_calls) {
    WaitIn(way.waiting, caller);
    return true;
  }
  Suspend(caller);
  port->SendCall(*this);
  return true;
}

void CoreCall::Cancel() noexcept {
  if (linked()) {
    Unlink();
    refused_ = kCanceled;
    Wake();
  } else if (core_ == caller_->core()) {
    context_->RequestStop();
  } else {
    ++out_;
    ++caller_->out_;
    caller_->Send(core_, stop_);
  }
}

void CoreCall::VisitContexts(ContextVisitor& visitor) const {
  // Another core's context is seen there.
  if (core_ == caller_->core()) visitor.Visit(*context_);
}

void CoreCall::Back() noexcept {
  caller_->CallIsBack(*this);
  StopOrCallIsBack();
}

void CoreCall::StopOrCallIsBack() noexcept {
  --caller_->out_;
  CorePort& port = *caller_;
  if (--out_ == 0) Wake();
  port.LookWhetherDrained();
}

// --- A call, on the core that is called
// ----------------------------------------

void CoreCall::Deliver() noexcept {
  if (carried_out_) return Back();
  CorePort& port = *CorePort::Current();
  start_.coroutine = Call(nullptr);
  if (!start_.coroutine) return SendBack(port);
  port.running_.PushBack(*context_);
  port.reactor().Ready(start_);
}

TaskContext& CoreCall::MakeContext(const TaskContext* caller) noexcept {
  if (caller != nullptr) {
    context_.emplace(*this, *caller);
  } else {
    context_.emplace(*this, CorePort::Current()->reactor());
    // (The caller waits, and does not change it.)
    context_->LimitDeadline(waiter()->context->deadline());
  }
  return *context_;
}

void CoreCall::Ended() noexcept {
  TakeOutcome();
  CorePort& port = *CorePort::Current();
  if (&port == caller_) {
    context_.reset();
    Wake();
  } else {
    context_->Unlink();
    context_.reset();
    SendBack(port);
  }
}

// The caller may go on, and this be gone, as soon as it is sent.
void CoreCall::SendBack(CorePort& port) noexcept {
  carried_out_ = true;
  port.Send(caller_->core(), *this);
}

void CoreCall::Stop::Deliver() noexcept {
  if (carried_out_) return call_.StopOrCallIsBack();
  if (call_.context_) call_.context_->RequestStop();
  carried_out_ = true;
  CorePort::Current()->Send(call_.caller_->core(), *this);
}

// --- A port
// --------------------------------------------------------------------

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
  end_order_ = 0;
  idle_ = closed_ = drained_ = may_end_ = false;
  current_ = this;
  group_.inboxes[core_]->Open();
  reactor_.set_keeper(this);
}

void CorePort::Close() noexcept {
  reactor_.set_keeper(nullptr);
  current_ = nullptr;
}

void CorePort::Send(unsigned core, Message& message) noexcept {
  group_.inboxes[core]->Send(message);
}

void CorePort::SendCall(CoreCall& call) noexcept {
  ++ways_[call.core_].out;
  ++out_;
  ++call.out_;
  Send(call.core_, call);
}

void CorePort::CallIsBack(CoreCall& call) noexcept {
  Way& way = ways_[call.core_];
  --way.out;
  if (way.waiting.empty()) return;
  CoreCall& next = way.waiting.front();
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
  for (const CoreCall::Context& context : running_) visitor.Visit(context);
}

// --- The end of a run
// -----------------------------------------------------------

bool CorePort::MayEnd() noexcept {
  if (!idle_) {
    idle_ = true;
    // Relaxed: that a core ended because another one did is told by messages.
    end_order_ = group_.ended.fetch_add(1, std::memory_order_relaxed);
    if (leads()) {
      group_.stopping = true;
      ForEachOther(&CorePort::stop_);
      IsIdle();
    } else {
      Send(0, is_idle_);
    }
  }
  return may_end_;
}

// On core 0, for the port of any core.
void CorePort::ForEachOther(Step CorePort::*step) noexcept {
  for (unsigned core = 1; core < group_.size(); ++core) {
    Send(core, (*group_.ports[core]).*step);
  }
}

void CorePort::IsIdle() noexcept {
  ++group_.idle;
  CorePort& leader = *group_.ports[0];
  if (!group_.stopping) {
    // Without having been asked to: it has failed.
    leader.reactor_.RequestStop();
  } else if (group_.idle == group_.size()) {
    leader.ForEachOther(&CorePort::close_);
    leader.TakeClose();
  }
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
    while (!way.waiting.empty()) {
      CoreCall& call = way.waiting.front();
      call.refused_ = kClosed;
      way.waiting.WakeFirst();
    }
  }
  LookWhetherDrained();
}

void CorePort::LookWhetherDrained() noexcept {
  if (!closed_ || out_ != 0 || drained_) return;
  drained_ = true;
  if (leads()) {
    IsDrained();
  } else {
    Send(0, is_drained_);
  }
}

void CorePort::TakeEnd() noexcept {
  may_end_ = true;
  group_.inboxes[core_]->Close();
}

}  // namespace eddy::internal
