// The service around SQLite as it is with threads: what examples/sqlite_service
// was ported from (see docs/porting.md).
// Run:  examples/run sqlite_service_threads --database /tmp/notes.db
// Try:  as sqlite_service.
// Shows: a thread for each client, and a few connections to the database that
//       they wait for with a condition variable.
#include <cstdint>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/time/time.h"
#include "examples/blocking_sockets/socket.h"
#include "examples/sqlite_service_threads/server.h"
#include "examples/usage.h"

ABSL_FLAG(std::string, listen, "127.0.0.1:7002",
          "address to listen on: 127.0.0.1:7002 or [::1]:7002; port 0 takes a "
          "free one");
ABSL_FLAG(std::string, database, "notes.db", "the file of the database");
ABSL_FLAG(std::uint32_t, readers, 4, "connections to the database that read");
ABSL_FLAG(absl::Duration, patience, absl::Seconds(5),
          "how long a request may take");
ABSL_FLAG(absl::Duration, busy, absl::Seconds(1),
          "how long to wait while another process has the database");
ABSL_FLAG(absl::Duration, idle_timeout, absl::Minutes(10),
          "how long a client may say nothing");
ABSL_FLAG(absl::Duration, drain, absl::Seconds(5),
          "how long what was begun may go on after SIGTERM");
ABSL_FLAG(std::uint32_t, max_clients, 10000, "clients at once");
ABSL_FLAG(bool, survives_power_failure, true,
          "what was acknowledged is on the disk");

namespace {

void Run(const sqlite_service::StoreOptions& store,
         const sqlite_service_threads::Options& options) {
  sqlite_service_threads::StorePool stores(store, absl::GetFlag(FLAGS_readers),
                                           options.patience);
  blocking_sockets::Listener listener(absl::GetFlag(FLAGS_listen),
                                      /*send_buffer=*/0);
  std::printf("listening on %s\n", listener.address().c_str());
  std::fflush(stdout);
  sqlite_service_threads::Serve(listener, stores, options);
}

}  // namespace

int main(int argc, char** argv) {
  examples::SetUsage("A database for lines of text, of threads.");
  const std::vector<char*> words = absl::ParseCommandLine(argc, argv);
  sqlite_service::StoreOptions store;
  store.path = absl::GetFlag(FLAGS_database);
  store.busy = absl::ToChronoNanoseconds(absl::GetFlag(FLAGS_busy));
  store.survives_power_failure = absl::GetFlag(FLAGS_survives_power_failure);
  sqlite_service_threads::Options options;
  options.idle = absl::ToChronoNanoseconds(absl::GetFlag(FLAGS_idle_timeout));
  options.patience = absl::ToChronoNanoseconds(absl::GetFlag(FLAGS_patience));
  options.drain = absl::ToChronoNanoseconds(absl::GetFlag(FLAGS_drain));
  options.most_clients = absl::GetFlag(FLAGS_max_clients);
  if (words.size() > 1 || absl::GetFlag(FLAGS_readers) == 0 ||
      options.most_clients == 0 || options.idle.count() <= 0 ||
      options.patience.count() <= 0) {
    std::fprintf(stderr,
                 "sqlite_service_threads: wrong words or values; see --help\n");
    return 2;
  }
  try {
    Run(store, options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "sqlite_service_threads: %s\n", error.what());
    return 1;
  }
  return 0;
}
