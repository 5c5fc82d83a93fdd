#include "examples/kv_server/key_commands.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "examples/kv_server/expiry.h"
#include "examples/kv_server/number.h"

namespace kv_server {
namespace {

void PutValue(const Entry* entry, Reply& reply) {
  if (entry == nullptr) {
    reply.Null();
  } else {
    reply.Bulk(entry->value);
  }
}

// Adds to the number that a key has; one that is not there has 0. Its time
// stays.
std::int64_t AddTo(const Call& call, std::int64_t amount) {
  const Entry* const entry = call.shard.Find(call.key, call.now);
  const std::optional<std::int64_t> old =
      entry == nullptr ? 0 : ParseInteger(entry->value);
  std::int64_t sum = 0;
  if (!old) {
    call.reply.Error(kNotAnInteger);
  } else if (__builtin_add_overflow(*old, amount, &sum)) {
    call.reply.Error("ERR increment or decrement would overflow");
  } else {
    call.shard.Set(call.key, std::to_string(sum),
                   entry == nullptr ? Entry::kNever : entry->expires_at);
    call.reply.Integer(sum);
  }
  return 0;
}

// The words behind the value of a SET.
struct SetOptions {
  bool only_new = false;
  bool only_old = false;
  bool get = false;
  bool keep_time = false;
  std::optional<std::string_view> time;
  TimeUnit unit = {};
};

std::optional<SetOptions> ParseSetOptions(Arguments words) {
  SetOptions options;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string_view word = words[i];
    const auto time = [&](std::int64_t milliseconds, bool from_now) {
      if (options.time || options.keep_time || i + 1 == words.size()) {
        return false;
      }
      options.time = words[++i];
      options.unit = {milliseconds, from_now};
      return true;
    };
    bool right = true;
    if (IsWord(word, "nx")) {
      right = !options.only_old;
      options.only_new = true;
    } else if (IsWord(word, "xx")) {
      right = !options.only_new;
      options.only_old = true;
    } else if (IsWord(word, "get")) {
      options.get = true;
    } else if (IsWord(word, "keepttl")) {
      right = !options.time;
      options.keep_time = true;
    } else if (IsWord(word, "ex")) {
      right = time(1000, true);
    } else if (IsWord(word, "px")) {
      right = time(1, true);
    } else if (IsWord(word, "exat")) {
      right = time(1000, false);
    } else if (IsWord(word, "pxat")) {
      right = time(1, false);
    } else {
      right = false;
    }
    if (!right) return {};
  }
  return options;
}

}  // namespace

std::int64_t Append(const Call& call) {
  const Entry* const entry = call.shard.Find(call.key, call.now);
  const std::size_t old = entry == nullptr ? 0 : entry->value.size();
  const std::string_view more = call.arguments[2];
  if (more.size() > call.longest_value - std::min(call.longest_value, old)) {
    call.reply.Error(
        "ERR string exceeds maximum allowed size (proto-max-bulk-len)");
  } else {
    call.reply.Integer(
        static_cast<std::int64_t>(call.shard.Append(call.key, more, call.now)));
  }
  return 0;
}

std::int64_t Decr(const Call& call) { return AddTo(call, -1); }

std::int64_t DecrBy(const Call& call) {
  const auto amount = ParseInteger(call.arguments[2]);
  if (!amount) {
    call.reply.Error(kNotAnInteger);
  } else if (*amount == std::numeric_limits<std::int64_t>::min()) {
    call.reply.Error("ERR decrement would overflow");
  } else {
    return AddTo(call, -*amount);
  }
  return 0;
}

std::int64_t Get(const Call& call) {
  PutValue(call.shard.Find(call.key, call.now), call.reply);
  return 0;
}

std::int64_t GetDelete(const Call& call) {
  Get(call);
  call.shard.Erase(call.key, call.now);
  return 0;
}

std::int64_t GetSet(const Call& call) {
  Get(call);
  call.shard.Set(call.key, call.arguments[2], Entry::kNever);
  return 0;
}

std::int64_t Incr(const Call& call) { return AddTo(call, 1); }

std::int64_t IncrBy(const Call& call) {
  const auto amount = ParseInteger(call.arguments[2]);
  if (amount) return AddTo(call, *amount);
  call.reply.Error(kNotAnInteger);
  return 0;
}

std::int64_t Set(const Call& call) {
  if (call.arguments.size() == 3) {
    call.shard.Set(call.key, call.arguments[2], Entry::kNever);
    call.reply.Simple("OK");
    return 0;
  }
  const auto options = ParseSetOptions(call.arguments.subspan(3));
  if (!options) {
    call.reply.Error(kSyntaxError);
    return 0;
  }
  Time expires_at = Entry::kNever;
  if (options->time) {
    const auto amount = ParseInteger(*options->time);
    if (!amount) {
      call.reply.Error(kNotAnInteger);
      return 0;
    }
    const auto time = TimeOf(*amount, options->unit, call.now);
    if (*amount <= 0 || !time) {
      call.reply.Error("ERR invalid expire time in 'set' command");
      return 0;
    }
    expires_at = *time;
  }
  const Entry* const old = call.shard.Find(call.key, call.now);
  const bool sets = old == nullptr ? !options->only_old : !options->only_new;
  if (options->get) {
    PutValue(old, call.reply);
  } else if (sets) {
    call.reply.Simple("OK");
  } else {
    call.reply.Null();
  }
  if (!sets) return 0;
  if (options->keep_time && old != nullptr) expires_at = old->expires_at;
  call.shard.Set(call.key, call.arguments[2], expires_at);
  return 0;
}

std::int64_t SetNx(const Call& call) {
  const bool sets = call.shard.Find(call.key, call.now) == nullptr;
  if (sets) call.shard.Set(call.key, call.arguments[2], Entry::kNever);
  call.reply.Integer(sets ? 1 : 0);
  return 0;
}

std::int64_t StrLen(const Call& call) {
  const Entry* const entry = call.shard.Find(call.key, call.now);
  call.reply.Integer(
      entry == nullptr ? 0 : static_cast<std::int64_t>(entry->value.size()));
  return 0;
}

std::int64_t Type(const Call& call) {
  const bool there = call.shard.Find(call.key, call.now) != nullptr;
  call.reply.Simple(there ? "string" : "none");
  return 0;
}

std::int64_t Delete(const Call& call) {
  return call.shard.Erase(call.key, call.now) ? 1 : 0;
}

std::int64_t Exists(const Call& call) {
  return call.shard.Find(call.key, call.now) == nullptr ? 0 : 1;
}

std::int64_t GetOne(const Call& call) { return Get(call); }

std::int64_t SetOne(const Call& call) {
  call.shard.Set(call.key, call.arguments[call.key_at + 1], Entry::kNever);
  return 0;
}

}  // namespace kv_server
