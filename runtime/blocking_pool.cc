#include <eddy/runtime/blocking_pool.h>

#include <signal.h>

#include <exception>
#include <thread>

namespace eddy::internal {

BlockingPool& BlockingPool::Get() {
  // Never destroyed: its threads end with the process, which need not wait for
  // them, and a forked child has none to wait for.
  static BlockingPool& pool = *new BlockingPool;
  return pool;
}

Result<void> BlockingPool::Add(BlockingJob& job) {
  const std::lock_guard lock(mutex_);
  if (queued_ == kMaxQueued) {
    return Unexpected(std::errc::resource_unavailable_try_again);
  }
  const bool all_busy = queued_ >= idle_;
  if (all_busy && threads_ < kMaxThreads && !StartThread() && threads_ == 0) {
    return Unexpected(std::errc::resource_unavailable_try_again);
  }
  jobs_.PushBack(job);
  ++queued_;
  work_.notify_one();
  return {};
}

bool BlockingPool::Remove(BlockingJob& job) noexcept {
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
    std::thread([this] { Work(); }).detach();
    ++threads_;
  } catch (const std::exception&) {  // no thread, or no memory for it
    started = false;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return started;
}

void BlockingPool::Work() {
  std::unique_lock lock(mutex_);
  while (true) {
    ++idle_;
    work_.wait(lock, [this] { return !jobs_.empty(); });
    --idle_;
    BlockingJob& job = jobs_.front();
    job.Unlink();
    --queued_;
    lock.unlock();
    job.Run();
    lock.lock();
  }
}

}  // namespace eddy::internal
