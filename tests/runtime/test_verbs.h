// What the runtime's tests share: a few operations (the runtime itself knows
// no socket and no file), a ring that injects faults, threads with a small
// stack, and child processes.
#ifndef EDDY_TESTS_RUNTIME_TEST_VERBS_H_
#define EDDY_TESTS_RUNTIME_TEST_VERBS_H_

#include <eddy/runtime/operation.h>
#include <eddy/runtime/reactor.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/ring.h>
#include <eddy/runtime/uring_abi.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <iterator>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "tests/nop.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define EDDY_TEST_ASAN 1
#elif __has_feature(thread_sanitizer)
#define EDDY_TEST_TSAN 1
#endif
#endif
#ifndef EDDY_TEST_ASAN
#define EDDY_TEST_ASAN 0
#endif
#ifndef EDDY_TEST_TSAN
#define EDDY_TEST_TSAN 0
#endif

namespace eddy::test {

inline constexpr bool kAsan = EDDY_TEST_ASAN;
inline constexpr bool kTsan = EDDY_TEST_TSAN;

// An entry that the kernel refuses with EINVAL when it is submitted.
class [[nodiscard]] BadOperation final : public SingleOperation<BadOperation> {
 public:
  const char* name() const noexcept override { return "BadOperation"; }
  void Prepare(io_uring_sqe* sqe) const {
    io_uring_prep_nop(sqe);
    sqe->opcode = 255;
  }
  Result<void> await_resume() const { return VoidResult(); }
};

// Waits until the descriptor is readable.
class [[nodiscard]] PollIn final : public SingleOperation<PollIn> {
 public:
  explicit PollIn(int fd) noexcept : fd_(fd) {}
  const char* name() const noexcept override { return "PollIn"; }
  void Prepare(io_uring_sqe* sqe) const {
    io_uring_prep_poll_add(sqe, fd_, POLLIN);
  }
  Result<void> await_resume() const { return VoidResult(); }

 private:
  int fd_;
};

class [[nodiscard]] ReadInto final : public SingleOperation<ReadInto> {
 public:
  ReadInto(int fd, std::span<std::byte> buffer,
           std::uint64_t offset = ~std::uint64_t{0}) noexcept
      : fd_(fd), buffer_(buffer), offset_(offset) {}
  const char* name() const noexcept override { return "ReadInto"; }
  void Prepare(io_uring_sqe* sqe) const {
    io_uring_prep_read(sqe, fd_, buffer_.data(),
                       static_cast<unsigned>(buffer_.size()), offset_);
  }
  Result<std::size_t> await_resume() const { return CountResult(); }

 private:
  int fd_;
  std::span<std::byte> buffer_;
  std::uint64_t offset_;
};

// A ring whose system call can fail: `fault` is called with the number of the
// call, from 1; what it returns, if not 0, is the errno that the caller sees,
// and the kernel is not entered.
class FaultyRing final : public Ring {
 public:
  using Fault = std::function<int(int call)>;

  static std::unique_ptr<Ring> Make(const RingOptions& options, Fault fault) {
    std::unique_ptr<FaultyRing> ring(new FaultyRing(std::move(fault)));
    const Result<void> opened = ring->Open(options);
    EXPECT_TRUE(opened.has_value());
    return ring;
  }

 private:
  explicit FaultyRing(Fault fault) : fault_(std::move(fault)) {}

  int EnterKernel(unsigned submit, unsigned min_complete, unsigned flags,
                  io_uring_getevents_arg& arg) noexcept override {
    if (const int error = fault_(++calls_)) return -error;
    return Ring::EnterKernel(submit, min_complete, flags, arg);
  }

  Fault fault_;
  int calls_ = 0;
};

inline std::unique_ptr<Reactor> MakeReactor(
    const ReactorOptions& options = ReactorOptions()) {
  Result<std::unique_ptr<Reactor>> reactor = Reactor::Create(options);
  EXPECT_TRUE(reactor.has_value());
  return *std::move(reactor);
}

// An eventfd, closed with the object.
class EventFd {
 public:
  EventFd() noexcept : fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    EXPECT_GE(fd_, 0);
  }
  ~EventFd() { close(fd_); }
  EventFd(const EventFd&) = delete;
  EventFd& operator=(const EventFd&) = delete;

  int fd() const noexcept { return fd_; }
  void Signal() const noexcept {
    EXPECT_EQ(eventfd_write(fd_, 1), 0) << "eventfd_write";
  }

 private:
  int fd_;
};

// Both ends of a pipe, closed with the object.
class Pipe {
 public:
  Pipe() noexcept { EXPECT_EQ(pipe2(fds_, O_CLOEXEC), 0); }
  ~Pipe() {
    CloseReader();
    CloseWriter();
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  int reader() const noexcept { return fds_[0]; }
  int writer() const noexcept { return fds_[1]; }
  void CloseReader() noexcept { Close(fds_[0]); }
  void CloseWriter() noexcept { Close(fds_[1]); }

 private:
  static void Close(int& fd) noexcept {
    if (fd >= 0) close(std::exchange(fd, -1));
  }

  int fds_[2] = {-1, -1};
};

inline std::ptrdiff_t CountDescriptors() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/fd"),
                       std::filesystem::directory_iterator());
}

// Runs f on a thread whose stack is too small for anything that grows with the
// number of awaits. (Sanitizers need room of their own.)
inline void RunOnSmallStack(std::function<void()> f) {
  constexpr std::size_t kStack = kTsan   ? std::size_t{4} << 20
                                 : kAsan ? std::size_t{1} << 20
                                         : 64 << 10;
  pthread_attr_t attributes;
  ASSERT_EQ(pthread_attr_init(&attributes), 0);
  ASSERT_EQ(pthread_attr_setstacksize(&attributes, kStack), 0);
  pthread_t thread;
  const auto entry = [](void* argument) -> void* {
    (*static_cast<std::function<void()>*>(argument))();
    return nullptr;
  };
  ASSERT_EQ(pthread_create(&thread, &attributes, entry, &f), 0);
  pthread_attr_destroy(&attributes);
  pthread_join(thread, nullptr);
}

// What f returns in a child process. Does not return to the caller's stack in
// the child, so no test runs twice.
inline std::string InChild(const std::function<std::string()>& f) {
  Pipe pipe;
  const pid_t pid = fork();
  if (pid == 0) {
    const std::string answer = f();
    const bool written =
        write(pipe.writer(), answer.data(), answer.size()) >= 0;
    _exit(written ? 0 : 1);
  }
  EXPECT_GT(pid, 0);
  pipe.CloseWriter();
  std::string answer;
  char buffer[4096];
  for (ssize_t n; (n = read(pipe.reader(), buffer, sizeof buffer)) > 0;) {
    answer.append(buffer, static_cast<std::size_t>(n));
  }
  int status = -1;
  EXPECT_EQ(waitpid(pid, &status, 0), pid);
  EXPECT_EQ(status, 0) << "the child ended with status " << status;
  return answer;
}

}  // namespace eddy::test

#endif  // EDDY_TESTS_RUNTIME_TEST_VERBS_H_
