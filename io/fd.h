// Fd: a file descriptor that is closed once, after its last operation.
//
// Ownership: move-only. The destructor closes without blocking the loop: on a
// running reactor the close is one of the ring's operations, which the reactor
// awaits before it ends; elsewhere it is close(2). `co_await fd.Close()` tells
// whether closing failed, which is where a file system may report a lost write.
//
// An operation on a descriptor refers to its Fd until it completes: closing,
// moving or destroying the Fd before that aborts. (Closing would neither end a
// pending receive nor send FIN, and the number could be taken by another file.)
// Stop the operations first; a scope does it.
//
// Thread safety: one thread, that of the reactor which uses it.
#ifndef EDDY_IO_FD_H_
#define EDDY_IO_FD_H_

#include <cstdint>
#include <utility>

namespace eddy::io {

class Close;

class Fd {
 public:
  // No descriptor.
  Fd() noexcept = default;
  // Takes over an open descriptor.
  explicit Fd(int fd) noexcept : fd_(fd) {}

  Fd(Fd&& other) noexcept : fd_(other.Release()) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) {
      Reset();
      fd_ = other.Release();
    }
    return *this;
  }
  ~Fd() {
    if (fd_ >= 0 || operations_ != 0) Reset();
  }

  // The descriptor, -1 if there is none.
  int get() const noexcept { return fd_; }
  bool valid() const noexcept { return fd_ >= 0; }

  // Gives up the descriptor without closing it.
  int Release() noexcept {
    if (operations_ != 0) [[unlikely]] {
      UsedInFlight();
    }
    return std::exchange(fd_, -1);
  }

  // Awaitable: closes the descriptor and gives a Result<void>. This Fd is empty
  // from the call on. See close.h, which has to be included.
  class Close Close() noexcept;

  // For operations: an operation in flight refers to this object.
  void Pin() const noexcept { ++operations_; }
  void Unpin() const noexcept {
    --operations_;
    ++completed_;
  }

  // Whether an operation is in flight, and how many have completed (modulo
  // 2^32).
  bool in_use() const noexcept { return operations_ != 0; }
  std::uint32_t completed() const noexcept { return completed_; }

  // What a path is relative to if to no directory that is open: the process's
  // current directory (AT_FDCWD).
  static const Fd& CurrentDirectory() noexcept;

 private:
  void Reset() noexcept;
  [[noreturn]] void UsedInFlight() const noexcept;

  int fd_ = -1;
  mutable std::uint32_t operations_ = 0;
  mutable std::uint32_t completed_ = 0;
};

}  // namespace eddy::io

#endif  // EDDY_IO_FD_H_
