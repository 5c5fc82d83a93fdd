// Serve: a chat for all who connect.
#ifndef EDDY_EXAMPLES_CHAT_SERVER_SERVER_H_
#define EDDY_EXAMPLES_CHAT_SERVER_SERVER_H_

#include <eddy/net/socket_address.h>
#include <eddy/net/tcp.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>
#include <eddy/runtime/task_failure.h>
#include <eddy/runtime/time.h>

#include <chrono>
#include <cstddef>
#include <functional>

namespace chat_server {

struct Options {
  // (No aggregate: g++ 12 destroys those twice as a coroutine's arguments.)
  Options() noexcept {}

  // At once; more wait in the backlog.
  std::size_t most_clients = 10'000;
  // Bytes of a line, with its end.
  std::size_t longest_line = 1024;
  // Bytes of lines that wait for a client; one that lets more come is thrown
  // out.
  std::size_t most_queued = 64 * 1024;
  // How long a client may say nothing, and how long it may take nothing of what
  // it is sent.
  eddy::Duration idle = std::chrono::minutes(10);
  eddy::Duration patience = std::chrono::seconds(5);
  // A client is read no faster than this, after a few lines at once.
  eddy::Duration per_line = std::chrono::milliseconds(50);
  int lines_at_once = 40;
  // Called where a client's session has failed: its connection (ECONNRESET,
  // ...), the client (kTimedOut where it was idle, EMSGSIZE for its line,
  // ENOBUFS where it did not read), or an exception. Not for errors while the
  // server ends.
  std::function<void(const eddy::net::SocketAddress& client,
                     const eddy::TaskFailure& failure)>
      on_failure;
};

// Until it is stopped; then every client is told, and gets what waits for it.
eddy::Task<eddy::Result<void>> Serve(eddy::net::TcpListener& listener,
                                     Options options);

}  // namespace chat_server

#endif  // EDDY_EXAMPLES_CHAT_SERVER_SERVER_H_
