// A service around a library that blocks: keys and values in SQLite.
// Run:  examples/run sqlite_service --database /tmp/notes.db
// Try:  nc 127.0.0.1 7002, and say
//         PUT tea green      OK, when it is on the disk
//         GET tea            VALUE green
//         ADD cups 2         VALUE 2, in one transaction
//       There are DELETE, SWAP, LIST, PAIRS and QUIT, too; see store.h.
// See:  answers in the order of the requests; "ERR it took too long" for what
//       takes longer than --patience. SIGTERM or Ctrl-C ends it, when what was
//       begun is answered.
// Shows: Blocking for the library's calls, a Channel of connections for a bound
//       of them, and a stop that reaches into a statement that runs. It is the
//       port of sqlite_service_threads (see docs/porting.md).
#include <eddy/io/until_signal.h>
#include <eddy/runtime/sync_wait.h>

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/time/time.h"
#include "examples/sqlite_service/server.h"
#include "examples/usage.h"

ABSL_FLAG(std::string, listen, "127.0.0.1:7002",
          "address to listen on: 127.0.0.1:7002, [::1]:7002 or unix:/path; "
          "port 0 takes a free one");
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

using eddy::Result;
using eddy::Task;

Task<Result<void>> Main(sqlite_service::StorePool& stores,
                        sqlite_service::Options options) {
  EDDY_CO_TRY(const auto address,
              eddy::net::SocketAddress::Parse(absl::GetFlag(FLAGS_listen)));
  EDDY_CO_TRY(auto listener, eddy::net::TcpListener::Bind(address));
  EDDY_CO_TRY(const auto bound, listener.local_address());
  std::printf("listening on %s\n", bound.ToString().c_str());
  std::fflush(stdout);
  co_return co_await eddy::io::UntilSignal(
      sqlite_service::Serve(listener, stores, options), SIGINT, SIGTERM);
}

}  // namespace

int main(int argc, char** argv) {
  examples::SetUsage("A database for lines of text.");
  const std::vector<char*> words = absl::ParseCommandLine(argc, argv);
  sqlite_service::StoreOptions store;
  store.path = absl::GetFlag(FLAGS_database);
  store.busy = absl::ToChronoNanoseconds(absl::GetFlag(FLAGS_busy));
  store.survives_power_failure = absl::GetFlag(FLAGS_survives_power_failure);
  sqlite_service::Options options;
  options.idle = absl::ToChronoNanoseconds(absl::GetFlag(FLAGS_idle_timeout));
  options.patience = absl::ToChronoNanoseconds(absl::GetFlag(FLAGS_patience));
  options.drain = absl::ToChronoNanoseconds(absl::GetFlag(FLAGS_drain));
  options.most_clients = absl::GetFlag(FLAGS_max_clients);
  if (words.size() > 1 || absl::GetFlag(FLAGS_readers) == 0 ||
      options.most_clients == 0 || options.idle.count() <= 0 ||
      options.patience.count() <= 0) {
    std::fprintf(stderr, "sqlite_service: wrong words or values; see --help\n");
    return 2;
  }
  try {
    sqlite_service::StorePool stores(store, absl::GetFlag(FLAGS_readers));
    const Result<void> served = eddy::SyncWait(Main(stores, options));
    if (served) return 0;
    std::fprintf(stderr, "sqlite_service: %s\n",
                 served.error().message().c_str());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "sqlite_service: %s\n", error.what());
  }
  return 1;
}
