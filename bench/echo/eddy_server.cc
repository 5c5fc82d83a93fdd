// The subject of the echo benchmark: the echo server that a user of eddy would
// write, with a buffer per connection as the twins have it.
//
//   eddy_server [--busy-poll] [PORT]      prints its port; SIGTERM ends it

#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "bench/lib/eddy_server.h"

namespace eddy::bench {
namespace {

// As in the twins (twin.h).
constexpr std::size_t kBufferSize = std::size_t{16} * 1024;
// Longer than a round trip on an idle machine.
constexpr auto kBusyPoll = std::chrono::microseconds(200);

Task<void> Echo(net::TcpStream stream) {
  const auto memory = std::make_unique_for_overwrite<std::byte[]>(kBufferSize);
  const std::span<std::byte> buffer(memory.get(), kBufferSize);
  while (true) {
    const Result<std::size_t> n = co_await stream.Read(buffer);
    if (!n || *n == 0) co_return;
    const Result<void> written = co_await stream.Write(buffer.first(*n));
    if (!written) co_return;
  }
}

}  // namespace
}  // namespace eddy::bench

int main(int argc, char** argv) {
  using namespace eddy;         // NOLINT: a program
  using namespace eddy::bench;  // NOLINT: a program
  ReactorOptions options;
  if (argc > 1 && std::string_view(argv[1]) == "--busy-poll") {
    options.busy_poll = kBusyPoll;
    --argc;
    ++argv;
  }
  return ServeTcp(argc, argv, Echo, options);
}
