// The commands for which all cores are asked.
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <eddy/runtime/yield.h>

#include <numeric>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "examples/kv_server/glob.h"
#include "examples/kv_server/info.h"
#include "examples/kv_server/number.h"
#include "examples/kv_server/session_commands.h"

namespace kv_server {
namespace {

using eddy::Result;
using eddy::Task;

std::int64_t SumOf(const std::vector<std::size_t>& numbers) {
  return static_cast<std::int64_t>(
      std::accumulate(numbers.begin(), numbers.end(), std::size_t{0}));
}

// In what follows each core writes what is its own, of one element each.

Task<Result<void>> DbSize(Client& client) {
  std::vector<std::size_t> sizes(client.place().cores());
  const auto ask = [&](Core& core) -> Task<Result<void>> {
    sizes[core.index()] = core.shard().size();
    co_return co_await core.Durable();
  };
  EDDY_CO_CHECK(co_await client.place().OnEach(ask));
  client.reply().Integer(SumOf(sizes));
  co_return Result<void>();
}

Task<Result<void>> Publish(Client& client, Arguments words) {
  std::vector<std::size_t> delivered(client.place().cores());
  const auto publish = [&](Core& core) -> Task<Result<void>> {
    delivered[core.index()] = core.channels().Publish(words[1], words[2]);
    co_return Result<void>();
  };
  EDDY_CO_CHECK(co_await client.place().OnEach(publish));
  client.reply().Integer(SumOf(delivered));
  co_return Result<void>();
}

// FLUSHALL and FLUSHDB [ASYNC | SYNC]
Task<Result<void>> Flush(Client& client, Arguments words) {
  if (words.size() > 2 || (words.size() == 2 && !IsWord(words[1], "async") &&
                           !IsWord(words[1], "sync"))) {
    client.reply().Error(kSyntaxError);
    co_return Result<void>();
  }
  const auto clear = [](Core& core) -> Task<Result<void>> {
    core.shard().Clear();
    co_return co_await core.Durable();
  };
  EDDY_CO_CHECK(co_await client.place().OnEach(clear));
  client.reply().Simple("OK");
  co_return Result<void>();
}

// In pieces, so that others have their turns meanwhile: it gives what a SCAN
// would.
Task<Result<void>> Keys(Client& client, Arguments words) {
  constexpr std::size_t kAtOnce = 1000;
  const std::string_view pattern = words[1];
  std::vector<std::vector<std::string>> found(client.place().cores());
  const auto collect = [&](Core& core) -> Task<Result<void>> {
    std::vector<std::string>& keys = found[core.index()];
    const auto take = [&](std::string_view key, const Entry&) {
      if (MatchesGlob(pattern, key)) keys.emplace_back(key);
    };
    std::optional<std::uint64_t> next = 0;
    while (next) {
      next = core.shard().Scan(*next, kAtOnce, Now(), take);
      co_await eddy::Yield();
    }
    co_return co_await core.Durable();
  };
  EDDY_CO_CHECK(co_await client.place().OnEach(collect));
  std::size_t count = 0;
  for (const auto& keys : found) count += keys.size();
  client.reply().Array(count);
  for (const auto& keys : found) {
    for (const std::string& key : keys) client.reply().Bulk(key);
  }
  co_return Result<void>();
}

// The place where a scan goes on: 48 bits of position and 8 of core, so that
// its beginning, and its end, is 0.
struct Cursor {
  std::uint64_t position = 0;
  unsigned core = 0;

