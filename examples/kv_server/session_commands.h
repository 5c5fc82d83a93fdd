// The commands that a connection carries out by itself, and those for which it
// asks all cores; see Target in command.h.
#ifndef EDDY_EXAMPLES_KV_SERVER_SESSION_COMMANDS_H_
#define EDDY_EXAMPLES_KV_SERVER_SESSION_COMMANDS_H_

#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>

#include <string>
#include <string_view>

#include "examples/kv_server/client.h"
#include "examples/kv_server/command.h"

namespace kv_server {

// What the server says it is to clients that ask: the version of Redis whose
// commands and answers these are.
inline constexpr std::string_view kRedisVersion = "7.0.15";

// Target::kSession: writes the reply.
void RunSessionCommand(Client& client, const Command& command, Arguments words);

// Target::kServer: writes the reply when all cores have answered. The words
// stay in place until it has returned.
// Errors: kCanceled; kClosed at the end of the server; that of a log that
// cannot be written.
//
// DBSIZE, KEYS, FLUSHALL, INFO, CLIENT LIST and PUBLISH go to all cores at the
// same time, and see each at another moment.
//
// SCAN goes through the keys of one core after the other, on each in the order
// of their hashes (see KeyTable): a key that is there from its beginning to its
// end is given once. The cursor is the place in that order and the core; it
// may be used again, and costs the server no memory.
eddy::Task<eddy::Result<void>> RunServerCommand(Client& client,
                                                const Command& command,
                                                Arguments words);

// CLIENT with all that is no LIST. False where there is no such subcommand.
bool RunClientCommand(Client& client, Arguments words);

// "ERR unknown subcommand ..."
std::string UnknownSubcommand(std::string_view command,
                              std::string_view subcommand);

}  // namespace kv_server

#endif  // EDDY_EXAMPLES_KV_SERVER_SESSION_COMMANDS_H_
