// Options: how the server is started; see the flags in options.cc.
#ifndef EDDY_EXAMPLES_KV_SERVER_OPTIONS_H_
#define EDDY_EXAMPLES_KV_SERVER_OPTIONS_H_

#include <eddy/runtime/result.h>
#include <eddy/runtime/time.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "examples/kv_server/append_log.h"
#include "examples/kv_server/request_parser.h"

namespace kv_server {

struct Options {
  std::string listen = "127.0.0.1:6379";
  unsigned cores = 0;  // 0: all that there are
  bool oversubscribe = false;
  // How long a core looks for work before it sleeps.
  eddy::Duration busy_poll = {};

  RequestLimits requests;
  // Bytes of a request that is not complete; of the reply to one request; and
  // of what waits for a subscriber that does not read.
  std::size_t most_query = std::size_t{1} << 30;
  std::size_t most_reply = std::size_t{1} << 30;
  std::size_t most_queued = std::size_t{32} << 20;
  // Of all cores, at once.
  std::size_t most_clients = 10'000;
  std::size_t most_subscriptions = 10'000;  // of one client
  eddy::Duration idle = eddy::Duration::max();
  // How long clients may go on with what they have begun when the server ends.
  eddy::Duration drain = std::chrono::seconds(5);

  // The folder of the logs; none: nothing is logged.
  std::string log;
  LogOptions log_options;
};

// From the command line. None, after a message, where that is wrong.
std::optional<Options> ParseCommandLine(int argc, char** argv);

// Raises this process's limit of open files to what so many clients need; where
// that may not be, lowers most_clients, and says so.
void FitToDescriptorLimit(Options& options);

}  // namespace kv_server

#endif  // EDDY_EXAMPLES_KV_SERVER_OPTIONS_H_
