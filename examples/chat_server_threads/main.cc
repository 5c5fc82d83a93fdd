// The chat server as it is with threads: what examples/chat_server was ported
// from (see docs/porting.md).
// Run:  examples/run chat_server_threads --listen 127.0.0.1:7001
// Try:  as chat_server.
// Shows: two threads for each client, a mutex for the rooms, a condition
//       variable for each client's queue, and shutdown(2) from another thread
//       where one has to end that waits for the network.
#include <cstdint>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/time/time.h"
#include "examples/blocking_sockets/socket.h"
#include "examples/chat_server_threads/server.h"
#include "examples/usage.h"

ABSL_FLAG(std::string, listen, "127.0.0.1:7001",
          "address to listen on: 127.0.0.1:7001 or [::1]:7001; port 0 takes a "
          "free one");
ABSL_FLAG(absl::Duration, idle_timeout, absl::Minutes(10),
          "how long a client may say nothing");
ABSL_FLAG(absl::Duration, line_interval, absl::Milliseconds(50),
          "a client that writes much is read one line in this time");
ABSL_FLAG(std::uint32_t, max_clients, 10000, "clients at once");
ABSL_FLAG(std::uint32_t, max_queued, 64 * 1024,
          "bytes that may wait for a client that does not read");

namespace {

void Run(const chat_server_threads::Options& options) {
  // Lines wait in the client's own queue, which has a limit, and not in the
  // kernel's memory.
  blocking_sockets::Listener listener(absl::GetFlag(FLAGS_listen), 32 * 1024);
  std::printf("listening on %s\n", listener.address().c_str());
  std::fflush(stdout);
  chat_server_threads::Serve(listener, options);
}

}  // namespace

int main(int argc, char** argv) {
  examples::SetUsage("A chat server for lines of text, of threads.");
  const std::vector<char*> words = absl::ParseCommandLine(argc, argv);
  const absl::Duration idle = absl::GetFlag(FLAGS_idle_timeout);
  const absl::Duration interval = absl::GetFlag(FLAGS_line_interval);
  chat_server_threads::Options options;
  options.idle = absl::ToChronoNanoseconds(idle);
  options.per_line = absl::ToChronoNanoseconds(interval);
  options.most_clients = absl::GetFlag(FLAGS_max_clients);
  options.most_queued = absl::GetFlag(FLAGS_max_queued);
  if (words.size() > 1 || idle <= absl::ZeroDuration() ||
      interval < absl::ZeroDuration() || options.most_clients == 0) {
    std::fprintf(stderr,
                 "chat_server_threads: wrong words or values; see --help\n");
    return 2;
  }
  try {
    Run(options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "chat_server_threads: %s\n", error.what());
    return 1;
  }
  return 0;
}
