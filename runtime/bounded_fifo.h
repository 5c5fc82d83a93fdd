// BoundedFifo: a queue of at most so many values, in one block that is
// allocated when the queue is made: pushing and popping allocate nothing.
#ifndef EDDY_RUNTIME_BOUNDED_FIFO_H_
#define EDDY_RUNTIME_BOUNDED_FIFO_H_

#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

namespace eddy::internal {

template <class T>
class BoundedFifo {
 public:
  // Throws std::bad_alloc. A queue for no values takes no memory.
  explicit BoundedFifo(std::size_t capacity)
      : capacity_(capacity),
        values_(capacity == 0 ? nullptr
                              : std::allocator<T>().allocate(capacity)) {}
  BoundedFifo(const BoundedFifo&) = delete;
  BoundedFifo& operator=(const BoundedFifo&) = delete;
  ~BoundedFifo() {
    while (!empty()) Pop();
    if (values_ != nullptr) std::allocator<T>().deallocate(values_, capacity_);
  }

  bool empty() const noexcept { return size_ == 0; }
  bool full() const noexcept { return size_ == capacity_; }
  std::size_t size() const noexcept { return size_; }
  std::size_t capacity() const noexcept { return capacity_; }

  // REQUIRES: not full(). Where the constructor of T throws, nothing is pushed.
  template <class U>
  void Push(U&& value) noexcept(std::is_nothrow_constructible_v<T, U&&>) {
    std::construct_at(values_ + Place(size_), std::forward<U>(value));
    ++size_;
  }

  // The oldest one, and the one with `index` before it.
  // REQUIRES: there is one.
  T& front() noexcept { return values_[head_]; }
  const T& operator[](std::size_t index) const noexcept {
    return values_[Place(index)];
  }

  // REQUIRES, as Take(): not empty(). The end of the value must not use the
  // queue.
  void Pop() noexcept {
    T& value = front();
    head_ = Place(1);
    --size_;
    std::destroy_at(&value);
  }
  // Moves the oldest one out, for values whose end may use the queue.
  T Take() noexcept(std::is_nothrow_move_constructible_v<T>) {
    T value(std::move(front()));
    Pop();
    return value;
  }

 private:
  std::size_t Place(std::size_t index) const noexcept {
    // (Not head_ + index, which may be too large for the type.)
    const std::size_t to_the_end = capacity_ - head_;
    return index < to_the_end ? head_ + index : index - to_the_end;
  }

  const std::size_t capacity_;
  T* const values_;
  std::size_t head_ = 0;
  std::size_t size_ = 0;
};

}  // namespace eddy::internal

#endif  // EDDY_RUNTIME_BOUNDED_FIFO_H_
