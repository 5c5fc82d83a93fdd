// Gate: what keeps the functions of a test on their threads.
#ifndef EDDY_TESTS_RUNTIME_GATE_H_
#define EDDY_TESTS_RUNTIME_GATE_H_

#include <condition_variable>
#include <mutex>

namespace eddy::test {

// Holds threads until it is opened.
class Gate {
 public:
  void Open() {
    {
      const std::lock_guard lock(mutex_);
      open_ = true;
    }
    opened_.notify_all();
  }
  void Pass() {
    std::unique_lock lock(mutex_);
    ++passing_;
    opened_.wait(lock, [this] { return open_; });
  }
  int passing() {
    const std::lock_guard lock(mutex_);
    return passing_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable opened_;
  bool open_ = false;
  int passing_ = 0;
};

}  // namespace eddy::test

#endif  // EDDY_TESTS_RUNTIME_GATE_H_
