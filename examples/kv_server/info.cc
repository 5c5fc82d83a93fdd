#include "examples/kv_server/info.h"

#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "examples/kv_server/session_commands.h"

namespace kv_server {
namespace {

template <class Get>
std::uint64_t Sum(const std::vector<CoreInfo>& cores, Get get) {
  std::uint64_t sum = 0;
  for (const CoreInfo& core : cores) sum += get(core);
  return sum;
}

std::string Persistence(const Options& options,
                        const std::vector<CoreInfo>& cores) {
  const bool failed =
      std::any_of(cores.begin(), cores.end(),
                  [](const CoreInfo& core) { return core.log_failed; });
  return absl::StrCat(
      "loading:0\r\naof_enabled:", options.log.empty() ? 0 : 1,
      "\r\naof_last_write_status:", failed ? "err" : "ok",
      "\r\naof_current_size:",
      Sum(cores, [](const CoreInfo& core) { return core.log.bytes; }),
      "\r\nlog_commits:",
      Sum(cores, [](const CoreInfo& core) { return core.log.commits; }),
      "\r\nlog_syncs:",
      Sum(cores, [](const CoreInfo& core) { return core.log.syncs; }), "\r\n");
}

std::string Stats(const std::vector<CoreInfo>& cores) {
  const auto sum = [&](auto get) { return Sum(cores, get); };
  return absl::StrCat(
      "total_connections_received:",
      sum([](const CoreInfo& core) { return core.stats.connections; }),
      "\r\nrejected_connections:",
      sum([](const CoreInfo& core) { return core.stats.refused; }),
      "\r\ntotal_commands_processed:",
      sum([](const CoreInfo& core) { return core.stats.commands; }),
      "\r\ncommands_sent_to_other_cores:",
      sum([](const CoreInfo& core) { return core.stats.sent_away; }),
      "\r\nexpired_keys:",
      sum([](const CoreInfo& core) { return core.expired; }),
      "\r\nclient_output_buffer_limit_disconnections:",
      sum([](const CoreInfo& core) { return core.stats.thrown_out; }),
      "\r\npubsub_channels:",
      sum([](const CoreInfo& core) { return core.channels; }),
      "\r\npubsub_patterns:",
      sum([](const CoreInfo& core) { return core.patterns; }), "\r\n");
}

std::string Keyspace(const std::vector<CoreInfo>& cores) {
  const auto keys = Sum(cores, [](const CoreInfo& core) { return core.keys; });
  if (keys == 0) return "";
  return absl::StrCat(
      "db0:keys=", keys, ",expires=",
      Sum(cores, [](const CoreInfo& core) { return core.expiring; }),
      ",avg_ttl=0\r\n");
}

}  // namespace

CoreInfo InfoOf(Core& core) {
  CoreInfo info;
  info.stats = core.stats();
  info.keys = core.shard().size();
  info.expiring = core.shard().expiring();
  info.expired = core.shard().expired();
  info.clients = core.clients().size();
  info.channels = core.channels().size(Channels::Kind::kChannel);
  info.patterns = core.channels().size(Channels::Kind::kPattern);
  if (core.log() != nullptr) info.log = core.log()->stats();
  info.log_failed = !core.logs();
  return info;
}

std::string InfoText(const Options& options, const std::vector<CoreInfo>& cores,
                     Arguments sections) {
  const std::array<std::pair<std::string_view, std::string>, 6> all = {{
      {"Server",
       absl::StrCat("redis_version:", std::string(kRedisVersion),
                    "\r\nredis_mode:standalone\r\nserver_name:eddy_kv_server"
                    "\r\nprocess_id:",
                    getpid(), "\r\nio_threads_active:0\r\ncores:", cores.size(),
                    "\r\n")},
      {"Clients",
       absl::StrCat(
           "connected_clients:",
           Sum(cores, [](const CoreInfo& core) { return core.clients; }),
           "\r\nmaxclients:", options.most_clients, "\r\n")},
      {"Persistence", Persistence(options, cores)},
      {"Stats", Stats(cores)},
      {"Replication", "role:master\r\nconnected_slaves:0\r\n"},
      {"Keyspace", Keyspace(cores)},
  }};
  std::string text;
  for (const auto& [name, lines] : all) {
    const std::string small = absl::AsciiStrToLower(std::string(name));
    const auto asked = [&](std::string_view section) {
      return IsWord(section, small) || IsWord(section, "all") ||
             IsWord(section, "default") || IsWord(section, "everything");
    };
    if (!sections.empty() &&
        !std::any_of(sections.begin(), sections.end(), asked)) {
      continue;
    }
    if (!text.empty()) text += "\r\n";
    text.append("# ").append(name).append("\r\n").append(lines);
  }
  return text;
}

}  // namespace kv_server
