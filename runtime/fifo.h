// Fifo: a queue of small values in one block, which it keeps unless it is
// large: in a steady state it allocates nothing, and one that was never used
// holds no memory.
#ifndef EDDY_RUNTIME_FIFO_H_
#define EDDY_RUNTIME_FIFO_H_

#include <cstddef>
#include <utility>
#include <vector>

namespace eddy::internal {

template <class T>
class Fifo {
 public:
  bool empty() const noexcept { return head_ == values_.size(); }
  std::size_t size() const noexcept { return values_.size() - head_; }

  void Push(T value) {
    // What was taken is dropped before the block would grow.
    if (values_.size() == values_.capacity() && head_ >= size()) {
      values_.erase(values_.begin(),
                    values_.begin() + static_cast<std::ptrdiff_t>(head_));
      head_ = 0;
    }
    values_.push_back(std::move(value));
  }

  // REQUIRES: not empty().
  T Pop() noexcept {
    T value = std::move(values_[head_++]);
    if (empty()) {
      values_.clear();
      head_ = 0;
      if (values_.capacity() > kMostKept) values_.shrink_to_fit();
    }
    return value;
  }

 private:
  static constexpr std::size_t kMostKept = 4096 / sizeof(T);

  std::vector<T> values_;
  std::size_t head_ = 0;
};

}  // namespace eddy::internal

#endif  // EDDY_RUNTIME_FIFO_H_
