// What a descriptor is, and whether a call on it can wait.
#ifndef EDDY_RUNTIME_BLOCKING_GUARD_DESCRIPTOR_H_
#define EDDY_RUNTIME_BLOCKING_GUARD_DESCRIPTOR_H_

#include <cstddef>

namespace eddy::internal::guard {

enum class DescriptorKind {
  kBad,         // not open: the call fails at once
  kFile,        // regular, a folder, or a block device: O_NONBLOCK is no matter
  kRemoteFile,  // one on another machine, or of a file system in a process
  kMemoryFile,  // /proc, /sys, tmpfs, memfd: no device behind it
  kSocket,
  kStream,  // pipe, terminal, other character device
  kEvent,   // eventfd
  kOther,   // timerfd, signalfd, inotify, epoll, ...
};

struct Descriptor {
  DescriptorKind kind;
  bool nonblocking;
};

Descriptor Examine(int fd) noexcept;

// "fd 7 (pipe:[1234])", "fd 8 (socket:[99], TCP)"; returns the length.
std::size_t Describe(int fd, char* text, std::size_t size) noexcept;

}  // namespace eddy::internal::guard

#endif  // EDDY_RUNTIME_BLOCKING_GUARD_DESCRIPTOR_H_