  static Cursor Of(std::uint64_t number) {
    return {number >> 8, static_cast<unsigned>(number & 0xff)};
  }
  std::uint64_t number() const { return position << 8 | core; }
};

struct ScanOptions {
  std::uint64_t cursor = 0;
  std::size_t count = 10;
  std::optional<std::string_view> pattern;
  bool strings = true;  // the only type that there is
};

// SCAN CURSOR [MATCH PATTERN] [COUNT COUNT] [TYPE TYPE]. Writes an error where
// that is wrong.
std::optional<ScanOptions> ParseScan(Arguments words, Reply& reply) {
  ScanOptions options;
  if (!absl::SimpleAtoi(std::string(words[1]), &options.cursor)) {
    reply.Error("ERR invalid cursor");
    return {};
  }
  for (std::size_t i = 2; i < words.size(); i += 2) {
    if (i + 1 == words.size()) {
      reply.Error(kSyntaxError);
      return {};
    }
    const std::string_view value = words[i + 1];
    if (IsWord(words[i], "match")) {
      options.pattern = value;
    } else if (IsWord(words[i], "count")) {
      const auto count = ParseInteger(value);
      if (!count || *count < 1) {
        reply.Error(count ? kSyntaxError : kNotAnInteger);
        return {};
      }
      options.count = static_cast<std::size_t>(*count);
    } else if (IsWord(words[i], "type")) {
      options.strings = IsWord(value, "string");
    } else {
      reply.Error(kSyntaxError);
      return {};
    }
  }
  return options;
}

Task<Result<void>> Scan(Client& client, Arguments words) {
  const auto options = ParseScan(words, client.reply());
  if (!options) co_return Result<void>();
  const unsigned cores = client.place().cores();
  std::vector<std::string> keys;
  std::size_t visited = 0;
  Cursor at = Cursor::Of(options->cursor);
  const auto scan = [&](Core& core) -> Task<Result<void>> {
    const auto take = [&](std::string_view key, const Entry&) {
      ++visited;
      if (!options->strings) return;
      if (options->pattern && !MatchesGlob(*options->pattern, key)) return;
      keys.emplace_back(key);
    };
    const auto next =
        core.shard().Scan(at.position, options->count - visited, Now(), take);
    at = next ? Cursor{*next, at.core} : Cursor{0, at.core + 1};
    co_return co_await core.Durable();
  };
  // (The cursor of a core that is not there comes from nowhere.)
  while (at.core < cores && visited < options->count) {
    EDDY_CO_CHECK(co_await client.place().On(at.core, scan));
  }
  if (at.core >= cores) at = {};
  Reply& reply = client.reply();
  reply.Array(2);
  reply.Bulk(absl::StrCat(at.number()));
  reply.Array(keys.size());
  for (const std::string& key : keys) reply.Bulk(key);
  co_return Result<void>();
}

Task<Result<void>> Info(Client& client, Arguments words) {
  std::vector<CoreInfo> infos(client.place().cores());
  const auto ask = [&](Core& core) -> Task<Result<void>> {
    infos[core.index()] = InfoOf(core);
    co_return Result<void>();
  };
  EDDY_CO_CHECK(co_await client.place().OnEach(ask));
  client.reply().Verbatim(
      InfoText(client.here().options(), infos, words.subspan(1)));
  co_return Result<void>();
}

Task<Result<void>> ListClients(Client& client) {
  std::vector<std::string> lists(client.place().cores());
  const auto list = [&](Core& core) -> Task<Result<void>> {
    for (const auto& [id, other] : core.clients()) {
      lists[core.index()] += other->Describe();
    }
    co_return Result<void>();
  };
  EDDY_CO_CHECK(co_await client.place().OnEach(list));
  client.reply().Verbatim(
      std::accumulate(lists.begin(), lists.end(), std::string()));
  co_return Result<void>();
}

}  // namespace

Task<Result<void>> RunServerCommand(Client& client, const Command& command,
                                    Arguments words) {
  switch (command.session) {
    case SessionCommand::kClient:
      if (IsWord(words[1], "list") && words.size() == 2) {
        return ListClients(client);
      }
      if (!RunClientCommand(client, words)) {
        client.reply().Error(UnknownSubcommand("CLIENT", words[1]));
      }
      break;
    case SessionCommand::kDbSize:
      return DbSize(client);
    case SessionCommand::kFlush:
      return Flush(client, words);
    case SessionCommand::kInfo:
      return Info(client, words);
    case SessionCommand::kKeys:
      return Keys(client, words);
    case SessionCommand::kPublish:
      return Publish(client, words);
    case SessionCommand::kScan:
      return Scan(client, words);
    default:
      client.reply().Error(UnknownCommand(words));
  }
  return []() -> Task<Result<void>> { co_return Result<void>(); }();
}

}  // namespace kv_server
