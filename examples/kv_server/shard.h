// Shard: the keys of one core, with their times, and what may be done to them.
//
// A key whose time is over is not there: whoever looks for it removes it, and
// ExpireSome removes those that nobody looks for. Times are given by the
// caller, so that all commands of a batch see the same one.
//
// Where memory is short it throws std::bad_alloc, and has neither changed nor
// told anything.
//
// It belongs to one core, and nothing in it waits.
#ifndef EDDY_EXAMPLES_KV_SERVER_SHARD_H_
#define EDDY_EXAMPLES_KV_SERVER_SHARD_H_

#include <absl/container/btree_set.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "examples/kv_server/key_hash.h"
#include "examples/kv_server/key_table.h"
#include "examples/kv_server/mutation.h"

namespace kv_server {

// In ms since 1970.
using Time = std::int64_t;

class Shard {
 public:
  explicit Shard(std::uint64_t seed) : table_(seed) {}

  // Who is told of changes; null for nobody.
  void set_journal(Journal* journal) { journal_ = journal; }

  Key Hashed(std::string_view key) const { return table_.Hashed(key); }

  // Keys, with those whose time is over and that were not removed yet; and
  // those that have a time.
  std::size_t size() const { return table_.size(); }
  std::size_t expiring() const { return times_.size(); }
  // Removed because their time was over.
  std::uint64_t expired() const { return expired_; }

  // Null where it is not there. What it gives lives until the next change.
  const Entry* Find(const Key& key, Time now) {
    Entry* const entry = table_.Find(key);
    if (entry == nullptr || !IsOver(*entry, now)) return entry;
    Expire(key, *entry);
    return nullptr;
  }

  // `expires_at` may be Entry::kNever.
  void Set(const Key& key, std::string_view value, Time expires_at);
  // Another value; the time stays. The length of the new one.
  std::size_t Append(const Key& key, std::string_view more, Time now);
  // REQUIRES: the key is there.
  void SetTime(const Key& key, Time expires_at);
  // Whether it was there.
  bool Erase(const Key& key, Time now);
  void Clear();

  // Removes keys whose time is over, at most so many. Whether there are more.
  bool ExpireSome(Time now, std::size_t most);

  // As KeyTable::Scan, without keys whose time is over.
  template <class Visit>
  std::optional<std::uint64_t> Scan(std::uint64_t position, std::size_t least,
                                    Time now, Visit visit) {
    return table_.Scan(position, least,
                       [&](std::string_view key, const Entry& entry) {
                         if (!IsOver(entry, now)) visit(key, entry);
                       });
  }

  // Does again what a journal was told of. False where it cannot have been.
  bool Replay(const Mutation& mutation);

 private:
  static bool IsOver(const Entry& entry, Time now) {
    return entry.expires_at != Entry::kNever && entry.expires_at <= now;
  }
  void Expire(const Key& key, Entry& entry);
  void Remove(const Key& key, Entry& entry);
  void ChangeTime(std::uint64_t hash, Entry& entry, Time expires_at);
  void Announce(const Mutation& mutation) {
    if (journal_ != nullptr) journal_->Announce(mutation);
  }
  void Tell(const Mutation& mutation) {
    if (journal_ != nullptr) journal_->Add(mutation);
  }

  KeyTable table_;
  // The times and hashes of the keys that have a time.
  absl::btree_set<std::pair<Time, std::uint64_t>> times_;
  std::uint64_t expired_ = 0;
  Journal* journal_ = nullptr;
};

}  // namespace kv_server

#endif  // EDDY_EXAMPLES_KV_SERVER_SHARD_H_
