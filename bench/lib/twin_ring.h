// What the hand-written liburing twins share: the ring, with the flags that
// eddy's reactor uses (but for NO_SQARRAY, which liburing 2.3 cannot drive),
// its loop, with one system call per turn, and accepting.

#ifndef EDDY_BENCH_LIB_TWIN_RING_H_
#define EDDY_BENCH_LIB_TWIN_RING_H_

#include <liburing.h>
#include <poll.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>

#include "bench/lib/twin.h"

namespace eddy::bench {

// The low bits of user_data say which operation has completed; the rest is the
// address of what it belongs to, aligned to 8.
inline constexpr std::uint64_t kKindMask = 7;

inline void Tag(io_uring_sqe* sqe, void* object, std::uint64_t kind) {
  io_uring_sqe_set_data64(sqe, reinterpret_cast<std::uintptr_t>(object) | kind);
}

template <typename T>
T* ObjectOf(const io_uring_cqe& cqe) {
  return reinterpret_cast<T*>(
      static_cast<std::uintptr_t>(cqe.user_data & ~kKindMask));
}

class TwinRing {
 public:
  static constexpr unsigned kReactorFlags =
      IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
      IORING_SETUP_SUBMIT_ALL | IORING_SETUP_TASKRUN_FLAG;

  explicit TwinRing(unsigned flags = kReactorFlags) {
    io_uring_params params{};
    params.flags = flags | IORING_SETUP_CQSIZE;
    params.cq_entries = kCompletions;
    Check(io_uring_queue_init_params(kSubmissions, &ring_, &params),
          "io_uring_queue_init_params");
    io_uring_register_ring_fd(&ring_);
  }
  TwinRing(const TwinRing&) = delete;
  TwinRing& operator=(const TwinRing&) = delete;
  ~TwinRing() { io_uring_queue_exit(&ring_); }

  static void Check(int result, const char* what) {
    if (result >= 0) return;
    errno = -result;
    Die(what);
  }

  io_uring* get() { return &ring_; }

  io_uring_sqe* Sqe() {
    io_uring_sqe* sqe = io_uring_get_sqe(&ring_);
    while (sqe == nullptr) {
      io_uring_submit(&ring_);
      sqe = io_uring_get_sqe(&ring_);
    }
    return sqe;
  }

  // Tagged as Tag does it.
  void Recv(int fd, char* buffer, std::size_t size, int flags, void* object,
            std::uint64_t kind) {
    io_uring_sqe* sqe = Sqe();
    io_uring_prep_recv(sqe, fd, buffer, size, flags);
    Tag(sqe, object, kind);
  }
  void Send(int fd, const char* data, std::size_t size, void* object,
            std::uint64_t kind) {
    io_uring_sqe* sqe = Sqe();
    io_uring_prep_send(sqe, fd, data, size, MSG_NOSIGNAL);
    Tag(sqe, object, kind);
  }

  // Submits, waits, and gives each completion to `handle`, until that returns
  // false.
  template <typename Handle>
  void Loop(Handle&& handle) {
    Loop(handle, [] { return 1U; });
  }
  // Waits for so many completions as `wanted` says.
  template <typename Handle, typename Wanted>
  void Loop(Handle&& handle, Wanted&& wanted) {
    for (;;) {
      const int result = io_uring_submit_and_wait(&ring_, wanted());
      if (result != -EINTR && result != -EBUSY && result != -EAGAIN) {
        Check(result, "io_uring_submit_and_wait");
      }
      unsigned head;
      unsigned seen = 0;
      io_uring_cqe* cqe;
      io_uring_for_each_cqe(&ring_, head, cqe) {
        ++seen;
        if (!handle(*cqe)) return;
      }
      io_uring_cq_advance(&ring_, seen);
    }
  }

 private:
  static constexpr unsigned kSubmissions = 512;
  static constexpr unsigned kCompletions = 4096;

  io_uring ring_;
};

// The kinds of what ServeTcp itself waits for, and the first that is free.
enum : std::uint64_t { kAccept, kTerminate, kFirstKind };
// The user_data of what may fail without consequence; it belongs to nothing.
inline constexpr std::uint64_t kIgnored = kKindMask;

enum class AcceptKind { kOneShot, kMultishot };

// Runs a TCP server until SIGTERM: gives each socket to `on_socket` and each
// completion of another kind to `on_completion`. The process ends after it, and
// with it all connections.
template <AcceptKind kHow = AcceptKind::kMultishot, typename OnSocket,
          typename OnCompletion>
int ServeTcp(TwinRing& ring, int argc, char** argv, OnSocket&& on_socket,
             OnCompletion&& on_completion) {
  const int termination = TerminationFd();
  const int listener = ListenAndAnnounce(argc, argv, 0);
  const auto start_accept = [&] {
    io_uring_sqe* sqe = ring.Sqe();
    if constexpr (kHow == AcceptKind::kMultishot) {
      io_uring_prep_multishot_accept(sqe, listener, nullptr, nullptr,
                                     SOCK_CLOEXEC);
    } else {
      io_uring_prep_accept(sqe, listener, nullptr, nullptr, SOCK_CLOEXEC);
    }
    Tag(sqe, nullptr, kAccept);
  };
  start_accept();
  io_uring_sqe* sqe = ring.Sqe();
  io_uring_prep_poll_add(sqe, termination, POLLIN);
  Tag(sqe, nullptr, kTerminate);
  ring.Loop([&](const io_uring_cqe& cqe) {
    switch (cqe.user_data & kKindMask) {
      case kTerminate:
        return false;
      case kAccept:
        if (cqe.res >= 0) on_socket(cqe.res);
        if ((cqe.flags & IORING_CQE_F_MORE) == 0) start_accept();
        return true;
      case kIgnored:
        return true;
      default:
        on_completion(cqe);
        return true;
    }
  });
  return 0;
}

}  // namespace eddy::bench

#endif  // EDDY_BENCH_LIB_TWIN_RING_H_
