#include <eddy/runtime/remote_port.h>

#include <eddy/runtime/misuse.h>
#include <eddy/runtime/reactor.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/with_stop.h>
#include <eddy/runtime/yield.h>

#include <pthread.h>

#include <atomic>
#include <mutex>
#include <new>
#include <utility>

namespace eddy::internal {
namespace {

// How many calls begin before all else has its turn.
constexpr std::size_t kStartsPerTurn = 256;

// The forks between the first process and this one.
unsigned Forks() noexcept {
  static std::atomic<unsigned> forks = 0;
  // Relaxed: a child begins with one thread.
  static const int at_fork = pthread_atfork(
      nullptr, nullptr, [] { forks.fetch_add(1, std::memory_order_relaxed); });
  static_cast<void>(at_fork);
  return forks.load(std::memory_order_relaxed);
}

}  // namespace

// The port that a reactor opened last.
struct RemotePort::OfReactor {
  explicit OfReactor(Reactor&) noexcept {}
  std::weak_ptr<RemotePort> port;
};

Result<std::shared_ptr<RemotePort>> RemotePort::Of(Reactor& reactor) {
  auto& opened = reactor.Local<OfReactor>();
  if (std::shared_ptr<RemotePort> port = opened.port.lock()) {
    const std::lock_guard lock(port->mutex_);
    if (port->inbox_ != nullptr) return port;
  }
  Result<std::shared_ptr<Inbox>> inbox = reactor.GetInbox();
  if (!inbox) return Unexpected(inbox.error());
  std::shared_ptr<RemotePort> port(new RemotePort(*inbox));
  reactor.scope().Spawn(Serve(port, *std::move(inbox), reactor));
  opened.port = port;
  return port;
}

RemotePort::RemotePort(std::shared_ptr<Inbox> inbox) noexcept
    : forks_(Forks()), inbox_(std::move(inbox)) {}

// (In a child the mutex may be locked for ever.)
std::unique_lock<BriefMutex> RemotePort::Lock() noexcept {
  if (forks_ != Forks()) [[unlikely]] {
    Misuse(
        "a Remote was used in a forked child; a child ends with exec() or "
        "_exit(), or makes a reactor of its own");
  }
  return std::unique_lock(mutex_);
}

Result<void> RemotePort::Start(
    const std::shared_ptr<RemoteCall>& call) noexcept {
  std::unique_lock lock = Lock();
  if (inbox_ == nullptr) return Unexpected(kClosed);
  if (queued_ == kMostQueued) {
    return Unexpected(std::errc::resource_unavailable_try_again);
  }
  call->to_start_ = call;
  to_start_.PushBack(*call);
  ++queued_;
  Ring(std::move(lock));
  return {};
}

// Where the port is closed, the reactor stops all its tasks.
void RemotePort::Stop(const std::shared_ptr<RemoteCall>& call) noexcept {
  std::unique_lock lock = Lock();
  if (inbox_ == nullptr || call->to_stop_ != nullptr) return;
  call->to_stop_ = call;
  to_stop_.PushBack(*call);
  Ring(std::move(lock));
}

void RemotePort::StopReactor() noexcept {
  std::unique_lock lock = Lock();
  if (inbox_ == nullptr) return;
  stop_reactor_ = true;
  Ring(std::move(lock));
}

void RemotePort::CountFailure() noexcept {
  std::unique_lock lock = Lock();
  if (inbox_ == nullptr) return;
  ++failures_;
  Ring(std::move(lock));
}

void RemotePort::Ring(std::unique_lock<BriefMutex> lock) noexcept {
  if (std::exchange(rings_, true)) return;
  // The task stays until it has come, also where the port is closed meanwhile.
  const std::shared_ptr<Inbox> inbox = inbox_;
  lock.unlock();
  inbox->Send(*this);
}

Task<void> RemotePort::Serve(std::shared_ptr<RemotePort> port,
                             std::shared_ptr<Inbox> inbox, Reactor& reactor) {
  inbox->Open();
  while (true) {
    const Result<void> rung = co_await port->rung_.Wait();
    if (!rung) break;
    port->Rung(reactor);
    std::size_t begun = 0;
    while (const std::shared_ptr<RemoteCall> call = port->TakeStart()) {
      try {
        call->Start(reactor.scope(), call);
      } catch (const std::bad_alloc&) {
        call->Refuse(std::errc::not_enough_memory);
      }
      if (++begun % kStartsPerTurn == 0) co_await Yield();
    }
    // After the starts: what is to stop has begun.
    while (const std::shared_ptr<RemoteCall> call = port->TakeStop()) {
      call->Stop();
    }
  }
  const bool rings = port->Close();
  while (const std::shared_ptr<RemoteCall> call = port->TakeStart()) {
    call->Refuse(kClosed);
  }
  // What has begun is stopped with the scope.
  while (port->TakeStop() != nullptr) {
  }
  if (rings) static_cast<void>(co_await Shield(port->rung_.Wait()));
  inbox->Close();
}

void RemotePort::Rung(Reactor& reactor) noexcept {
  const std::lock_guard lock(mutex_);
  rings_ = false;
  for (; failures_ != 0; --failures_) reactor.DropFailure();
  if (std::exchange(stop_reactor_, false)) reactor.RequestStop();
}

std::shared_ptr<RemoteCall> RemotePort::TakeStart() noexcept {
  const std::lock_guard lock(mutex_);
  if (to_start_.empty()) return nullptr;
  RemoteCall& call = to_start_.front();
  static_cast<ListHook<ToStart>&>(call).Unlink();
  --queued_;
  return std::exchange(call.to_start_, nullptr);
}

std::shared_ptr<RemoteCall> RemotePort::TakeStop() noexcept {
  const std::lock_guard lock(mutex_);
  if (to_stop_.empty()) return nullptr;
  RemoteCall& call = to_stop_.front();
  static_cast<ListHook<ToStop>&>(call).Unlink();
  return std::exchange(call.to_stop_, nullptr);
}

bool RemotePort::Close() noexcept {
  const std::lock_guard lock(mutex_);
  inbox_.reset();
  return rings_;
}

}  // namespace eddy::internal
