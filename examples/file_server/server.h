// Server: accepts clients, and ends when all of them have been served.
#ifndef EDDY_EXAMPLES_FILE_SERVER_SERVER_H_
#define EDDY_EXAMPLES_FILE_SERVER_SERVER_H_

#include <eddy/net/tcp.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>

#include "examples/file_server/site.h"

namespace file_server {

// Serves everyone who connects. Once site.draining is stopped it closes the
// listener and the idle connections, and returns when the running responses
// have ended.
// Errors: kCanceled if a stop cut some of them short.
eddy::Task<eddy::Result<void>> Serve(eddy::net::TcpListener listener,
                                     Site& site);

}  // namespace file_server

#endif  // EDDY_EXAMPLES_FILE_SERVER_SERVER_H_
