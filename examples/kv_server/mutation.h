// Mutation: one change of one core's keys, as the log keeps it. What is logged
// is what a command did, not the command: an INCR is logged as the new value,
// and the end of a key's time as an erasure. So nothing depends on when a log
// is read.
#ifndef EDDY_EXAMPLES_KV_SERVER_MUTATION_H_
#define EDDY_EXAMPLES_KV_SERVER_MUTATION_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kv_server {

struct Mutation {
  enum class Kind : char {
    kSet = 'S',     // key, value, expires_at
    kAppend = 'A',  // key, value: the bytes that are added
    kExpire = 'E',  // key, expires_at
    kErase = 'D',   // key
    kClear = 'C',
  };

  Kind kind;
  std::string_view key;
  std::string_view value;
  std::int64_t expires_at = 0;
};

// Who is told of each change, before the next one. A change is announced before
// anything is changed, so that one without memory happens nowhere.
class Journal {
 public:
  // Makes room. Throws std::bad_alloc, and then nothing has changed.
  virtual void Announce(const Mutation& mutation) = 0;
  // REQUIRES: announced. Throws nothing.
  virtual void Add(const Mutation& mutation) = 0;

 protected:
  ~Journal() = default;
};

// As bytes: the kind, the lengths of key and value (4 bytes each) and the time
// (8 bytes), least significant byte first; then key and value.
// Where there is no memory it has added nothing.
void Encode(const Mutation& mutation, std::string& to);
std::size_t EncodedSize(const Mutation& mutation);

// Takes one from the front of `bytes`, as views into them. None where there is
// no whole one.
std::optional<Mutation> Decode(std::string_view& bytes);

// Numbers in files: `size` bytes, the least significant one first.
void PutNumber(std::uint64_t number, int size, std::string& to);
std::uint64_t GetNumber(std::string_view bytes);

}  // namespace kv_server

#endif  // EDDY_EXAMPLES_KV_SERVER_MUTATION_H_
