// Server: all cores, and who listens on each.
#ifndef EDDY_EXAMPLES_KV_SERVER_SERVER_H_
#define EDDY_EXAMPLES_KV_SERVER_SERVER_H_

#include <eddy/net/tcp.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>

#include "examples/kv_server/core.h"
#include "examples/kv_server/options.h"

namespace kv_server {

// Serves all who connect, on one core, until it is stopped; then they may
// finish what they have begun.
eddy::Task<eddy::Result<void>> ServeClients(eddy::net::TcpListener& listener,
                                            Place place);

// The whole server, on all cores of the Runtime that runs, until SIGINT or
// SIGTERM. Brings the keys back from the log, says where it listens, and writes
// the log to its end when no client is left.
eddy::Task<eddy::Result<void>> RunServer(const Options& options);

}  // namespace kv_server

#endif  // EDDY_EXAMPLES_KV_SERVER_SERVER_H_
