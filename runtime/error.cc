#include <eddy/runtime/error.h>

#include <ostream>

namespace eddy {
namespace {

const char* OwnMessage(int code) {
  switch (code) {
    case kEndOfStream.code():
      return "end of stream before the transfer was complete";
    case kClosed.code():
      return "closed on this side";
    case kTimedOut.code():
      return "the deadline passed";
    case kUringDisabledBySysctl.code():
      return "io_uring is disabled by the sysctl kernel.io_uring_disabled; an "
             "administrator can enable it with `sysctl "
             "kernel.io_uring_disabled=0`, or, where it is 1, add this user to "
             "the group named by kernel.io_uring_group";
    case kUringForbidden.code():
      return "io_uring is forbidden for this process, most likely by the "
             "container's seccomp profile; allow the system calls "
             "io_uring_setup, io_uring_enter and io_uring_register (Docker: "
             "--security-opt seccomp=profile.json)";
    case kUringMemoryLimit.code():
      return "no memory for the ring: RLIMIT_MEMLOCK is used up, or the "
             "memory of a ring just closed has not come back yet; raise it "
             "(`ulimit -l`, LimitMEMLOCK= in systemd), lower "
             "ReactorOptions::entries, or try again";
    case kKernelTooOld.code():
      return "this kernel's io_uring lacks what eddy needs; use Linux 5.11 or "
             "later (6.1 or later for full speed)";
    case kHostNotFound.code():
      return "no host of this name is known, or it has no address of the "
             "family asked for";
    case kNameServerUnreachable.code():
      return "no name server gave an answer in time; try again later, or look "
             "at /etc/resolv.conf and the network";
    case kNameServerFailed.code():
      return "the name server refused to answer, or failed";
    case kServiceNotFound.code():
      return "no service of this name is known; give the number of its port, "
             "or add it to /etc/services";
    case kMemoryLockLimit.code():
      return "memory cannot be locked: RLIMIT_MEMLOCK is too low; raise it "
             "(`ulimit -l`, LimitMEMLOCK= in systemd), or lock less";
    case kMisalignedOffset.code():
      return "the offset of a direct transfer is not a multiple of what the "
             "file demands (fs::File::alignment().offset)";
    case kMisalignedLength.code():
      return "the length of a direct transfer is not a multiple of what the "
             "file demands (fs::File::alignment().offset)";
    case kMisalignedMemory.code():
      return "the memory of a direct transfer is not aligned as the file "
             "demands (fs::File::alignment().memory); fs::AlignedBuffer is";
    case kWatchLimit.code():
      return "no more folders can be watched: this user's limit is used up; "
             "raise it with `sysctl fs.inotify.max_user_watches=N` (a watch "
             "takes about 1 KiB of the kernel's memory), or watch less";
    case kWatchInstanceLimit.code():
      return "no more watchers can be made: this user's limit is used up; "
             "raise it with `sysctl fs.inotify.max_user_instances=N`, or watch "
             "several folders with one recursive watcher";
    case kTooFewCores.code():
      return "this process may not use so many cores; ask for fewer, or grant "
             "it more (taskset, sched_setaffinity(2), CPUQuota= in systemd, "
             "--cpus of a container)";
    default:
      return "unknown eddy error";
  }
}

class Category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "eddy"; }
  std::string message(int code) const override { return OwnMessage(code); }
};

}  // namespace

const std::error_category& ErrorCategory() noexcept {
  static const Category category;
  return category;
}

std::error_code Error::ToErrorCode() const noexcept {
  return is_errno() ? std::error_code(code_, std::system_category())
                    : std::error_code(code_, ErrorCategory());
}

std::string Error::message() const { return ToErrorCode().message(); }

std::ostream& operator<<(std::ostream& out, Error error) {
  return out << error.message();
}

}  // namespace eddy
