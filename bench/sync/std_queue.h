// What a program of threads has in place of a channel: a bounded queue on a
// mutex and two condition variables.
#ifndef EDDY_BENCH_SYNC_STD_QUEUE_H_
#define EDDY_BENCH_SYNC_STD_QUEUE_H_

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

template <class T>
class StdQueue {
 public:
  explicit StdQueue(std::size_t capacity) : capacity_(capacity) {}

  // False once it is closed.
  bool Send(T value) {
    std::unique_lock lock(mutex_);
    not_full_.wait(lock, [&] { return closed_ || values_.size() < capacity_; });
    if (closed_) return false;
    values_.push_back(std::move(value));
    lock.unlock();
    not_empty_.notify_one();
    return true;
  }

  // Empty once it is closed and nothing is left.
  std::optional<T> Receive() {
    std::unique_lock lock(mutex_);
    not_empty_.wait(lock, [&] { return closed_ || !values_.empty(); });
    if (values_.empty()) return std::nullopt;
    T value = std::move(values_.front());
    values_.pop_front();
    lock.unlock();
    not_full_.notify_one();
    return value;
  }

  void Close() {
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
    }
    not_full_.notify_all();
    not_empty_.notify_all();
  }

 private:
  const std::size_t capacity_;
  std::mutex mutex_;
  std::condition_variable not_empty_;
  std::condition_variable not_full_;
  std::deque<T> values_;
  bool closed_ = false;
};

#endif  // EDDY_BENCH_SYNC_STD_QUEUE_H_
