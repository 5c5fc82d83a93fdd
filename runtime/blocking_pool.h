// BlockingPool: the threads of the process that run what blocks.
//
// Threads are started when there is more to do than idle threads, up to
// kMaxThreads, and stay. They block all signals, so that signals go to the
// program's own threads. The queue is bounded: what is beyond is refused, and
// not kept in memory without limit.
//
// A job whose caller may leave it alone (AbandonableBlocking) can hold a thread
// for as long as it likes. Such jobs wait in a line of their own and get
// kMaxAbandonable threads at most, so that the others always have some.
#ifndef EDDY_RUNTIME_BLOCKING_POOL_H_
#define EDDY_RUNTIME_BLOCKING_POOL_H_

#include <eddy/runtime/intrusive_list.h>
#include <eddy/runtime/result.h>

#include <condition_variable>
#include <cstddef>
#include <mutex>

namespace eddy::internal {

// Something to run on a thread of the pool.
class BlockingJob : public ListHook<BlockingJob> {
 public:
  // Called on a thread of the pool; the job may be gone when it returns.
  virtual void Run() noexcept = 0;

 protected:
  explicit BlockingJob(bool abandonable = false) noexcept
      : abandonable_(abandonable) {}
  ~BlockingJob() = default;

 private:
  friend class BlockingPool;
  const bool abandonable_;
};

class BlockingPool {
 public:
  static constexpr std::size_t kMaxThreads = 16;
  static constexpr std::size_t kMaxQueued = 4096;
  static constexpr std::size_t kMaxAbandonable = kMaxThreads / 2;

  // The pool of the process.
  static BlockingPool& Get();

  // Queues a job. Errors: EAGAIN if kMaxQueued jobs wait already, or if no
  // thread can be started and none is there.
  Result<void> Add(BlockingJob& job);

  // Takes back a job that no thread has begun. False if one has.
  bool Remove(BlockingJob& job) noexcept;

 private:
  BlockingPool() = default;
  [[noreturn]] void Work();
  bool StartThread();
  bool MayRunAbandonable() const noexcept {
    return !abandonable_jobs_.empty() && abandonable_running_ < kMaxAbandonable;
  }
  BlockingJob& TakeJob() noexcept;

  std::mutex mutex_;
  std::condition_variable work_;
  IntrusiveList<BlockingJob> jobs_;
  IntrusiveList<BlockingJob> abandonable_jobs_;
  // In both.
  std::size_t queued_ = 0;
  std::size_t abandonable_running_ = 0;
  std::size_t idle_ = 0;
  std::size_t threads_ = 0;
};

}  // namespace eddy::internal

#endif  // EDDY_RUNTIME_BLOCKING_POOL_H_
