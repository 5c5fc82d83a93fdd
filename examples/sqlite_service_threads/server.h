// Serve: a database for all who connect, with a thread for each of them.
#ifndef EDDY_EXAMPLES_SQLITE_SERVICE_THREADS_SERVER_H_
#define EDDY_EXAMPLES_SQLITE_SERVICE_THREADS_SERVER_H_

#include <chrono>
#include <cstddef>

#include "examples/blocking_sockets/socket.h"
#include "examples/sqlite_service_threads/store_pool.h"

namespace sqlite_service_threads {

// As those of sqlite_service.
struct Options {
  std::size_t most_clients = 10'000;
  std::size_t longest_line = 4 * 1024;
  std::chrono::nanoseconds idle = std::chrono::minutes(10);
  std::chrono::nanoseconds patience = std::chrono::seconds(5);
  std::chrono::nanoseconds drain = std::chrono::seconds(5);
};

// Until SIGINT or SIGTERM; then what was begun is answered, and no more. What
// is not answered within `drain` is stopped. REQUIRES: called by the only
// thread.
void Serve(blocking_sockets::Listener& listener, StorePool& stores,
           const Options& options);

}  // namespace sqlite_service_threads

#endif  // EDDY_EXAMPLES_SQLITE_SERVICE_THREADS_SERVER_H_
