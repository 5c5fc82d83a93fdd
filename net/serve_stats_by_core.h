// ServeStatsByCore: what a server on all cores has counted (ServeOnAllCores).
//
//   net::ServeStatsByCore stats;              // outlives the server
//   options.stats = &stats;
//   ...
//   EDDY_CO_TRY(const net::ServeStats all, co_await stats.Sum());
//
// Each core counts for itself, and is asked for its counts by a message: no
// cache line goes to and fro for them while it serves. So those of several
// cores are not of one moment.
//
// Thread safety: Each and Sum on any core of the Runtime, once the server has
// called on_listening or has ended. Cost: see ForEachCore.
#ifndef EDDY_NET_SERVE_STATS_BY_CORE_H_
#define EDDY_NET_SERVE_STATS_BY_CORE_H_

#include <eddy/net/serve.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>

#include <vector>

namespace eddy::net {

class ServeStatsByCore {
 public:
  ServeStatsByCore() = default;
  ServeStatsByCore(const ServeStatsByCore&) = delete;
  ServeStatsByCore& operator=(const ServeStatsByCore&) = delete;

  // By core, from 0 on. Errors: those of SubmitTo.
  Task<Result<std::vector<ServeStats>>> Each();
  // All together; most_connections is the sum of what each core had at most.
  Task<Result<ServeStats>> Sum();

  // For ServeOnAllCores: before it begins, on one core; then those of a core,
  // for that core.
  void Begin(unsigned cores) { cores_.resize(cores); }
  ServeStats& Of(unsigned core) noexcept { return cores_[core].stats; }

 private:
  struct alignas(64) Core {
    ServeStats stats;
  };
  std::vector<Core> cores_;
};

}  // namespace eddy::net

#endif  // EDDY_NET_SERVE_STATS_BY_CORE_H_
