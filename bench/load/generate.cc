#include "bench/load/generate.h"

#include <eddy/runtime/for_each_core.h>
#include <eddy/runtime/runtime.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/timeout.h>

#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "bench/load/session.h"

namespace eddy::bench {
namespace {

// From the last connection to the start, in which the cores get the message.
constexpr std::chrono::milliseconds kBeforeStart{2};

// What one core has.
struct Worker {
  Totals totals;
  std::vector<std::unique_ptr<Session>> sessions;
};
using Workers = std::vector<Worker>;

// One after the other: a server's backlog is bounded.
Task<Result<void>> OpenSessions(const LoadOptions& options, unsigned core,
                                Worker& worker) {
  for (std::size_t i = core; i < options.connections; i += options.cores) {
    worker.sessions.push_back(
        std::make_unique<Session>(options, i, worker.totals));
    EDDY_CO_CHECK(co_await worker.sessions.back()->Open());
  }
  if (core == 0 && options.target.protocol == Protocol::kRedis &&
      options.command == RedisCommand::kGet) {
    EDDY_CO_CHECK(co_await worker.sessions.front()->FillRedis());
  }
  co_return Result<void>();
}

Task<void> RunSession(Session& session, Course course) {
  static_cast<void>(co_await WithDeadline(course.give_up, session.Run(course)));
}

Task<Result<void>> RunSessions(Worker& worker, Course course) {
  const auto body = [&](TaskScope& scope) -> Task<void> {
    for (const std::unique_ptr<Session>& session : worker.sessions) {
      scope.Spawn(RunSession(*session, course));
    }
    co_return;
  };
  co_return co_await WithScope(body);
}

Task<absl::StatusOr<Totals>> Run(const LoadOptions& options) {
  Workers workers(options.cores);
  const auto open = [&](unsigned core) {
    return OpenSessions(options, core, workers[core]);
  };
  const Result<void> opened = co_await ForEachCore(open);
  Result<void> ran;
  if (opened) {
    Course course;
    course.start = Clock::now() + kBeforeStart;
    course.measured_from = course.start + options.warm_up;
    course.end = course.measured_from + options.duration;
    course.give_up = course.end + options.timeout;
    const auto run = [&, course](unsigned core) {
      return RunSessions(workers[core], course);
    };
    ran = co_await ForEachCore(run);
  }
  // Their sockets are closed where they were opened.
  const auto close = [&](unsigned core) { workers[core].sessions.clear(); };
  static_cast<void>(co_await ForEachCore(close));
  if (!opened) {
    co_return absl::UnavailableError(absl::StrCat(
        "connecting to ", options.target.host, ": ", opened.error().message()));
  }
  if (!ran) co_return absl::InternalError(ran.error().message());
  Totals totals;
  for (const Worker& worker : workers) totals.Add(worker.totals);
  co_return totals;
}

}  // namespace

absl::StatusOr<Totals> Generate(const LoadOptions& options) {
  RuntimeOptions runtime_options;
  runtime_options.cores = options.cores;
  // One core stays where its starter has put it.
  runtime_options.pin = options.cores > 1;
  const Result<std::unique_ptr<Runtime>> runtime =
      Runtime::Create(runtime_options);
  if (!runtime) {
    return absl::UnavailableError(runtime.error().message());
  }
  return (*runtime)->Run(Run(options));
}

}  // namespace eddy::bench
