#include <eddy/runtime/blocking_pool.h>

#include <eddy/runtime/allow_blocking.h>
#include <eddy/runtime/granted_cores.h>

#include <pthread.h>
#include <signal.h>

#include <atomic>
#include <exception>
#include <thread>

namespace eddy::internal {
namespace {

// (No BriefMutex: a condition variable goes with it.)
constexpr char kHeldBriefly[] = "the pool's lock is held for a moment";

}  // namespace

BlockingPool& BlockingPool::Get() {
  // Never destroyed: its threads end with the process, which need not wait for
  // them. A forked child has none of them, and begins anew.
  static std::atomic<BlockingPool*> pool = [] {
    pthread_atfork(nullptr, nullptr, [] {
      pool.store(new BlockingPool, std::memory_order_relaxed);
    });
    return new BlockingPool;
  }();
  // Relaxed: the one store after the first is that of a child with one thread.
  return *pool.load(std::memory_order_relaxed);
}

Result<void> BlockingPool::Add(BlockingJob& job) {
  const AllowBlocking allow(kHeldBriefly);
  const std::lock_guard lock(mutex_);
  if (queued_ == kMaxQueued) {
    return Unexpected(std::errc::resource_unavailable_try_again);
  }
  const bool all_busy = queued_ >= idle_;
  if (all_busy && threads_ < kMaxThreads && !StartThread() && threads_ == 0) {
    return Unexpected(std::errc::resource_unavailable_try_again);
  }
  (job.abandonable_ ? abandonable_jobs_ : jobs_).PushBack(job);
  ++queued_;
  work_.notify_one();
  return {};
}

bool BlockingPool::Remove(BlockingJob& job) noexcept {
  const AllowBlocking allow(kHeldBriefly);
  const std::lock_guard lock(mutex_);
  if (!job.linked()) return false;
  job.Unlink();
  --queued_;
  return true;
}

// A new thread inherits the mask of the thread that starts it.
bool BlockingPool::StartThread() {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  bool started = true;
  try {
    // Also where the thread of a core starts it, which is pinned.
    std::thread([this, mask = ThreadPin::Unpinned()] {
      if (mask) mask->Apply();
      Work();
    }).detach();
    ++threads_;
  } catch (const std::exception&) {  // no thread, or no memory for it
    started = false;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return started;
}

// Those that may be abandoned go first: they never get all the threads, and the
// others, which may, could keep them waiting for ever.
BlockingJob& BlockingPool::TakeJob() noexcept {
  BlockingJob& job =
      MayRunAbandonable() ? abandonable_jobs_.front() : jobs_.front();
  job.Unlink();
  --queued_;
  return job;
}

void BlockingPool::Work() {
  std::unique_lock lock(mutex_);
  while (true) {
    ++idle_;
    work_.wait(lock, [this] { return !jobs_.empty() || MayRunAbandonable(); });
    --idle_;
    BlockingJob& job = TakeJob();
    // The job may be gone when it has run.
    const bool abandonable = job.abandonable_;
    if (abandonable) ++abandonable_running_;
    lock.unlock();
    job.Run();
    lock.lock();
    if (abandonable) --abandonable_running_;
  }
}

}  // namespace eddy::internal
