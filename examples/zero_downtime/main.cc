// A service that is replaced by its next version while clients use it: no
// request is lost, and no connection refused. The new process asks the old one,
// over a Unix socket, for the socket that it listens on.
//
// Run:  examples/run zero_downtime --listen 127.0.0.1:7000 --control unix:@demo
//       and the same line again in another terminal, as often as you like
// Try:  exec 3<>/dev/tcp/127.0.0.1/7000; echo hello >&3; head -1 <&3    (bash)
// See:  "ok 1 hello" from the first process. When a second one has taken over,
//       the first answers "bye 1 ...", which ends the connection, and then ends
//       itself; new connections get "ok 2 ...". A process that is killed while
//       it takes over (--warm-up 10s gives time for that) changes nothing.
//
// Where to read on: hand_over.h has what the processes say to each other, and
// what happens when one dies half-way; service.h what clients see.
#include <eddy/io/until_signal.h>
#include <eddy/runtime/sync_wait.h>
#include <signal.h>

#include <cstdio>
#include <string>
#include <system_error>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/time/time.h"
#include "examples/usage.h"
#include "examples/zero_downtime/process.h"

ABSL_FLAG(std::string, listen, "127.0.0.1:7000",
          "address to listen on, if no process runs yet; port 0 takes a free "
          "one");
ABSL_FLAG(std::string, control, "unix:@zero_downtime",
          "where a process and the next one meet: unix:@name or unix:/path");
ABSL_FLAG(absl::Duration, patience, absl::Seconds(5),
          "how long the other process may take for an answer");
ABSL_FLAG(absl::Duration, warm_up, absl::ZeroDuration(),
          "how long this process takes until it can serve");
ABSL_FLAG(absl::Duration, readiness, absl::Minutes(1),
          "how long to wait until a new process can serve");
ABSL_FLAG(absl::Duration, drain, absl::Seconds(30),
          "how long clients may keep their connections to an old process");

namespace {

using eddy::Result;
namespace net = eddy::net;

int Fail(const std::string& why) {
  std::fprintf(stderr, "zero_downtime: %s\n", why.c_str());
  return 1;
}

eddy::Duration GetDuration(const absl::Flag<absl::Duration>& flag) {
  return absl::ToChronoNanoseconds(absl::GetFlag(flag));
}

std::string Why(eddy::Error error, const std::string& control) {
  if (error == eddy::kTimedOut) {
    return "the process at " + control +
           " does not answer in time; it goes on. See whether it hangs, or "
           "give it a longer --patience";
  }
  if (error == eddy::kCanceled) {
    return "the process at " + control +
           " took the service back and goes on; see what it printed";
  }
  if (error == std::errc::permission_denied) {
    return "the process at " + control +
           " belongs to another user; choose another --control";
  }
  if (error == std::errc::protocol_not_supported) {
    return "the process at " + control +
           " hands over in another way; end it before this one is started";
  }
  return error.message();
}

}  // namespace

int main(int argc, char** argv) {
  examples::SetUsage(
      "answers lines; started again, it takes over from the process that runs");
  absl::ParseCommandLine(argc, argv);
  const std::string control = absl::GetFlag(FLAGS_control);
  const auto listen_at = net::SocketAddress::Parse(absl::GetFlag(FLAGS_listen));
  const auto control_at = net::SocketAddress::Parse(control);
  if (!listen_at) return Fail("--listen is no address, such as 127.0.0.1:7000");
  if (!control_at || control_at->family() != AF_UNIX) {
    return Fail("--control is no Unix address, such as unix:@name");
  }
  zero_downtime::Options options;
  options.listen = *listen_at;
  options.control = *control_at;
  options.patience = GetDuration(FLAGS_patience);
  options.warm_up = GetDuration(FLAGS_warm_up);
  options.readiness = GetDuration(FLAGS_readiness);
  options.drain = GetDuration(FLAGS_drain);
  try {
    const Result<void> ended = eddy::SyncWait(eddy::io::UntilSignal(
        zero_downtime::RunProcess(options), SIGINT, SIGTERM));
    return ended ? 0 : Fail(Why(ended.error(), control));
  } catch (const std::system_error& error) {
    return Fail(error.what());
  }
}
