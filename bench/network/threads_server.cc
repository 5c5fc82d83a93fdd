// A thread for each connection, with blocking calls: what a server looks like
// that knows no event loop.
//
//   threads_server echo [PORT]      prints its port; SIGTERM ends it

#include <sys/socket.h>
#include <unistd.h>

#include <cstddef>
#include <memory>
#include <thread>

#include "bench/lib/modes.h"
#include "bench/lib/twin.h"

namespace eddy::bench {
namespace {

void Echo(int fd) {
  const auto buffer = std::make_unique_for_overwrite<char[]>(kBufferSize);
  for (;;) {
    const ssize_t n = ::recv(fd, buffer.get(), kBufferSize, 0);
    if (n <= 0) break;
    // A blocking send sends all of it, unless it fails.
    if (::send(fd, buffer.get(), static_cast<std::size_t>(n), MSG_NOSIGNAL) !=
        n) {
      break;
    }
  }
  ::close(fd);
}

int Serve(int argc, char** argv) {
  ExitOnTermination();
  const int listener = ListenAndAnnounce(argc, argv, 0);
  for (;;) {
    const int fd = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd >= 0) std::thread(Echo, fd).detach();
  }
}

}  // namespace
}  // namespace eddy::bench

int main(int argc, char** argv) {
  using namespace eddy::bench;  // NOLINT: a program
  return RunMode({{"echo", Serve}}, argc, argv);
}
