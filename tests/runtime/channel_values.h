// The values that the tests of channels and their like send.
#ifndef EDDY_TESTS_RUNTIME_CHANNEL_VALUES_H_
#define EDDY_TESTS_RUNTIME_CHANNEL_VALUES_H_

#include <gtest/gtest.h>

#include <stdexcept>
#include <utility>

namespace eddy::test {

// Can only be moved; counts those that hold a value.
class Item {
 public:
  explicit Item(int value) noexcept : value_(value) { ++live_; }
  Item(Item&& other) noexcept : value_(std::exchange(other.value_, -1)) {}
  Item& operator=(Item&& other) noexcept {
    std::swap(value_, other.value_);
    return *this;
  }
  ~Item() {
    if (value_ >= 0) --live_;
  }

  // -1: it was moved from.
  int value() const noexcept { return value_; }

  static int live() noexcept { return live_; }

 private:
  static inline int live_ = 0;

  int value_;
};

// Its moves and copies throw when they are told to; then it stays as it was.
class Fragile {
 public:
  explicit Fragile(int value) noexcept : value_(value) {}
  Fragile(Fragile&& other) : value_(other.value_) {
    MayThrow();
    other.value_ = -1;
  }
  Fragile(const Fragile& other) : value_(other.value_) { MayThrow(); }
  Fragile& operator=(Fragile&& other) {
    MayThrow();
    value_ = std::exchange(other.value_, -1);
    return *this;
  }
  ~Fragile() = default;

  int value() const noexcept { return value_; }

  // The move after so many others throws; -1: none.
  static void ThrowAfter(int moves) noexcept { left_ = moves; }

 private:
  static void MayThrow() {
    if (left_ >= 0 && left_-- == 0) throw std::runtime_error("fragile");
  }

  static inline int left_ = -1;

  int value_;
};

}  // namespace eddy::test

// Inside a coroutine: that what is awaited throws, and not something else.
#define CO_EXPECT_BREAKS(...)                \
  do {                                       \
    bool eddy_broke = false;                 \
    try {                                    \
      static_cast<void>(__VA_ARGS__);        \
    } catch (const std::runtime_error&) {    \
      eddy_broke = true;                     \
    }                                        \
    EXPECT_TRUE(eddy_broke) << #__VA_ARGS__; \
    ::eddy::test::Fragile::ThrowAfter(-1);   \
  } while (false)

#endif  // EDDY_TESTS_RUNTIME_CHANNEL_VALUES_H_
