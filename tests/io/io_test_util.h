// What the tests of io, net and fs share: pipes, sockets and temporary folders
// made with plain system calls, so that what is tested does not test itself.
#ifndef EDDY_TESTS_IO_IO_TEST_UTIL_H_
#define EDDY_TESTS_IO_IO_TEST_UTIL_H_

#include <eddy/io/fd.h>
#include <eddy/runtime/reactor.h>
#include <eddy/runtime/task.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/testing/co_test.h>
#include <eddy/runtime/time.h>
#include <eddy/runtime/timer.h>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace eddy::io_test {

using namespace std::chrono_literals;

// Aborts the test program where its own preparation fails.
inline int Check(long result, const char* what) {
  if (result < 0) {
    std::perror(what);
    std::abort();
  }
  return static_cast<int>(result);
}
#define IO_TEST_CHECK(...) \
  ::eddy::io_test::Check((__VA_ARGS__), __FILE__ ": " #__VA_ARGS__)

// The descriptors that this process has open.
inline std::size_t OpenDescriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  // One of them is the iterator's own.
  return static_cast<std::size_t>(std::distance(begin(all), end(all))) - 1;
}

// Sleeps; a stop that ends it early is of no interest.
inline Task<void> Pause(Duration duration) {
  static_cast<void>(co_await Sleep(duration));
}

// One turn of the loop: what is queued is submitted, what has completed is
// reaped.
inline Task<void> Turn() { return Pause(0ns); }

// A scope that does not fail and is not stopped from above.
template <class F>
Task<void> InScope(F body) {
  CO_EXPECT_OK(co_await WithScope(std::move(body)));
}

inline std::span<const std::byte> Bytes(std::string_view text) {
  return std::as_bytes(std::span(text));
}
inline std::string Text(std::span<const std::byte> bytes) {
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

// Bytes that differ from place to place and from seed to seed.
inline std::vector<std::byte> Pattern(std::size_t size, unsigned seed = 1) {
  std::vector<std::byte> bytes(size);
  std::uint32_t state = seed * 2654435761U + 12345;
  for (std::byte& byte : bytes) {
    state = state * 1664525U + 1013904223U;
    byte = static_cast<std::byte>(state >> 24);
  }
  return bytes;
}

// What a buffer holds where nobody wrote to it.
inline constexpr std::byte kUntouched{0xA5};

inline bool IsUntouched(std::span<const std::byte> buffer) {
  return std::all_of(buffer.begin(), buffer.end(),
                     [](std::byte b) { return b == kUntouched; });
}

struct Pipe {
  io::Fd reader;
  io::Fd writer;

  explicit Pipe(int capacity = 0) {
    int ends[2];
    IO_TEST_CHECK(pipe2(ends, O_CLOEXEC));
    reader = io::Fd(ends[0]);
    writer = io::Fd(ends[1]);
    if (capacity != 0) {
      IO_TEST_CHECK(fcntl(ends[1], F_SETPIPE_SZ, capacity));
    }
  }
};

struct SocketPair {
  io::Fd a;
  io::Fd b;

  explicit SocketPair(int type = SOCK_STREAM) {
    int ends[2];
    IO_TEST_CHECK(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends));
    a = io::Fd(ends[0]);
    b = io::Fd(ends[1]);
  }
};

inline void SetNonBlocking(const io::Fd& fd, bool on) {
  const int flags = IO_TEST_CHECK(fcntl(fd.get(), F_GETFL));
  IO_TEST_CHECK(
      fcntl(fd.get(), F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK));
}

// Bytes that can be read at once.
inline std::size_t Readable(const io::Fd& fd) {
  int count = 0;
  IO_TEST_CHECK(ioctl(fd.get(), FIONREAD, &count));
  return static_cast<std::size_t>(count);
}

