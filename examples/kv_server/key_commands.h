// The commands of keys, each for one key; see command.h.
//
// They do what those of Redis do, with the same words and the same errors.
#ifndef EDDY_EXAMPLES_KV_SERVER_KEY_COMMANDS_H_
#define EDDY_EXAMPLES_KV_SERVER_KEY_COMMANDS_H_

#include <cstdint>

#include "examples/kv_server/command.h"

namespace kv_server {

// Values (key_commands.cc).
std::int64_t Append(const Call& call);
std::int64_t Decr(const Call& call);
std::int64_t DecrBy(const Call& call);
std::int64_t Get(const Call& call);
std::int64_t GetDelete(const Call& call);
std::int64_t GetSet(const Call& call);
std::int64_t Incr(const Call& call);
std::int64_t IncrBy(const Call& call);
std::int64_t Set(const Call& call);
std::int64_t SetNx(const Call& call);
std::int64_t StrLen(const Call& call);
std::int64_t Type(const Call& call);

// One key of a command of many: DEL and UNLINK, EXISTS and TOUCH, MGET, MSET.
std::int64_t Delete(const Call& call);
std::int64_t Exists(const Call& call);
std::int64_t GetOne(const Call& call);
std::int64_t SetOne(const Call& call);

// Times (time_commands.cc).
std::int64_t Expire(const Call& call);
std::int64_t ExpireAt(const Call& call);
std::int64_t PExpire(const Call& call);
std::int64_t PExpireAt(const Call& call);
std::int64_t Persist(const Call& call);
std::int64_t PSetEx(const Call& call);
std::int64_t PTtl(const Call& call);
std::int64_t SetEx(const Call& call);
std::int64_t Ttl(const Call& call);

}  // namespace kv_server

#endif  // EDDY_EXAMPLES_KV_SERVER_KEY_COMMANDS_H_
