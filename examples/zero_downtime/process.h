// One process of the service, from its start to its end.
#ifndef EDDY_EXAMPLES_ZERO_DOWNTIME_PROCESS_H_
#define EDDY_EXAMPLES_ZERO_DOWNTIME_PROCESS_H_

#include <eddy/net/socket_address.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>
#include <eddy/runtime/time.h>

#include <chrono>

namespace zero_downtime {

struct Options {
  // Where clients connect, unless the sockets come from an older process.
  eddy::net::SocketAddress listen;
  // Where a process and the next one meet.
  eddy::net::SocketAddress control;
  // How long the other process may take for a word.
  eddy::Duration patience = std::chrono::seconds(5);
  // How long this process takes to be ready to serve, as one that loads a cache
  // would.
  eddy::Duration warm_up = std::chrono::seconds(0);
  // How long an old process waits for a new one to be ready.
  eddy::Duration readiness = std::chrono::minutes(1);
  // How long clients of an old process may keep their connections.
  eddy::Duration drain = std::chrono::seconds(30);
};

// Takes the service over from the process that runs, or begins it where none
// does; serves; hands it over to the next process; and returns when the last
// client has gone. Prints what it does.
// Errors: those of the sockets, and of the hand-over from an older process;
// what goes wrong with one to a newer process is printed, and it goes on.
eddy::Task<eddy::Result<void>> RunProcess(const Options& options);

}  // namespace zero_downtime

#endif  // EDDY_EXAMPLES_ZERO_DOWNTIME_PROCESS_H_
