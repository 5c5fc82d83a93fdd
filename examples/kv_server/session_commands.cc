#include "examples/kv_server/session_commands.h"

#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "examples/kv_server/glob.h"
#include "examples/kv_server/number.h"

namespace kv_server {
namespace {

void Ping(Client& client, Arguments words) {
  Reply& reply = client.reply();
  if (words.size() > 2) {
    reply.Error(WrongNumberOfWords("ping"));
  } else if (client.count_subscriptions() > 0 && reply.protocol() == 2) {
    // A subscriber expects messages.
    reply.Array(2);
    reply.Bulk("pong");
    reply.Bulk(words.size() == 2 ? words[1] : "");
  } else if (words.size() == 2) {
    reply.Bulk(words[1]);
  } else {
    reply.Simple("PONG");
  }
}

// What Redis allows in a client's name.
bool IsName(std::string_view name) {
  return std::all_of(name.begin(), name.end(),
                     [](char c) { return c >= '!' && c <= '~'; });
}
constexpr std::string_view kBadName =
    "ERR Client names cannot contain spaces, newlines or special characters.";

// HELLO [2 | 3 [AUTH USER PASSWORD] [SETNAME NAME]]
void Hello(Client& client, Arguments words) {
  Reply& reply = client.reply();
  int protocol = reply.protocol();
  if (words.size() >= 2) {
    const auto version = ParseInteger(words[1]);
    if (!version) {
      return reply.Error(
          "ERR Protocol version is not an integer or out of range");
    }
    if (*version != 2 && *version != 3) {
      return reply.Error("NOPROTO unsupported protocol version");
    }
    protocol = static_cast<int>(*version);
  }
  std::optional<std::string_view> name;
  for (std::size_t i = 2; i < words.size(); ++i) {
    const std::size_t more = words.size() - i - 1;
    if (IsWord(words[i], "auth") && more >= 2) {
      if (words[i + 1] != "default") {
        return reply.Error(
            "WRONGPASS invalid username-password pair or user is disabled.");
      }
      i += 2;
    } else if (IsWord(words[i], "setname") && more >= 1) {
      name = words[++i];
      if (!IsName(*name)) return reply.Error(kBadName);
    } else {
      return reply.Error(absl::StrCat("ERR Syntax error in HELLO option '",
                                      std::string(words[i]), "'"));
    }
  }
  if (name) client.name = std::string(*name);
  reply.set_protocol(protocol);
  reply.Map(7);
  reply.Bulk("server");
  reply.Bulk("redis");
  reply.Bulk("version");
  reply.Bulk(kRedisVersion);
  reply.Bulk("proto");
  reply.Integer(protocol);
  reply.Bulk("id");
  reply.Integer(static_cast<std::int64_t>(client.id()));
  reply.Bulk("mode");
  reply.Bulk("standalone");
  reply.Bulk("role");
  reply.Bulk("master");
  reply.Bulk("modules");
  reply.Array(0);
}

void Select(Reply& reply, std::string_view number) {
  const auto database = ParseInteger(number);
  if (!database) {
    reply.Error(kNotAnInteger);
  } else if (*database != 0) {
    reply.Error("ERR DB index is out of range");
  } else {
    reply.Simple("OK");
  }
}

// What clients ask for before they begin.
void GetConfig(Client& client, Arguments patterns) {
  const Options& options = client.here().options();
  const bool logs = !options.log.empty();
  const bool always = options.log_options.sync == LogSync::kAlways;
  const auto seconds = [](eddy::Duration duration) {
    if (duration == eddy::Duration::max()) return std::string("0");
    return absl::StrCat(
        std::chrono::duration_cast<std::chrono::seconds>(duration).count());
  };
  const std::array<std::pair<std::string_view, std::string>, 10> values = {{
      {"appendfsync", always ? "always" : "everysec"},
      {"appendonly", logs ? "yes" : "no"},
      {"client-query-buffer-limit", absl::StrCat(options.most_query)},
      {"databases", "1"},
      {"maxclients", absl::StrCat(options.most_clients)},
      {"maxmemory", "0"},
      {"maxmemory-policy", "noeviction"},
      {"proto-max-bulk-len", absl::StrCat(options.requests.longest_argument)},
      {"save", ""},
      {"timeout", seconds(options.idle)},
  }};
  std::vector<const std::pair<std::string_view, std::string>*> found;
  for (const auto& value : values) {
    const auto matches = [&](std::string_view pattern) {
      return MatchesGlob(absl::AsciiStrToLower(std::string(pattern)),
                         value.first);
    };
    if (std::any_of(patterns.begin(), patterns.end(), matches)) {
      found.push_back(&value);
    }
  }
  client.reply().Map(found.size());
  for (const auto* value : found) {
    client.reply().Bulk(value->first);
    client.reply().Bulk(value->second);
  }
}

void Config(Client& client, Arguments words) {
  Reply& reply = client.reply();
  if (IsWord(words[1], "get") && words.size() >= 3) {
    GetConfig(client, words.subspan(2));
  } else if (IsWord(words[1], "resetstat") && words.size() == 2) {
    client.here().stats() = {};
    reply.Simple("OK");
  } else if (IsWord(words[1], "set")) {
    reply.Error(
        "ERR CONFIG SET failed - the server is configured by its flags");
  } else {
    reply.Error(UnknownSubcommand("CONFIG", words[1]));
  }
}

void DescribeCommand(const Command& command, Reply& reply) {
  const bool keys = command.run != nullptr;
  reply.Array(6);
  reply.Bulk(command.name);
  reply.Integer(command.arity);
  reply.Array(1);
  reply.Simple(command.writes ? "write" : "readonly");
  reply.Integer(keys ? 1 : 0);
  reply.Integer(!keys ? 0 : command.target == Target::kKey ? 1 : -1);
  reply.Integer(keys ? static_cast<std::int64_t>(command.step) : 0);
}

// COMMAND [COUNT | LIST | DOCS ... | INFO NAME...]
void DescribeCommands(Reply& reply, Arguments words) {
  const std::span<const Command> all = AllCommands();
  if (words.size() == 1) {
    reply.Array(all.size());
    for (const Command& command : all) DescribeCommand(command, reply);
  } else if (IsWord(words[1], "count") && words.size() == 2) {
    reply.Integer(static_cast<std::int64_t>(all.size()));
  } else if (IsWord(words[1], "docs")) {
    reply.Map(0);
  } else if (IsWord(words[1], "list") && words.size() == 2) {
    reply.Array(all.size());
    for (const Command& command : all) reply.Bulk(command.name);
  } else if (IsWord(words[1], "info")) {
    reply.Array(words.size() - 2);
    for (const std::string_view name : words.subspan(2)) {
      const Command* const command = FindCommand(name);
      if (command == nullptr) {
        reply.Null();
      } else {
        DescribeCommand(*command, reply);
      }
    }
  } else {
    reply.Error(UnknownSubcommand("COMMAND", words[1]));
  }
}

void SubscribeTo(Client& client, Channels::Kind kind, std::string_view what,
                 Arguments names) {
  const std::size_t most = client.here().options().most_subscriptions;
  for (const std::string_view name : names) {
    if (client.count_subscriptions() >= most) {
      return client.reply().Error("ERR too many subscriptions");
    }
    client.Subscribe(kind, what, name);
  }
}

void UnsubscribeFrom(Client& client, Channels::Kind kind, std::string_view what,
                     Arguments names) {
  for (const std::string_view name : names) {
    client.Unsubscribe(kind, what, name);
  }
  if (!names.empty()) return;
  const Client::Names& all = client.subscriptions(kind);
  if (all.empty()) {
    client.reply().Push(3);
    client.reply().Bulk(what);
    client.reply().Null();
    client.reply().Integer(
        static_cast<std::int64_t>(client.count_subscriptions()));
  }
  while (!all.empty()) client.Unsubscribe(kind, what, *all.begin());
}

void Reset(Client& client) {
  client.UnsubscribeFromAll();
  client.name.clear();
  client.reply().set_protocol(2);
  client.reply().Simple("RESET");
}

}  // namespace

std::string UnknownSubcommand(std::string_view command,
                              std::string_view subcommand) {
  return absl::StrCat("ERR unknown subcommand '",
                      std::string(subcommand.substr(0, 128)), "'. Try ",
                      std::string(command), " HELP.");
}

void RunSessionCommand(Client& client, const Command& command,
                       Arguments words) {
  using Kind = Channels::Kind;
  Reply& reply = client.reply();
  switch (command.session) {
    case SessionCommand::kCommand:
      return DescribeCommands(reply, words);
    case SessionCommand::kConfig:
      return Config(client, words);
    case SessionCommand::kEcho:
      return reply.Bulk(words[1]);
    case SessionCommand::kHello:
      return Hello(client, words);
    case SessionCommand::kPatternSubscribe:
      return SubscribeTo(client, Kind::kPattern, command.name,
                         words.subspan(1));
    case SessionCommand::kPatternUnsubscribe:
      return UnsubscribeFrom(client, Kind::kPattern, command.name,
                             words.subspan(1));
    case SessionCommand::kPing:
      return Ping(client, words);
    case SessionCommand::kQuit:
      client.Close();
      return reply.Simple("OK");
    case SessionCommand::kReset:
      return Reset(client);
    case SessionCommand::kSelect:
      return Select(reply, words[1]);
    case SessionCommand::kSubscribe:
      return SubscribeTo(client, Kind::kChannel, command.name,
                         words.subspan(1));
    case SessionCommand::kUnsubscribe:
      return UnsubscribeFrom(client, Kind::kChannel, command.name,
                             words.subspan(1));
    default:
      return reply.Error(UnknownCommand(words));
  }
}

bool RunClientCommand(Client& client, Arguments words) {
  Reply& reply = client.reply();
  const std::string_view what = words[1];
  if (IsWord(what, "getname") && words.size() == 2) {
    if (client.name.empty()) {
      reply.Null();
    } else {
      reply.Bulk(client.name);
    }
  } else if (IsWord(what, "id") && words.size() == 2) {
    reply.Integer(static_cast<std::int64_t>(client.id()));
  } else if (IsWord(what, "info") && words.size() == 2) {
    reply.Verbatim(client.Describe());
  } else if (IsWord(what, "setname") && words.size() == 3) {
    if (!IsName(words[2])) {
      reply.Error(kBadName);
    } else {
      client.name = std::string(words[2]);
      reply.Simple("OK");
    }
  } else if (IsWord(what, "setinfo") && words.size() == 4) {
    const bool name = IsWord(words[2], "lib-name");
    if (!name && !IsWord(words[2], "lib-ver")) {
      reply.Error(absl::StrCat("ERR Unrecognized option '",
                               std::string(words[2]), "'"));
    } else if (!IsName(words[3])) {
      reply.Error(kBadName);
    } else {
      (name ? client.library : client.library_version) = std::string(words[3]);
      reply.Simple("OK");
    }
  } else if ((IsWord(what, "no-evict") || IsWord(what, "no-touch")) &&
             words.size() == 3) {
    reply.Simple("OK");
  } else {
    return false;
  }
  return true;
}

}  // namespace kv_server
