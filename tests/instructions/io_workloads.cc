// Operations that the kernel carries out at once, one at a time, by one task:
// each is an entry and a turn of the loop.
#include <eddy/fs/file.h>
#include <eddy/io/open_at.h>
#include <eddy/io/read.h>
#include <eddy/net/unix.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>

#include <fcntl.h>

#include <array>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "tests/instructions/workloads.h"

namespace eddy::test {
namespace {

using Block = std::array<std::byte, 512>;

// A workload that goes wrong counts for nothing.
template <class T>
T Need(Result<T> result) {
  if (!result) {
    std::fprintf(stderr, "%s\n", result.error().message().c_str());
    std::exit(1);
  }
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

io::OpenAt Open(const char* path) {
  static const io::Fd root(open("/", O_DIRECTORY | O_PATH | O_CLOEXEC));
  return io::OpenAt(root, path);
}

Task<> ReadDevice(long count) {
  const io::Fd zero = Need(co_await Open("/dev/zero"));
  Block block;
  for (long i = 0; i != count; ++i) Need(co_await io::Read(zero, block));
}

Task<> OpenAndClose(long count) {
  for (long i = 0; i != count; ++i) {
    io::Fd file = Need(co_await Open("/dev/null"));
    Need(co_await file.Close());
  }
}

Task<> Echo(long count) {
  auto [one, other] = Need(net::UnixStream::Pair());
  const std::array<std::byte, 1> sent{};
  std::array<std::byte, 1> received;
  for (long i = 0; i != count; ++i) {
    Need(co_await one.Write(sent));
    Need(co_await other.Read(received));
  }
}

Task<> ReceiveLeases(long count) {
  auto [one, other] = Need(net::UnixStream::Pair());
  const std::array<std::byte, 1> sent{};
  for (long i = 0; i != count; ++i) {
    Need(co_await one.Write(sent));
    Keep(Need(co_await other.Receive()));
  }
}

Task<> ReadFile(long count) {
  fs::File file = Need(co_await fs::File::Open("/proc/self/exe"));
  Block block;
  for (long i = 0; i != count; ++i) Need(co_await file.ReadAt(0, block));
}

constexpr Workload kWorkloads[] = {
    {"Fd: open and close", OpenAndClose},
    {"File: read 512 bytes", ReadFile},
    {"Read of a device", ReadDevice},
    {"UnixStream: write and read", Echo},
    {"UnixStream: write and receive a lease", ReceiveLeases},
};

}  // namespace

std::span<const Workload> IoWorkloads() { return kWorkloads; }

}  // namespace eddy::test
