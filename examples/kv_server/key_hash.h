// HashKey: where a key lives: on which core, and where there.
//
// It is the same in every run with the same seed, which a log keeps: so each
// core finds its own keys in its own log. The seed is secret: who does not know
// it cannot make keys that all have one hash. (It is a fast hash and no
// cryptographic one.)
#ifndef EDDY_EXAMPLES_KV_SERVER_KEY_HASH_H_
#define EDDY_EXAMPLES_KV_SERVER_KEY_HASH_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace kv_server {

// A key and its hash, which is computed once.
struct Key {
  std::string_view text;
  std::uint64_t hash = 0;

  explicit operator std::string() const { return std::string(text); }
};

namespace internal {

__extension__ using Uint128 = unsigned __int128;

// Both halves of a product depend on all bits of the factors.
inline std::uint64_t Mix(std::uint64_t a, std::uint64_t b) {
  const Uint128 product = Uint128{a} * b;
  return static_cast<std::uint64_t>(product) ^
         static_cast<std::uint64_t>(product >> 64);
}

template <class Word>
std::uint64_t LoadWord(const char* from) {
  Word word;
  std::memcpy(&word, from, sizeof(word));
  return word;
}

}  // namespace internal

inline std::uint64_t HashKey(std::string_view key, std::uint64_t seed) {
  using internal::LoadWord;
  using internal::Mix;
  // Odd, and with as many ones as zeros.
  constexpr std::uint64_t kFirst = 0xa0761d6478bd642f;
  constexpr std::uint64_t kSecond = 0xe7037ed1a0b428db;
  const char* data = key.data();
  std::size_t left = key.size();
  std::uint64_t state = seed ^ kFirst;
  for (; left > 16; data += 16, left -= 16) {
    state = Mix(LoadWord<std::uint64_t>(data) ^ kSecond,
                LoadWord<std::uint64_t>(data + 8) ^ state);
  }
  // The rest: 0 to 16 bytes, where words may overlap.
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  if (left >= 8) {
    low = LoadWord<std::uint64_t>(data);
    high = LoadWord<std::uint64_t>(data + left - 8);
  } else if (left >= 4) {
    low = LoadWord<std::uint32_t>(data);
    high = LoadWord<std::uint32_t>(data + left - 4);
  } else if (left > 0) {
    const auto byte = [&](std::size_t at) {
      return std::uint64_t{static_cast<unsigned char>(data[at])};
    };
    low = byte(0) << 16 | byte(left / 2) << 8 | byte(left - 1);
  }
  return Mix(kSecond ^ key.size(), Mix(low ^ kSecond, high ^ state));
}

// The core, of `cores`, that a key lives on. By other bits than KeyTable looks
// at first and the hash table in it at last.
inline unsigned CoreOf(std::uint64_t hash, unsigned cores) {
  return static_cast<unsigned>((((hash >> 20) & 0xffffff) * cores) >> 24);
}

}  // namespace kv_server

#endif  // EDDY_EXAMPLES_KV_SERVER_KEY_HASH_H_
