// Where io_uring is refused, the error says who refuses it and what to change.
// Each refusal is real: a seccomp filter, a resource limit, in a child process.
#include <eddy/runtime/reactor.h>
#include <eddy/runtime/sync_wait.h>
#include <eddy/runtime/task.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "tests/runtime/test_verbs.h"

namespace eddy {
namespace {

using test::InChild;

constexpr char kSysctl[] = "/proc/sys/kernel/io_uring_disabled";

// From here on io_uring_setup answers `error` in this process.
bool ForbidUring(int error) {
  const auto refuse =
      SECCOMP_RET_ERRNO | (static_cast<unsigned>(error) & SECCOMP_RET_DATA);
  sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_io_uring_setup, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, refuse),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program{static_cast<unsigned short>(std::size(filter)),
                           filter};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

// How the creation of a reactor ends.
std::string Refusal(const ReactorOptions& options = ReactorOptions()) {
  const auto reactor = Reactor::Create(options);
  return reactor ? "created" : reactor.error().message();
}

Task<void> Nothing() { co_return; }

std::string RefusalOfSyncWait() {
  try {
    SyncWait(Nothing());
  } catch (const std::system_error& error) {
    return error.what();
  }
  return "no exception";
}

TEST(RingRefusedTest, SeccompFilterWithEpermIsNamed) {
  const std::string text = InChild(
      [] { return ForbidUring(EPERM) ? Refusal() : std::string("no filter"); });
  if (text == "no filter") GTEST_SKIP() << "seccomp filters are not allowed";
  EXPECT_EQ(text, kUringForbidden.message());
  EXPECT_NE(text.find("seccomp"), std::string::npos);
}

TEST(RingRefusedTest, SeccompFilterWithEnosysIsNotTakenForAnOldKernel) {
  const std::string text = InChild([] {
    return ForbidUring(ENOSYS) ? Refusal() : std::string("no filter");
  });
  if (text == "no filter") GTEST_SKIP() << "seccomp filters are not allowed";
  const bool recent = access(kSysctl, F_OK) == 0;
  EXPECT_EQ(text, recent ? kUringForbidden.message() : kKernelTooOld.message());
}

TEST(RingRefusedTest, SyncWaitThrowsTheText) {
  const std::string text = InChild([] {
    return ForbidUring(EPERM) ? RefusalOfSyncWait() : std::string("no filter");
  });
  if (text == "no filter") GTEST_SKIP() << "seccomp filters are not allowed";
  EXPECT_EQ(text, "cannot create a reactor: " + kUringForbidden.message());
}

TEST(RingRefusedTest, OtherErrnoComesOutAsItIs) {
  const std::string text = InChild([] {
    return ForbidUring(ENFILE) ? Refusal() : std::string("no filter");
  });
  if (text == "no filter") GTEST_SKIP() << "seccomp filters are not allowed";
  EXPECT_EQ(text, Error::FromErrno(ENFILE).message());
}

TEST(RingRefusedTest, KernelThatKnowsNoFlagIsTooOld) {
  const std::string text = InChild([] {
    return ForbidUring(EINVAL) ? Refusal() : std::string("no filter");
  });
  if (text == "no filter") GTEST_SKIP() << "seccomp filters are not allowed";
  EXPECT_EQ(text, kKernelTooOld.message());
}

// The sysctl is a switch of the whole machine. So here a filter refuses, as the
// sysctl would, and this child alone sees another file in the sysctl's place.
TEST(RingRefusedTest, SysctlIsNamed) {
  const std::string text = InChild([]() -> std::string {
    char path[] = "/tmp/eddy_sysctl_XXXXXX";
    const int fd = mkstemp(path);
    if (fd < 0 || write(fd, "2\n", 2) != 2) return "skip: no file";
    if (unshare(CLONE_NEWNS) != 0 ||
        mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        mount(path, kSysctl, nullptr, MS_BIND, nullptr) != 0) {
      unlink(path);
      return "skip: no private mount of the sysctl";
    }
    const std::string refusal =
        ForbidUring(EPERM) ? Refusal() : "skip: seccomp filters not allowed";
    unlink(path);
    return refusal;
  });
  if (text.rfind("skip", 0) == 0) GTEST_SKIP() << text;
  EXPECT_EQ(text, kUringDisabledBySysctl.message());
}

// Rings until one is refused. The limit counts for unprivileged users only.
std::string RefusalAtTheMemoryLimit() {
  const rlimit limit{64 << 10, 64 << 10};
  if (setrlimit(RLIMIT_MEMLOCK, &limit) != 0) return "skip: no limit";
  if (getuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0)) {
    return "skip: cannot drop privileges";
  }
  ReactorOptions options;
  options.entries = 1024;
  std::vector<std::unique_ptr<Reactor>> reactors;
  for (int i = 0; i < 200; ++i) {
    auto reactor = Reactor::Create(options);
    if (!reactor) return reactor.error().message();
    reactors.push_back(*std::move(reactor));
  }
  return "skip: this kernel does not charge rings to RLIMIT_MEMLOCK";
}

TEST(RingRefusedTest, MemoryLimitIsNamed) {
  const std::string text = InChild(RefusalAtTheMemoryLimit);
  if (text.rfind("skip", 0) == 0) GTEST_SKIP() << text;
  EXPECT_EQ(text, kUringMemoryLimit.message());
  EXPECT_NE(text.find("RLIMIT_MEMLOCK"), std::string::npos);
}

TEST(RingRefusedTest, NoDescriptorLeftIsEmfile) {
  if (test::kAsan) {
    GTEST_SKIP() << "the sanitizer's own checks need a descriptor";
  }
  const std::string text = InChild([]() -> std::string {
    const rlimit limit{16, 16};
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) return "no limit";
    while (dup(0) >= 0) {
    }
    return Refusal();
  });
  EXPECT_EQ(text, Error::FromErrno(EMFILE).message());
}

// A refusal leaves nothing behind.
TEST(RingRefusedTest, OutOfRangeEntriesAreAnErrorOfCreate) {
  const std::ptrdiff_t before = test::CountDescriptors();
  ReactorOptions options;
  options.entries = 0;
  EXPECT_EQ(Refusal(options), Error::FromErrno(EINVAL).message());
  options.entries = 1u << 20;
  EXPECT_EQ(Refusal(options), Error::FromErrno(EINVAL).message());
  EXPECT_EQ(test::CountDescriptors(), before);
}

}  // namespace
}  // namespace eddy
