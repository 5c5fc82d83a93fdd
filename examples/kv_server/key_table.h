// KeyTable: keys and what belongs to them, in the order of their hashes, so
// that a scan may go on while the table grows.
//
// The keys whose hashes begin with the same bits are in one small hash table, a
// segment. One that is full is split in two by the next bit, so that adding a
// key never takes longer than to move a few hundred others: there is no big
// table that has to be rebuilt while everybody waits.
//
// A hash never changes, whatever segment it is in. So a scan that goes through
// them in ascending order sees each key that is there all the time once, and
// one that comes or goes meanwhile once or not at all. Its position is the
// upper 48 bits of the hash where it goes on.
//
// A table keeps the segments that it once needed, until Clear.
#ifndef EDDY_EXAMPLES_KV_SERVER_KEY_TABLE_H_
#define EDDY_EXAMPLES_KV_SERVER_KEY_TABLE_H_

#include <absl/container/flat_hash_map.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "examples/kv_server/key_hash.h"

namespace kv_server {

struct Entry {
  static constexpr std::int64_t kNever = 0;

  std::string value;
  std::int64_t expires_at = kNever;  // in ms since 1970
};

class KeyTable {
 public:
  static constexpr unsigned kPositionBits = 48;

  explicit KeyTable(std::uint64_t seed);
  KeyTable(const KeyTable&) = delete;
  KeyTable& operator=(const KeyTable&) = delete;

  std::size_t size() const { return size_; }
  Key Hashed(std::string_view key) const { return {key, HashKey(key, seed_)}; }

  // Null where it is not there. Entries stay in place until a key is added or
  // erased.
  Entry* Find(const Key& key) {
    Map& map = SegmentOf(key.hash).map;
    const auto found = map.find(key, key.hash);
    return found == map.end() ? nullptr : &found->second;
  }
  // The entry of a key, and whether it is new.
  std::pair<Entry*, bool> FindOrAdd(const Key& key);
  // Whether it was there.
  bool Erase(const Key& key);
  void Clear();

  // Any key with this hash, and its entry; views that live as entries do.
  std::optional<std::pair<std::string_view, Entry*>> FindHash(
      std::uint64_t hash);

  // Calls visit(key, entry) for the keys from a position on, at least for
  // `least` if there are as many. Gives where to go on; nothing at the end.
  template <class Visit>
  std::optional<std::uint64_t> Scan(std::uint64_t position, std::size_t least,
                                    Visit visit);

 private:
  // What a segment may have before it is split: what a table of 511 slots
  // holds.
  static constexpr std::size_t kMostKeys = 447;
  static constexpr unsigned kMostBits = 20;

  // What is looked up is a Key, or a hash alone.
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(const Key& key) const { return key.hash; }
    std::size_t operator()(std::uint64_t hash) const { return hash; }
    std::size_t operator()(const std::string& key) const {
      return HashKey(key, seed);
    }
    std::uint64_t seed = 0;
  };
  struct Equal {
    using is_transparent = void;
    bool operator()(const std::string& a, const Key& b) const {
      return a == b.text;
    }
    bool operator()(const std::string& a, const std::string& b) const {
      return a == b;
    }
    bool operator()(const std::string& a, std::uint64_t hash) const {
      return HashKey(a, seed) == hash;
    }
    std::uint64_t seed = 0;
  };
  using Map = absl::flat_hash_map<std::string, Entry, Hash, Equal>;

  struct Segment {
    Segment(std::uint64_t seed, unsigned bits_in)
        : map(0, Hash{seed}, Equal{seed}), bits(bits_in) {}
    Map map;
    unsigned bits;  // how many first bits its keys' hashes share
  };
  struct Found {
    std::uint64_t position;
    const std::string* key;
    Entry* entry;
  };

  static std::uint64_t PositionOf(std::uint64_t hash) {
    return hash >> (64 - kPositionBits);
  }
  Segment& SegmentOf(std::uint64_t hash) {
    // (A shift by all 64 bits is none.)
    return *directory_[bits_ == 0 ? 0 : hash >> (64 - bits_)];
  }
  void Split(std::uint64_t hash);
  // The keys of a segment from a position on, in ascending order.
  void Collect(Segment& segment, std::uint64_t position);

  const std::uint64_t seed_;
  std::size_t size_ = 0;
  // For each value of the first bits_ bits of a hash, its segment; several
  // where that has fewer.
  unsigned bits_ = 0;
  std::vector<std::shared_ptr<Segment>> directory_;
  std::vector<Found> collected_;
};

template <class Visit>
std::optional<std::uint64_t> KeyTable::Scan(std::uint64_t position,
                                            std::size_t least, Visit visit) {
  constexpr std::uint64_t kEnd = std::uint64_t{1} << kPositionBits;
  std::size_t visited = 0;
  while (position < kEnd) {
    Segment& segment = SegmentOf(position << (64 - kPositionBits));
    Collect(segment, position);
    for (std::size_t i = 0; i < collected_.size(); ++i) {
      const Found& found = collected_[i];
      // Keys with the same position go together.
      if (visited >= least && found.position != position) {
        return found.position;
      }
      position = found.position;
      visit(std::string_view(*found.key), *found.entry);
      ++visited;
    }
    // The first position of the next segment.
    const std::uint64_t range = kEnd >> segment.bits;
    position = (position / range + 1) * range;
    if (visited >= least && position < kEnd) return position;
  }
  return {};
}

}  // namespace kv_server

#endif  // EDDY_EXAMPLES_KV_SERVER_KEY_TABLE_H_
