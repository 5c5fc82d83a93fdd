#include <eddy/net/serve_stats_by_core.h>

#include <eddy/runtime/for_each_core.h>
#include <eddy/runtime/runtime.h>

#include <cstddef>

namespace eddy::net {

Task<Result<std::vector<ServeStats>>> ServeStatsByCore::Each() {
  std::vector<ServeStats> each(Runtime::OfTask().cores());
  const auto ask = [&](unsigned core) {
    if (core < cores_.size()) each[core] = cores_[core].stats;
  };
  EDDY_CO_CHECK(co_await ForEachCore(ask));
  co_return each;
}

Task<Result<ServeStats>> ServeStatsByCore::Sum() {
  EDDY_CO_TRY(const std::vector<ServeStats> each, co_await Each());
  ServeStats sum;
  for (const ServeStats& of_core : each) {
    sum.incoming.accepted += of_core.incoming.accepted;
    sum.incoming.given_up += of_core.incoming.given_up;
    sum.incoming.exhausted += of_core.incoming.exhausted;
    sum.connections += of_core.connections;
    sum.most_connections += of_core.most_connections;
    sum.handed_over += of_core.handed_over;
    sum.ended += of_core.ended;
    sum.failed += of_core.failed;
    sum.timed_out += of_core.timed_out;
  }
  co_return sum;
}

}  // namespace eddy::net
