// Watch: a call of libc that may be made by a task.
//
//   EDDY_INTERPOSE(int, fsync, (int fd)) {
//     const Watch watch("fsync", "co_await io::Sync", Argument::File(fd));
//     return REAL(fsync)(fd);
//   }
//
// Where no task runs on this thread it is the look at a thread-local variable.
// Else it finds out whether the call can block, takes the stack and the time,
// and keeps a report for when the task has suspended: a call may come from a
// signal handler, or under a lock that printing needs. errno stays as it is.
#ifndef EDDY_RUNTIME_BLOCKING_GUARD_WATCH_H_
#define EDDY_RUNTIME_BLOCKING_GUARD_WATCH_H_

#include <eddy/runtime/blocking_guard/thread_state.h>

#include <sys/types.h>

#include <ctime>

namespace eddy::internal::guard {

struct Report;

// What a call is about, from which follows whether it can block.
struct Argument {
  enum class Kind {
    kNone,
    kText,        // shown as it is
    kPath,        // a name below the folder fd
    kRead,        // the descriptor is waited for
    kWrite,       // the same; logging may be exempt
    kFile,        // blocks on whatever device the file is on
    kAttributes,  // of an open file: in memory, where it is of this machine
    kLock,        // blocks on every kind of file
    kAny,         // blocks, whatever the descriptor is
    kSeconds,     // a time to wait
  };

  static Argument None() noexcept { return {Kind::kNone}; }
  static Argument Text(const char* text) noexcept {
    return {Kind::kText, -1, text};
  }
  static Argument Path(const char* path, int folder = -100) noexcept {
    return {Kind::kPath, folder, path};
  }
  // dont_wait: a flag of the call says so.
  static Argument Read(int fd, bool dont_wait = false) noexcept {
    return {dont_wait ? Kind::kNone : Kind::kRead, fd, nullptr, 0, !dont_wait};
  }
  static Argument Write(int fd, bool dont_wait = false) noexcept {
    return {dont_wait ? Kind::kNone : Kind::kWrite, fd, nullptr, 0, !dont_wait};
  }
  static Argument File(int fd) noexcept { return {Kind::kFile, fd}; }
  static Argument Attributes(int fd) noexcept {
    return {Kind::kAttributes, fd};
  }
  // Of what a folder has under the name, or of what is open as `folder`.
  static Argument Attributes(int folder, const char* path, int flags) noexcept {
    constexpr int kEmptyPath = 0x1000;  // AT_EMPTY_PATH
    const bool of_open =
        (flags & kEmptyPath) != 0 && (path == nullptr || path[0] == '\0');
    return of_open ? Attributes(folder) : Path(path, folder);
  }
  static Argument Lock(int fd, bool waits = true) noexcept {
    return {Kind::kLock, fd, nullptr, 0, waits};
  }
  static Argument Any(int fd) noexcept { return {Kind::kAny, fd}; }
  static Argument Seconds(double seconds) noexcept {
    return {Kind::kSeconds, -1, nullptr, seconds};
  }
  static Argument Time(const timespec* time) noexcept {
    return Seconds(time == nullptr
                       ? 0
                       : static_cast<double>(time->tv_sec) +
                             static_cast<double>(time->tv_nsec) / 1e9);
  }
  // For calls that wait only where `waits`.
  static Argument If(bool waits) noexcept {
    return {Kind::kNone, -1, nullptr, 0, waits};
  }

  Kind kind = Kind::kNone;
  int fd = -1;
  const char* text = nullptr;
  double seconds = 0;
  bool waits = true;
};

class Watch {
 public:
  Watch(const char* name, const char* instead,
        const Argument& argument) noexcept {
    if (Watching()) [[unlikely]] {
      Begin(name, instead, argument, false);
    }
  }
  // Whether the call has blocked is known only when it has been made.
  struct KnownLater {};
  Watch(const char* name, const char* instead, const Argument& argument,
        KnownLater) noexcept {
    if (Watching()) [[unlikely]] {
      Begin(name, instead, argument, true);
    }
  }
  ~Watch() {
    if (watching_) [[unlikely]] {
      End();
    }
  }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  // It has not blocked.
  void Discard() noexcept;

 private:
  void Begin(const char* name, const char* instead, const Argument& argument,
             bool known_later) noexcept;
  void End() noexcept;

  bool watching_ = false;
  // Null: the place is known.
  Report* report_ = nullptr;
};

}  // namespace eddy::internal::guard

// A function for which that is all.
#define EDDY_GUARD(result, name, parameters, arguments, argument, instead) \
  EDDY_INTERPOSE(result, name, parameters) {                               \
    const Watch watch(#name, instead, Argument::argument);                 \
    return REAL(name) arguments;                                           \
  }

#endif  // EDDY_RUNTIME_BLOCKING_GUARD_WATCH_H_
