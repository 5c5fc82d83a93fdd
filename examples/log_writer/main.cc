// A log that many tasks append to, one fdatasync for all that wait.
// Run:  examples/run log_writer --log /tmp/demo.log --writers 64
// Try:  again with --writers 1, which has nobody to share a sync with; kill it
//       with -9 in the middle, and then
//         examples/run log_writer --log /tmp/demo.log --dump
// See:  records per second, and how many records a sync was for. What was
//       acknowledged (--acks prints it) is in the log whenever it was killed.
// Shows: group commit with an Event for each batch; fs::Reader to find the end;
//       Shield around what must be finished.
#include <eddy/io/until_signal.h>
#include <eddy/runtime/sync_wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/strings/str_cat.h"
#include "examples/log_writer/log.h"
#include "examples/log_writer/writers.h"
#include "examples/usage.h"

ABSL_FLAG(std::string, log, "", "the log; made if it is not there");
ABSL_FLAG(std::uint32_t, writers, 64, "tasks that append");
ABSL_FLAG(std::uint64_t, records, 100, "records of each");
ABSL_FLAG(std::uint32_t, size, 100, "bytes of a record");
ABSL_FLAG(bool, acks, false, "print each record when it is durable");
ABSL_FLAG(bool, dump, false,
          "print the records that are there, and append none");

namespace {

using eddy::Result;
using eddy::Task;

// Without a buffer: a program that is killed has said what it knew.
void Print(std::string_view text) {
  const std::string line = absl::StrCat(std::string(text), "\n");
  if (write(STDOUT_FILENO, line.data(), line.size()) < 0) return;
}

Task<Result<void>> Main() {
  using Clock = std::chrono::steady_clock;
  const bool dump = absl::GetFlag(FLAGS_dump);
  std::uint64_t found = 0;
  const auto see = [&](std::string_view record) {
    ++found;
    if (dump) std::printf("%.*s\n", int(record.size()), record.data());
  };
  const std::string path = absl::GetFlag(FLAGS_log);
  if (dump) {
    EDDY_CO_CHECK(co_await log_writer::Log::Read(path, see));
    co_return Result<void>();
  }
  EDDY_CO_TRY(const auto log, co_await log_writer::Log::Open(path, see));
  if (log->stats().cut_off != 0) {
    std::fprintf(stderr, "cut off %ju torn bytes behind record %ju\n",
                 std::uintmax_t{log->stats().cut_off}, std::uintmax_t{found});
  }
  const std::string run = absl::StrCat("run", found);
  log_writer::Load load;
  load.writers = absl::GetFlag(FLAGS_writers);
  load.records = absl::GetFlag(FLAGS_records);
  load.size = absl::GetFlag(FLAGS_size);
  load.run = run;
  if (absl::GetFlag(FLAGS_acks)) load.acknowledged = Print;
  const auto start = Clock::now();
  const Result<void> written = co_await log_writer::Write(*log, load);
  const std::chrono::duration<double> took = Clock::now() - start;
  const auto records = static_cast<double>(log->stats().records);
  const auto commits = static_cast<double>(log->stats().commits);
  std::fprintf(stderr,
               "%.0f records in %.2f s: %.0f a second, %.1f for each sync\n",
               records, took.count(), records / took.count(),
               commits == 0 ? 0 : records / commits);
  co_return written;
}

}  // namespace

int main(int argc, char** argv) {
  examples::SetUsage("Appends records to a log, many to a sync.");
  const std::vector<char*> words = absl::ParseCommandLine(argc, argv);
  if (words.size() > 1 || absl::GetFlag(FLAGS_log).empty() ||
      absl::GetFlag(FLAGS_writers) == 0 ||
      absl::GetFlag(FLAGS_size) > log_writer::Log::kLargestRecord) {
    std::fprintf(stderr,
                 "log_writer: --log FILE is needed, at least one writer, and "
                 "records of 16 MiB at most; see --help\n");
    return 2;
  }
  const Result<void> done =
      eddy::SyncWait(eddy::io::UntilSignal(Main(), SIGINT, SIGTERM));
  if (!done) {
    std::fprintf(stderr, "log_writer: %s: %s\n",
                 absl::GetFlag(FLAGS_log).c_str(),
                 done.error().message().c_str());
  }
  return done ? 0 : 1;
}
