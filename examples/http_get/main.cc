// An HTTP client that fetches many URLs at once, but not too many, and waits
// for none of them for ever.
// Run:  examples/run http_get --jobs 4 --timeout 5 http://127.0.0.1:8080/ ...
// See:  a line for each URL when it is done, and a summary. The exit code is 0
//       if all came with a status below 400, 1 if not, 2 if nothing was tried.
// Shows: net::Connect by name, bounded concurrency as a scope with a few
//       workers, a timeout for each phase, limits on what a server may send.
#include <eddy/io/until_signal.h>
#include <eddy/runtime/sync_wait.h>
#include <eddy/runtime/task_scope.h>

#include <csignal>
#include <cstddef>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "examples/http_get/fetch.h"
#include "examples/http_get/url.h"
#include "examples/usage.h"

ABSL_FLAG(int, jobs, 8, "how many URLs are fetched at once");
ABSL_FLAG(double, timeout, 10,
          "seconds that connecting, the request, the response's head, and each "
          "part of its body may take");
ABSL_FLAG(double, total_timeout, 300, "seconds that a URL may take");
ABSL_FLAG(std::uint64_t, max_size, std::uint64_t{1} << 30,
          "bytes that the body of a response may have");

namespace {

using eddy::Result;
using eddy::Task;
using eddy::TaskScope;
using http_get::Outcome;
using http_get::Url;

struct Job {
  std::string text;
  Url url;
};

struct Summary {
  std::size_t good = 0;
  std::size_t bad = 0;
  std::uint64_t bytes = 0;
};

double Milliseconds(eddy::Duration time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

void Print(const Job& job, const Outcome& outcome) {
  const double time = Milliseconds(outcome.time);
  if (outcome.error) {
    std::printf("--- %9llu bytes %9.1f ms  %s  (%s: %s)\n",
                static_cast<unsigned long long>(outcome.size), time,
                job.text.c_str(), outcome.phase,
                outcome.error->message().c_str());
  } else {
    std::printf("%3d %9llu bytes %9.1f ms  %s\n", outcome.status,
                static_cast<unsigned long long>(outcome.size), time,
                job.text.c_str());
  }
  std::fflush(stdout);
}

// As many workers as may be in flight; each takes the next job until none is
// left.
Task<Result<void>> FetchAll(const std::vector<Job>& jobs,
                            const http_get::Limits& limits, std::size_t workers,
                            Summary& summary) {
  std::size_t next = 0;
  const auto work = [&]() -> Task<Result<void>> {
    while (next < jobs.size()) {
      const Job& job = jobs[next++];
      const Outcome outcome = co_await http_get::Fetch(job.url, limits);
      if (outcome.error == eddy::kCanceled) {
        co_return eddy::Unexpected(eddy::kCanceled);
      }
      Print(job, outcome);
      ++(outcome.good() ? summary.good : summary.bad);
      summary.bytes += outcome.size;
    }
    co_return Result<void>();
  };
  const auto body = [&](TaskScope& scope) -> Task<> {
    for (std::size_t i = 0; i < workers; ++i) scope.Spawn(work);
    co_return;
  };
  co_return co_await eddy::WithScope(body);
}

int Refuse(const std::string& why) {
  std::fprintf(stderr, "http_get: %s\n", why.c_str());
  return 2;
}

eddy::Duration Seconds(double seconds) {
  return std::chrono::duration_cast<eddy::Duration>(
      std::chrono::duration<double>(seconds));
}

bool IsTime(double seconds) { return seconds > 0 && seconds < 1e9; }

}  // namespace

int main(int argc, char** argv) {
  examples::SetUsage(
      "Fetches URLs of http. http_get [--jobs N] [--timeout S] URL...");
  std::vector<char*> words = absl::ParseCommandLine(argc, argv);
  std::vector<Job> jobs;
  for (std::size_t i = 1; i < words.size(); ++i) {
    const Result<Url> url = http_get::ParseUrl(words[i]);
    if (!url) {
      return Refuse("'" + std::string(words[i]) +
                    "': " + url.error().message() +
                    "; say http://host/path or http://host:port/path");
    }
    jobs.push_back({words[i], *url});
  }
  if (jobs.empty()) return Refuse("which URLs? See --help");
  const int workers = absl::GetFlag(FLAGS_jobs);
  const double timeout = absl::GetFlag(FLAGS_timeout);
  const double total_timeout = absl::GetFlag(FLAGS_total_timeout);
  if (workers < 1) return Refuse("--jobs has to be at least 1");
  if (!IsTime(timeout) || !IsTime(total_timeout)) {
    return Refuse("a timeout has to be more than 0 seconds");
  }

  http_get::Limits limits;
  limits.phase = Seconds(timeout);
  limits.total = Seconds(total_timeout);
  limits.body = absl::GetFlag(FLAGS_max_size);
  Summary summary;
  const eddy::TimePoint start = eddy::Clock::now();
  const Result<void> all = eddy::SyncWait(eddy::io::UntilSignal(
      FetchAll(jobs, limits, static_cast<std::size_t>(workers), summary),
      SIGINT, SIGTERM));
  const std::size_t rest = jobs.size() - summary.good - summary.bad;
  std::printf(
      "%zu fetched, %zu failed, %zu not tried or cut short, %llu bytes "
      "in %.1f ms\n",
      summary.good, summary.bad, rest,
      static_cast<unsigned long long>(summary.bytes),
      Milliseconds(eddy::Clock::now() - start));
  if (!all)
    std::fprintf(stderr, "http_get: %s\n", all.error().message().c_str());
  return all && summary.good == jobs.size() ? 0 : 1;
}
