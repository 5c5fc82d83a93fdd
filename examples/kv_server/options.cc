#include "examples/kv_server/options.h"

#include <sys/resource.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <thread>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/time/time.h"
#include "examples/usage.h"

ABSL_FLAG(std::string, listen, "127.0.0.1:6379",
          "address to listen on: 127.0.0.1:6379, [::1]:6379 or unix:/path (on "
          "one core); port 0 takes a free one");
ABSL_FLAG(std::uint32_t, cores, 0, "how many cores to use; 0: all");
ABSL_FLAG(bool, oversubscribe, false,
          "more cores than this process may use, which share them; for tests");
ABSL_FLAG(absl::Duration, busy_poll, absl::ZeroDuration(),
          "how long a core looks for work before it sleeps");
ABSL_FLAG(std::uint32_t, max_clients, 10'000, "clients at once");
ABSL_FLAG(absl::Duration, idle_timeout, absl::InfiniteDuration(),
          "how long a client may say nothing");
ABSL_FLAG(absl::Duration, drain, absl::Seconds(5),
          "how long what was begun may go on after SIGTERM");
ABSL_FLAG(std::uint64_t, max_value, std::uint64_t{512} << 20,
          "bytes of a word of a request, and of a value");
ABSL_FLAG(std::uint64_t, max_words, std::uint64_t{1} << 20,
          "words of a request");
ABSL_FLAG(std::uint64_t, max_query, std::uint64_t{1} << 30,
          "bytes of a request");
ABSL_FLAG(std::uint64_t, max_reply, std::uint64_t{1} << 30,
          "bytes of the reply to one request");
ABSL_FLAG(std::uint64_t, max_queued, std::uint64_t{32} << 20,
          "bytes that may wait for a subscriber that does not read");
ABSL_FLAG(std::uint32_t, max_subscriptions, 10'000,
          "channels and patterns of one client");
ABSL_FLAG(std::string, log, "",
          "folder for a log of all changes, which is there already; none: "
          "nothing outlives the server");
ABSL_FLAG(std::string, log_sync, "always",
          "always: who is answered has its changes on the disk; everysec: the "
          "kernel has them, and a power failure may take those of the last "
          "second");
ABSL_FLAG(bool, log_cut_damaged, false,
          "drop what follows the first damage in a log");

namespace kv_server {
namespace {

eddy::Duration ToDuration(absl::Duration duration) {
  if (duration == absl::InfiniteDuration()) return eddy::Duration::max();
  return absl::ToChronoNanoseconds(duration);
}

}  // namespace

std::optional<Options> ParseCommandLine(int argc, char** argv) {
  examples::SetUsage("An in-memory store that speaks the Redis protocol.");
  const std::vector<char*> words = absl::ParseCommandLine(argc, argv);
  Options options;
  options.listen = absl::GetFlag(FLAGS_listen);
  options.cores = absl::GetFlag(FLAGS_cores);
  options.oversubscribe = absl::GetFlag(FLAGS_oversubscribe);
  options.busy_poll = ToDuration(absl::GetFlag(FLAGS_busy_poll));
  options.most_clients = absl::GetFlag(FLAGS_max_clients);
  options.idle = ToDuration(absl::GetFlag(FLAGS_idle_timeout));
  options.drain = ToDuration(absl::GetFlag(FLAGS_drain));
  options.requests.longest_argument = absl::GetFlag(FLAGS_max_value);
  options.requests.most_arguments = absl::GetFlag(FLAGS_max_words);
  options.most_query = absl::GetFlag(FLAGS_max_query);
  options.most_reply = absl::GetFlag(FLAGS_max_reply);
  options.most_queued = absl::GetFlag(FLAGS_max_queued);
  options.most_subscriptions = absl::GetFlag(FLAGS_max_subscriptions);
  options.log = absl::GetFlag(FLAGS_log);
  options.log_options.cut_damaged = absl::GetFlag(FLAGS_log_cut_damaged);
  const std::string sync = absl::GetFlag(FLAGS_log_sync);
  options.log_options.sync =
      sync == "everysec" ? LogSync::kEverySecond : LogSync::kAlways;
  constexpr unsigned kMostCores = 256;
  constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 31;
  const bool right =
      words.size() <= 1 && options.cores <= kMostCores &&
      options.busy_poll >= eddy::Duration::zero() &&
      options.idle > eddy::Duration::zero() &&
      options.drain >= eddy::Duration::zero() && options.most_clients > 0 &&
      options.requests.longest_argument <= kMostBytes &&
      options.requests.most_arguments > 0 && options.most_query <= kMostBytes &&
      (sync == "always" || sync == "everysec");
  if (right) return options;
  std::fprintf(stderr, "kv_server: wrong words or values; see --help\n");
  return {};
}

void FitToDescriptorLimit(Options& options) {
  // For what a core has open besides, and for clients that are refused.
  const std::size_t cores =
      options.cores != 0 ? options.cores : std::thread::hardware_concurrency();
  const std::size_t others = 32 + 16 * cores;
  const rlim_t needed = options.most_clients + others;
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= needed) return;
  limit.rlim_cur = std::min(needed, limit.rlim_max);
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
    getrlimit(RLIMIT_NOFILE, &limit);
  }
  if (limit.rlim_cur >= needed) return;
  options.most_clients =
      limit.rlim_cur > others ? std::size_t{limit.rlim_cur} - others : 1;
  std::fprintf(stderr,
               "kv_server: only %zu clients at once: this process may have no "
               "more than %ju open files\n",
               options.most_clients, std::uintmax_t{limit.rlim_cur});
}

}  // namespace kv_server
