#include <optional>
#include <string>
#include <string_view>

#include "examples/kv_server/expiry.h"
#include "examples/kv_server/key_commands.h"
#include "examples/kv_server/number.h"

namespace kv_server {
namespace {

std::string InvalidTime(const Command& command) {
  std::string text = "ERR invalid expire time in '";
  text.append(command.name);
  return text += "' command";
}

// Under which condition a time is changed.
struct ExpireOptions {
  bool only_without = false;
  bool only_with = false;
  bool only_later = false;
  bool only_sooner = false;

  bool Allow(Time old, Time time) const {
    const bool without = old == Entry::kNever;
    if (only_without && !without) return false;
    if (only_with && without) return false;
    // Without a time it lives for ever.
    if (only_later && (without || time <= old)) return false;
    return !only_sooner || without || time < old;
  }
};

// Writes an error where the words are wrong.
std::optional<ExpireOptions> ParseExpireOptions(Arguments words, Reply& reply) {
  ExpireOptions options;
  for (const std::string_view word : words) {
    if (IsWord(word, "nx")) {
      options.only_without = true;
    } else if (IsWord(word, "xx")) {
      options.only_with = true;
    } else if (IsWord(word, "gt")) {
      options.only_later = true;
    } else if (IsWord(word, "lt")) {
      options.only_sooner = true;
    } else {
      reply.Error("ERR Unsupported option " + std::string(word));
      return {};
    }
  }
  if (options.only_without &&
      (options.only_with || options.only_later || options.only_sooner)) {
    reply.Error(
        "ERR NX and XX, GT or LT options at the same time are not compatible");
    return {};
  }
  if (options.only_later && options.only_sooner) {
    reply.Error("ERR GT and LT options at the same time are not compatible");
    return {};
  }
  return options;
}

// EXPIRE and its kin: KEY TIME [NX | XX | GT | LT].
std::int64_t ExpireIn(const Call& call, TimeUnit unit) {
  const auto options =
      ParseExpireOptions(call.arguments.subspan(3), call.reply);
  if (!options) return 0;
  const auto amount = ParseInteger(call.arguments[2]);
  if (!amount) {
    call.reply.Error(kNotAnInteger);
    return 0;
  }
  const auto time = TimeOf(*amount, unit, call.now);
  if (!time) {
    call.reply.Error(InvalidTime(call.command));
    return 0;
  }
  const Entry* const entry = call.shard.Find(call.key, call.now);
  if (entry == nullptr || !options->Allow(entry->expires_at, *time)) {
    call.reply.Integer(0);
    return 0;
  }
  if (*time <= call.now) {
    call.shard.Erase(call.key, call.now);
  } else {
    call.shard.SetTime(call.key, *time);
  }
  call.reply.Integer(1);
  return 0;
}

// SETEX and PSETEX: KEY TIME VALUE.
std::int64_t SetWithTime(const Call& call, TimeUnit unit) {
  const auto amount = ParseInteger(call.arguments[2]);
  if (!amount) {
    call.reply.Error(kNotAnInteger);
    return 0;
  }
  const auto time = TimeOf(*amount, unit, call.now);
  if (*amount <= 0 || !time) {
    call.reply.Error(InvalidTime(call.command));
    return 0;
  }
  call.shard.Set(call.key, call.arguments[3], *time);
  call.reply.Simple("OK");
  return 0;
}

// How long a key still lives, in units of so many ms: -1 for ever, -2 where it
// is not there.
std::int64_t TellTime(const Call& call, std::int64_t milliseconds) {
  const Entry* const entry = call.shard.Find(call.key, call.now);
  std::int64_t left = -2;
  if (entry != nullptr && entry->expires_at == Entry::kNever) {
    left = -1;
  } else if (entry != nullptr) {
    left = (entry->expires_at - call.now + milliseconds / 2) / milliseconds;
  }
  call.reply.Integer(left);
  return 0;
}

}  // namespace

std::int64_t Expire(const Call& call) { return ExpireIn(call, {1000, true}); }
std::int64_t ExpireAt(const Call& call) {
  return ExpireIn(call, {1000, false});
}
std::int64_t PExpire(const Call& call) { return ExpireIn(call, {1, true}); }
std::int64_t PExpireAt(const Call& call) { return ExpireIn(call, {1, false}); }

std::int64_t Persist(const Call& call) {
  const Entry* const entry = call.shard.Find(call.key, call.now);
  const bool has_time = entry != nullptr && entry->expires_at != Entry::kNever;
  if (has_time) call.shard.SetTime(call.key, Entry::kNever);
  call.reply.Integer(has_time ? 1 : 0);
  return 0;
}

std::int64_t PSetEx(const Call& call) { return SetWithTime(call, {1, true}); }
std::int64_t PTtl(const Call& call) { return TellTime(call, 1); }
std::int64_t SetEx(const Call& call) { return SetWithTime(call, {1000, true}); }
std::int64_t Ttl(const Call& call) { return TellTime(call, 1000); }

}  // namespace kv_server
