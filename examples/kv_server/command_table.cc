#include <absl/container/flat_hash_map.h>

#include <algorithm>
#include <array>

#include "examples/kv_server/command.h"
#include "examples/kv_server/key_commands.h"

namespace kv_server {
namespace {

constexpr bool kReads = false;
constexpr bool kWrites = true;

constexpr Command OfKey(std::string_view name, int arity, bool writes,
                        KeyFunction run) {
  Command command;
  command.name = name;
  command.arity = arity;
  command.target = Target::kKey;
  command.writes = writes;
  command.run = run;
  return command;
}

constexpr Command OfEachKey(std::string_view name, int arity, bool writes,
                            KeyFunction run, Combine combine,
                            std::size_t step = 1) {
  Command command = OfKey(name, arity, writes, run);
  command.target = Target::kEachKey;
  command.combine = combine;
  command.step = step;
  return command;
}

constexpr Command OfSession(std::string_view name, int arity,
                            SessionCommand session,
                            bool while_subscribed = false) {
  Command command;
  command.name = name;
  command.arity = arity;
  command.target = Target::kSession;
  command.session = session;
  command.while_subscribed = while_subscribed;
  return command;
}

constexpr Command OfServer(std::string_view name, int arity,
                           SessionCommand session, bool writes = kReads) {
  Command command = OfSession(name, arity, session);
  command.target = Target::kServer;
  command.writes = writes;
  return command;
}

constexpr bool kAlsoSubscribed = true;

constexpr std::array kCommands = {
    OfKey("append", 3, kWrites, Append),
    OfKey("decr", 2, kWrites, Decr),
    OfKey("decrby", 3, kWrites, DecrBy),
    OfEachKey("del", -2, kWrites, Delete, Combine::kSum),
    OfEachKey("exists", -2, kReads, Exists, Combine::kSum),
    OfKey("expire", -3, kWrites, Expire),
    OfKey("expireat", -3, kWrites, ExpireAt),
    OfKey("get", 2, kReads, Get),
    OfKey("getdel", 2, kWrites, GetDelete),
    OfKey("getset", 3, kWrites, GetSet),
    OfKey("incr", 2, kWrites, Incr),
    OfKey("incrby", 3, kWrites, IncrBy),
    OfEachKey("mget", -2, kReads, GetOne, Combine::kArray),
    OfEachKey("mset", -3, kWrites, SetOne, Combine::kOk, 2),
    OfKey("persist", 2, kWrites, Persist),
    OfKey("pexpire", -3, kWrites, PExpire),
    OfKey("pexpireat", -3, kWrites, PExpireAt),
    OfKey("psetex", 4, kWrites, PSetEx),
    OfKey("pttl", 2, kReads, PTtl),
    OfKey("set", -3, kWrites, Set),
    OfKey("setex", 4, kWrites, SetEx),
    OfKey("setnx", 3, kWrites, SetNx),
    OfKey("strlen", 2, kReads, StrLen),
    OfEachKey("touch", -2, kReads, Exists, Combine::kSum),
    OfKey("ttl", 2, kReads, Ttl),
    OfKey("type", 2, kReads, Type),
    OfEachKey("unlink", -2, kWrites, Delete, Combine::kSum),

    OfSession("command", -1, SessionCommand::kCommand),
    OfSession("config", -2, SessionCommand::kConfig),
    OfSession("echo", 2, SessionCommand::kEcho),
    OfSession("hello", -1, SessionCommand::kHello),
    OfSession("ping", -1, SessionCommand::kPing, kAlsoSubscribed),
    OfSession("psubscribe", -2, SessionCommand::kPatternSubscribe,
              kAlsoSubscribed),
    OfSession("punsubscribe", -1, SessionCommand::kPatternUnsubscribe,
              kAlsoSubscribed),
    OfSession("quit", -1, SessionCommand::kQuit, kAlsoSubscribed),
    OfSession("reset", 1, SessionCommand::kReset, kAlsoSubscribed),
    OfSession("select", 2, SessionCommand::kSelect),
    OfSession("subscribe", -2, SessionCommand::kSubscribe, kAlsoSubscribed),
    OfSession("unsubscribe", -1, SessionCommand::kUnsubscribe, kAlsoSubscribed),

    OfServer("client", -2, SessionCommand::kClient),
    OfServer("dbsize", 1, SessionCommand::kDbSize),
    OfServer("flushall", -1, SessionCommand::kFlush, kWrites),
    OfServer("flushdb", -1, SessionCommand::kFlush, kWrites),
    OfServer("info", -1, SessionCommand::kInfo),
    OfServer("keys", 2, SessionCommand::kKeys),
    OfServer("publish", 3, SessionCommand::kPublish),
    OfServer("scan", -2, SessionCommand::kScan),
};

constexpr std::size_t kLongestName = 15;

char Small(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

}  // namespace

std::span<const Command> AllCommands() { return kCommands; }

const Command* FindCommand(std::string_view name) {
  static const auto* const kByName = [] {
    auto* const by_name =
        new absl::flat_hash_map<std::string_view, const Command*>;
    for (const Command& command : kCommands) {
      by_name->emplace(command.name, &command);
    }
    return by_name;
  }();
  if (name.size() > kLongestName) return nullptr;
  std::array<char, kLongestName> small;
  std::transform(name.begin(), name.end(), small.begin(), Small);
  const auto found = kByName->find(std::string_view(small.data(), name.size()));
  return found == kByName->end() ? nullptr : found->second;
}

bool IsWord(std::string_view word, std::string_view small) {
  return std::equal(word.begin(), word.end(), small.begin(), small.end(),
                    [](char a, char b) { return Small(a) == b; });
}

std::string UnknownCommand(Arguments arguments) {
  constexpr std::size_t kMostShown = 128;
  std::string text = "ERR unknown command '";
  text.append(arguments.front().substr(0, kMostShown));
  text += "', with args beginning with: ";
  std::string shown;
  for (const std::string_view word : arguments.subspan(1)) {
    if (shown.size() >= kMostShown) break;
    shown += '\'';
    shown.append(word.substr(0, kMostShown - shown.size()));
    shown += "' ";
  }
  return text += shown;
}

std::string WrongNumberOfWords(std::string_view command) {
  std::string text = "ERR wrong number of arguments for '";
  text.append(command);
  return text += "' command";
}

}  // namespace kv_server
