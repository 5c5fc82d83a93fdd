// BlockingPool: the threads of the process that run what blocks.
//
// Threads are started when there is more to do than idle threads, up to
// kMaxThreads, and stay. They block all signals, so that signals go to the
// program's own threads. The queue is bounded: what is beyond is refused, and
// not kept in memory without limit.
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
  BlockingJob() noexcept = default;
  ~BlockingJob() = default;
};

class BlockingPool {
 public:
  static constexpr std::size_t kMaxThreads = 16;
  static constexpr std::size_t kMaxQueued = 4096;

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

  std::mutex mutex_;
  std::condition_variable work_;
  IntrusiveList<BlockingJob> jobs_;
  std::size_t queued_ = 0;
  std::size_t idle_ = 0;
  std::size_t threads_ = 0;
};

}  // namespace eddy::internal

#endif  // EDDY_RUNTIME_BLOCKING_POOL_H_
