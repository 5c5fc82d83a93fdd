// Serve: a chat for all who connect, with two threads for each of them.
#ifndef EDDY_EXAMPLES_CHAT_SERVER_THREADS_SERVER_H_
#define EDDY_EXAMPLES_CHAT_SERVER_THREADS_SERVER_H_

#include <chrono>
#include <cstddef>

#include "examples/blocking_sockets/socket.h"

namespace chat_server_threads {

// As those of chat_server.
struct Options {
  std::size_t most_clients = 10'000;
  std::size_t longest_line = 1024;
  std::size_t most_queued = 64 * 1024;
  std::chrono::nanoseconds idle = std::chrono::minutes(10);
  std::chrono::nanoseconds patience = std::chrono::seconds(5);
  std::chrono::nanoseconds per_line = std::chrono::milliseconds(50);
  int lines_at_once = 40;
};

// Until SIGINT or SIGTERM; then every client is told, and gets what waits for
// it. REQUIRES: called by the only thread.
void Serve(blocking_sockets::Listener& listener, const Options& options);

}  // namespace chat_server_threads

#endif  // EDDY_EXAMPLES_CHAT_SERVER_THREADS_SERVER_H_
