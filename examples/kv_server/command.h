// Command: what there is to ask for, and where it is carried out.
//
// The table (command_table.cc) has a line for each command. A command of keys
// is a function that sees one shard and nothing else; it never waits. The
// session sends it to the core of its key, so that such a function is written
// as if there was only one core.
#ifndef EDDY_EXAMPLES_KV_SERVER_COMMAND_H_
#define EDDY_EXAMPLES_KV_SERVER_COMMAND_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "examples/kv_server/reply.h"
#include "examples/kv_server/request_parser.h"
#include "examples/kv_server/shard.h"

namespace kv_server {

struct Command;

// A command of keys, as it is carried out for one of its keys.
struct Call {
  const Command& command;
  Arguments arguments;
  std::size_t key_at;  // among the arguments
  Key key;
  Time now;
  std::size_t longest_value;
  Shard& shard;
  Reply& reply;
};

// Writes the reply to call.reply; for a command of many keys what its Combine
// says. Gives what Combine::kSum adds up.
using KeyFunction = std::int64_t (*)(const Call& call);

enum class Target : std::uint8_t {
  kKey,      // on the core of its only key
  kEachKey,  // for each key on its core: not at once where there are several
  kSession,  // by the connection itself, without waiting
  kServer,   // by the connection, which asks the other cores
};

// What the parts of a command of many keys are made to.
enum class Combine : std::uint8_t {
  kNone,
  kSum,    // one number
  kArray,  // an array of the keys' replies
  kOk,     // "OK"
};

// The commands of the session and of the server.
enum class SessionCommand : std::uint8_t {
  kNone,
  kClient,
  kCommand,
  kConfig,
  kDbSize,
  kEcho,
  kFlush,
  kHello,
  kInfo,
  kKeys,
  kPatternSubscribe,
  kPatternUnsubscribe,
  kPing,
  kPublish,
  kQuit,
  kReset,
  kScan,
  kSelect,
  kSubscribe,
  kUnsubscribe,
};

struct Command {
  std::string_view name;  // in small letters
  // Words with the name; -n: n or more.
  int arity = 0;
  Target target = Target::kSession;
  bool writes = false;
  // For Target::kKey and kEachKey.
  KeyFunction run = nullptr;
  Combine combine = Combine::kNone;
  std::size_t step = 1;  // words from one key to the next
  // For the others.
  SessionCommand session = SessionCommand::kNone;
  // A subscriber that speaks RESP2 may use it.
  bool while_subscribed = false;

  // Whether so many words may be right.
  bool TakesWords(std::size_t words) const {
    const auto least = static_cast<std::size_t>(arity < 0 ? -arity : arity);
    if (arity < 0 ? words < least : words != least) return false;
    return target != Target::kEachKey || (words - 1) % step == 0;
  }
};

// Null where there is no such command. The name in any letters.
const Command* FindCommand(std::string_view name);
std::span<const Command> AllCommands();

// Whether a word is this one, which is in small letters.
bool IsWord(std::string_view word, std::string_view small);

// The texts of errors.
std::string UnknownCommand(Arguments arguments);
std::string WrongNumberOfWords(std::string_view command);
inline constexpr std::string_view kSyntaxError = "ERR syntax error";
inline constexpr std::string_view kNotAnInteger =
    "ERR value is not an integer or out of range";
inline constexpr std::string_view kLogFailed =
    "MISCONF the log cannot be written, and the server ends";

}  // namespace kv_server

#endif  // EDDY_EXAMPLES_KV_SERVER_COMMAND_H_
