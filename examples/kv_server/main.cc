// An in-memory store that speaks the Redis protocol, on all cores.
// Run:  examples/run kv_server --listen 127.0.0.1:6379
// Try:  redis-cli, and say
//         SET tea green EX 60      OK
//         INCR cups                (integer) 1
//         SCAN 0 MATCH t*          the keys, piece by piece
//       or redis-benchmark -t get,set -P 16. SUBSCRIBE news in one redis-cli
//       and PUBLISH news hello in another.
// See:  with --log DIR every change that was answered is there again after a
//       kill -9. INFO says what happened. SIGTERM or Ctrl-C ends it, when what
//       was begun is answered.
// Shows: keys that live on one core each, without a lock: a connection sends
//       the commands of a batch to their cores, one message for each core
//       (plan.h); a log with group commit (append_log.h); messages to
//       subscribers on all cores, and an end for those that do not read
//       (client.h).
#include <eddy/runtime/result.h>
#include <eddy/runtime/runtime.h>

#include <cstdio>
#include <optional>

#include "examples/kv_server/options.h"
#include "examples/kv_server/server.h"

int main(int argc, char** argv) {
  std::optional<kv_server::Options> options =
      kv_server::ParseCommandLine(argc, argv);
  if (!options) return 2;
  kv_server::FitToDescriptorLimit(*options);
  eddy::RuntimeOptions runtime_options;
  runtime_options.cores = options->cores;
  runtime_options.oversubscribe = options->oversubscribe;
  runtime_options.name = "kv_server";
  runtime_options.reactor.busy_poll = options->busy_poll;
  const auto runtime = eddy::Runtime::Create(runtime_options);
  eddy::Result<void> served;
  if (runtime) {
    served = (*runtime)->Run(kv_server::RunServer(*options));
  } else {
    served = eddy::Unexpected(runtime.error());
  }
  if (!served) {
    std::fprintf(stderr, "kv_server: %s\n", served.error().message().c_str());
  }
  return served ? 0 : 1;
}
