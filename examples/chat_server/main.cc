// A chat server: rooms, and lines that everybody in a room gets.
// Run:  examples/run chat_server --listen 127.0.0.1:7001
// Try:  nc 127.0.0.1 7001, in two terminals, and in each say
//         NICK ann       a name; then
//         JOIN tea       a room, and
//         MSG hello      something to all who are in it.
//       WHO tells who is there; LEAVE and QUIT end it.
// See:  "<ann> hello" on the other terminal. SIGTERM or Ctrl-C tells everybody
//       that the server ends.
// Shows: two tasks for each client, one that reads and one that writes, with a
//       bounded queue between the clients: who does not read is thrown out
//       when its queue is full, and nobody waits for it; who writes too much is
//       read no faster than it may write.
#include <eddy/io/until_signal.h>
#include <eddy/runtime/sync_wait.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/time/time.h"
#include "examples/chat_server/server.h"
#include "examples/usage.h"

ABSL_FLAG(std::string, listen, "127.0.0.1:7001",
          "address to listen on: 127.0.0.1:7001, [::1]:7001 or unix:/path; "
          "port 0 takes a free one");
ABSL_FLAG(absl::Duration, idle_timeout, absl::Minutes(10),
          "how long a client may say nothing");
ABSL_FLAG(absl::Duration, line_interval, absl::Milliseconds(50),
          "a client that writes much is read one line in this time");
ABSL_FLAG(std::uint32_t, max_clients, 10000, "clients at once");
ABSL_FLAG(std::uint32_t, max_queued, 64 * 1024,
          "bytes that may wait for a client that does not read");

namespace {

using eddy::Result;
using eddy::Task;

Task<Result<void>> Main(chat_server::Options options) {
  EDDY_CO_TRY(const auto address,
              eddy::net::SocketAddress::Parse(absl::GetFlag(FLAGS_listen)));
  eddy::net::ListenOptions listen;
  // Lines wait in the client's own queue, which has a limit, and not in the
  // kernel's memory.
  listen.tcp.send_buffer = 32 * 1024;
  EDDY_CO_TRY(auto listener, eddy::net::TcpListener::Bind(address, listen));
  EDDY_CO_TRY(const auto bound, listener.local_address());
  std::printf("listening on %s\n", bound.ToString().c_str());
  std::fflush(stdout);
  co_return co_await eddy::io::UntilSignal(
      chat_server::Serve(listener, std::move(options)), SIGINT, SIGTERM);
}

void Explain(const eddy::net::SocketAddress& client,
             const eddy::TaskFailure& failure) {
  std::string why = "no memory, or another exception";
  if (failure.error) why = failure.error->message();
  std::fprintf(stderr, "chat_server: %s: %s\n", client.ToString().c_str(),
               why.c_str());
}

}  // namespace

int main(int argc, char** argv) {
  examples::SetUsage("A chat server for lines of text.");
  const std::vector<char*> words = absl::ParseCommandLine(argc, argv);
  const absl::Duration idle = absl::GetFlag(FLAGS_idle_timeout);
  const absl::Duration interval = absl::GetFlag(FLAGS_line_interval);
  chat_server::Options options;
  options.idle = absl::ToChronoNanoseconds(idle);
  options.per_line = absl::ToChronoNanoseconds(interval);
  options.most_clients = absl::GetFlag(FLAGS_max_clients);
  options.most_queued = absl::GetFlag(FLAGS_max_queued);
  if (words.size() > 1 || idle <= absl::ZeroDuration() ||
      interval < absl::ZeroDuration() || options.most_clients == 0) {
    std::fprintf(stderr, "chat_server: wrong words or values; see --help\n");
    return 2;
  }
  options.on_failure = Explain;
  const Result<void> served = eddy::SyncWait(Main(std::move(options)));
  if (!served) {
    std::fprintf(stderr, "chat_server: %s\n", served.error().message().c_str());
  }
  return served ? 0 : 1;
}
