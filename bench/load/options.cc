#include "bench/load/options.h"

#include <tuple>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"

namespace eddy::bench {
namespace {

constexpr std::size_t kMostConnections = 1'000'000;
constexpr std::size_t kMostPipeline = 10'000;
constexpr std::size_t kMostSize = std::size_t{64} * 1024 * 1024;
constexpr std::size_t kMostKeys = 100'000'000;
constexpr double kMostRate = 1e8;
constexpr std::chrono::hours kLongest{24};

absl::Status Wrong(absl::string_view flag, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("--", flag, " ", what));
}

absl::Status CheckNumber(absl::string_view flag, std::size_t value,
                         std::size_t most) {
  if (value >= 1 && value <= most) return absl::OkStatus();
  return Wrong(flag, absl::StrCat("is a number from 1 to ", most));
}

const char* Name(RedisCommand command) {
  switch (command) {
    case RedisCommand::kGet:
      return "GET";
    case RedisCommand::kSet:
      return "SET";
    case RedisCommand::kPing:
      return "PING";
  }
  return "";
}

}  // namespace

absl::StatusOr<Target> ParseTarget(absl::string_view text) {
  const auto wrong = [text](absl::string_view what) {
    return Wrong("target", absl::StrCat("'", text, "': ", what));
  };
  Target target;
  absl::string_view rest = text;
  if (absl::ConsumePrefix(&rest, "echo://")) {
    target.protocol = Protocol::kEcho;
  } else if (absl::ConsumePrefix(&rest, "http://")) {
    target.protocol = Protocol::kHttp;
  } else if (absl::ConsumePrefix(&rest, "redis://")) {
    target.protocol = Protocol::kRedis;
  } else {
    return wrong("it begins with echo://, http:// or redis://");
  }
  const std::size_t slash = rest.find('/');
  target.host = std::string(rest.substr(0, slash));
  if (slash != absl::string_view::npos) {
    target.path = std::string(rest.substr(slash));
  }
  if (target.protocol == Protocol::kHttp) {
    if (target.path.empty()) target.path = "/";
    for (const char c : target.path) {
      if (!absl::ascii_isgraph(static_cast<unsigned char>(c))) {
        return wrong("spaces and such in a path are written as %20");
      }
    }
  } else if (!target.path.empty() && target.path != "/") {
    return wrong("only http:// has a path");
  }
  const Result<net::SocketAddress> address = net::SocketAddress::Parse(
      absl::StrReplaceAll(target.host, {{"localhost:", "127.0.0.1:"}}));
  if (!address || address->port() == 0) {
    return wrong(
        "after the scheme come an address and a port, as in 127.0.0.1:7000 or "
        "[::1]:7000");
  }
  target.address = *address;
  return target;
}

absl::StatusOr<RedisCommand> ParseRedisCommand(absl::string_view text) {
  for (const RedisCommand command :
       {RedisCommand::kGet, RedisCommand::kSet, RedisCommand::kPing}) {
    if (absl::EqualsIgnoreCase(text, Name(command))) return command;
  }
  return Wrong("command", "is get, set or ping");
}

absl::Status Check(const LoadOptions& o) {
  for (const auto& [flag, value, most] :
       {std::tuple("connections", o.connections, kMostConnections),
        std::tuple("pipeline", o.pipeline, kMostPipeline),
        std::tuple("size", o.size, kMostSize),
        std::tuple("keys", o.keys, kMostKeys)}) {
    if (absl::Status s = CheckNumber(flag, value, most); !s.ok()) return s;
  }
  if (o.rate && !(*o.rate > 0 && *o.rate <= kMostRate)) {
    return Wrong("rate", absl::StrCat("is a number over 0 and up to ",
                                      kMostRate, " a second"));
  }
  if (o.warm_up.count() < 0 || o.warm_up > kLongest) {
    return Wrong("warm_up", "is from 0 s to 24 h");
  }
  if (o.duration.count() <= 0 || o.duration > kLongest) {
    return Wrong("duration", "is over 0 s and up to 24 h");
  }
  if (o.timeout.count() <= 0 || o.timeout > kLongest) {
    return Wrong("timeout", "is over 0 s and up to 24 h");
  }
  if (o.cores < 1) return Wrong("cores", "is 1 or more");
  if (o.cores > o.connections) {
    return Wrong("cores", "are at most as many as --connections");
  }
  return absl::OkStatus();
}

std::string Describe(const LoadOptions& o) {
  std::string text;
  switch (o.target.protocol) {
    case Protocol::kEcho:
      text = absl::StrCat("echo of ", o.size, " B");
      break;
    case Protocol::kHttp:
      text = absl::StrCat("GET ", o.target.path);
      break;
    case Protocol::kRedis:
      text = Name(o.command);
      if (o.command == RedisCommand::kSet) {
        absl::StrAppend(&text, " of ", o.size, " B");
      }
      break;
  }
  absl::StrAppend(&text, " x ", o.connections);
  if (o.pipeline > 1) absl::StrAppend(&text, ", pipeline ", o.pipeline);
  if (o.rate) absl::StrAppendFormat(&text, ", %.0f/s", *o.rate);
  return text;
}

}  // namespace eddy::bench
