// Serve: a database for all who connect.
#ifndef EDDY_EXAMPLES_SQLITE_SERVICE_SERVER_H_
#define EDDY_EXAMPLES_SQLITE_SERVICE_SERVER_H_

#include <eddy/net/tcp.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>
#include <eddy/runtime/time.h>

#include <chrono>
#include <cstddef>

#include "examples/sqlite_service/store_pool.h"

namespace sqlite_service {

struct Options {
  // (No aggregate: g++ 12 destroys those twice as a coroutine's arguments.)
  Options() noexcept {}

  // At once; more wait in the backlog.
  std::size_t most_clients = 10'000;
  // Bytes of a line, with its end.
  std::size_t longest_line = 4 * 1024;
  // How long a client may say nothing; how long a request may take, and its
  // answer may wait for the client.
  eddy::Duration idle = std::chrono::minutes(10);
  eddy::Duration patience = std::chrono::seconds(5);
  // How long what was begun may go on after a stop.
  eddy::Duration drain = std::chrono::seconds(5);
};

// Until it is stopped; then what was begun is answered, and no more. What is
// not answered within `drain` is stopped. Lifetime: listener and stores live
// until the await returns.
eddy::Task<eddy::Result<void>> Serve(eddy::net::TcpListener& listener,
                                     StorePool& stores, Options options);

}  // namespace sqlite_service

#endif  // EDDY_EXAMPLES_SQLITE_SERVICE_SERVER_H_
