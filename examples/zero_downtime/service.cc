#include "examples/zero_downtime/service.h"

#include <eddy/io/buffered_reader.h>
#include <eddy/runtime/timeout.h>
#include <eddy/runtime/timer.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace zero_downtime {

using eddy::Result;
using eddy::Task;
using eddy::WithTimeout;
namespace io = eddy::io;
namespace net = eddy::net;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t kLongestLine = 4096;

// Ends a connection so that the last answer arrives. A close with something
// unread, which the client may have sent meanwhile, would reset it and take the
// answer back.
Task<> End(net::TcpStream& client) {
  const Result<void> ended = co_await client.Shutdown();
  if (!ended) co_return;
  std::array<std::byte, 256> unread;
  while (const Result<std::size_t> n =
             co_await WithTimeout(1s, client.Read(unread))) {
    if (*n == 0) break;
  }
}

}  // namespace

Task<> Service::Serve(net::TcpStream client) {
  io::BufferedReader reader(client, kLongestLine);
  while (const Result<std::string_view> line = co_await reader.ReadLine()) {
    const bool last = leaving_;
    std::string answer = last ? "bye " : "ok ";
    answer += std::to_string(generation_) + " " + std::string(*line) + "\n";
    const Result<void> sent =
        co_await client.Write(std::as_bytes(std::span(answer)));
    if (!sent) co_return;
    if (last) co_return co_await End(client);
  }
}

Task<> Service::Accept() {
  while (true) {
    Result<net::TcpStream> client = co_await listener_.Accept();
    if (client) {
      scope_.Spawn(Serve(*std::move(client)));
      continue;
    }
    // Too many open files, say: wait. Or stopped: then Sleep tells.
    const Result<void> rested = co_await eddy::Sleep(100ms);
    if (!rested) co_return;
  }
}

// A connection that the kernel gave before the stop came is served; all others
// stay in the backlog, for this process or another one.
Task<> Service::Pause() {
  if (!accepting_) co_return;
  accepting_->RequestStop();
  co_await *accepting_;
  accepting_.reset();
}

void Service::Resume() {
  if (!accepting_) accepting_ = scope_.Spawn(Accept());
}

}  // namespace zero_downtime
