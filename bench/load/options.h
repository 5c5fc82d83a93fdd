// What a run of the load generator is asked for, and what of it makes sense.

#ifndef EDDY_BENCH_LOAD_OPTIONS_H_
#define EDDY_BENCH_LOAD_OPTIONS_H_

#include <eddy/net/socket_address.h>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace eddy::bench {

enum class Protocol { kEcho, kHttp, kRedis };
enum class RedisCommand { kGet, kSet, kPing };

// "echo://127.0.0.1:7000", "http://127.0.0.1:8080/index.html",
// "redis://127.0.0.1:6379".
struct Target {
  Protocol protocol = Protocol::kEcho;
  net::SocketAddress address;
  std::string host;  // as it was given, with the port
  std::string path;  // of HTTP
};

// Errors: InvalidArgument, with what would be right.
absl::StatusOr<Target> ParseTarget(absl::string_view text);
absl::StatusOr<RedisCommand> ParseRedisCommand(absl::string_view text);

struct LoadOptions {
  Target target;
  std::size_t connections = 64;
  // Requests that may be under way on a connection. The closed loop sends them
  // together and waits for all of their answers.
  std::size_t pipeline = 1;
  std::size_t size = 64;  // bytes of an echo's request, or of a SET's value
  // Requests a second in all. None: a closed loop, as many as the server takes.
  std::optional<double> rate;
  std::chrono::nanoseconds warm_up = std::chrono::seconds(1);
  std::chrono::nanoseconds duration = std::chrono::seconds(5);  // measured
  // How long to wait for a connection, and for answers after the end.
  std::chrono::nanoseconds timeout = std::chrono::seconds(10);
  unsigned cores = 1;  // that the generator runs on
  RedisCommand command = RedisCommand::kGet;
  std::size_t keys = 1000;
};

// Errors: InvalidArgument, with the name of the flag and what is wrong.
absl::Status Check(const LoadOptions& options);

// For people, as in "echo of 64 B x 64, pipeline 4, 20000/s".
std::string Describe(const LoadOptions& options);

}  // namespace eddy::bench

#endif  // EDDY_BENCH_LOAD_OPTIONS_H_