inline void Put(const io::Fd& fd, std::span<const std::byte> data) {
  ASSERT_EQ(::write(fd.get(), data.data(), data.size()),
            static_cast<ssize_t>(data.size()));
}
inline void Put(const io::Fd& fd, std::string_view text) {
  Put(fd, Bytes(text));
}

// Writes until the stream takes no more; returns how much it took.
inline std::size_t Fill(const io::Fd& fd) {
  SetNonBlocking(fd, true);
  const std::vector<std::byte> block(4096, std::byte{'f'});
  std::size_t total = 0;
  // Again, until nothing goes in after a moment: what TCP has handed on to the
  // other end makes room.
  for (std::size_t before = 1; total != before;) {
    if (total != 0) ::poll(nullptr, 0, 1);
    before = total;
    for (std::size_t size = block.size(); size != 0; size /= 2) {
      while (true) {
        const ssize_t n = ::write(fd.get(), block.data(), size);
        if (n < 0) break;
        total += static_cast<std::size_t>(n);
      }
    }
  }
  SetNonBlocking(fd, false);
  return total;
}

// Reads what is there, so many bytes at the most; returns it.
inline std::string Drain(const io::Fd& fd,
                         std::size_t most = std::string::npos) {
  SetNonBlocking(fd, true);
  std::string all;
  char block[4096];
  while (all.size() < most) {
    const ssize_t n =
        ::read(fd.get(), block, std::min(sizeof block, most - all.size()));
    if (n <= 0) break;
    all.append(block, static_cast<std::size_t>(n));
  }
  SetNonBlocking(fd, false);
  return all;
}

// A listening socket on 127.0.0.1 and its address.
struct LoopbackListener {
  io::Fd fd;
  sockaddr_in address{};

  explicit LoopbackListener(int backlog = 512) {
    fd = io::Fd(IO_TEST_CHECK(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)));
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    IO_TEST_CHECK(bind(fd.get(), native(), sizeof address));
    IO_TEST_CHECK(listen(fd.get(), backlog));
    socklen_t size = sizeof address;
    IO_TEST_CHECK(getsockname(fd.get(), native(), &size));
  }

  sockaddr* native() { return reinterpret_cast<sockaddr*>(&address); }
};

inline io::Fd TcpSocket() {
  return io::Fd(IO_TEST_CHECK(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)));
}

// The number of no descriptor. Not closed at the end of its life.
class ClosedFd {
 public:
  ClosedFd() : fd_(IO_TEST_CHECK(dup(0))) { ::close(fd_.get()); }
  ~ClosedFd() { fd_.Release(); }
  const io::Fd& get() const { return fd_; }

 private:
  io::Fd fd_;
};

// A folder that goes with its contents.
class TempDir {
 public:
  explicit TempDir(const std::string& parent = "/tmp") {
    std::string path = parent + "/eddy_test.XXXXXX";
    if (mkdtemp(path.data()) == nullptr) Check(-1, path.c_str());
    path_ = path;
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::string& path() const { return path_; }
  std::string operator/(std::string_view name) const {
    return path_ + "/" + std::string(name);
  }

 private:
  std::string path_;
};

inline void Store(const std::string& path, std::string_view contents) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(contents.data(), static_cast<std::streamsize>(contents.size()));
  ASSERT_TRUE(file.flush()) << path;
}
inline std::string Load(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

// A file without a name, with these contents.
inline io::Fd AnonymousFile(std::string_view contents = {}) {
  io::Fd fd(IO_TEST_CHECK(open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)));
  if (!contents.empty()) {
    IO_TEST_CHECK(pwrite(fd.get(), contents.data(), contents.size(), 0));
  }
  return fd;
}

// In functions that return void and are no coroutines.
#define ASSERT_OK(result) \
  ASSERT_TRUE(::eddy::testing_internal::IsOk(#result, result))

inline std::uint64_t Submitted() {
  return Reactor::Current()->stats().submitted;
}

}  // namespace eddy::io_test

#endif  // EDDY_TESTS_IO_IO_TEST_UTIL_H_
