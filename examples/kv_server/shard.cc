#include "examples/kv_server/shard.h"

#include <string>
#include <utility>

namespace kv_server {
namespace {

// An entry to change; a new one goes again unless it is kept.
class Change {
 public:
  Change(KeyTable& table, const Key& key)
      : table_(table), key_(key), found_(table.FindOrAdd(key)) {}
  ~Change() {
    if (found_.second) table_.Erase(key_);
  }
  Change(const Change&) = delete;
  Change& operator=(const Change&) = delete;

  Entry& entry() const { return *found_.first; }
  void Keep() { found_.second = false; }

 private:
  KeyTable& table_;
  const Key& key_;
  std::pair<Entry*, bool> found_;
};

}  // namespace

void Shard::Set(const Key& key, std::string_view value, Time expires_at) {
  const Mutation mutation = {Mutation::Kind::kSet, key.text, value, expires_at};
  Announce(mutation);
  Change change(table_, key);
  Entry& entry = change.entry();
  // From there on nothing fails.
  entry.value.reserve(value.size());
  ChangeTime(key.hash, entry, expires_at);
  entry.value.assign(value);
  change.Keep();
  Tell(mutation);
}

std::size_t Shard::Append(const Key& key, std::string_view more, Time now) {
  // What is over is removed first: its time is not the new one's.
  static_cast<void>(Find(key, now));
  const Mutation mutation = {Mutation::Kind::kAppend, key.text, more};
  Announce(mutation);
  Change change(table_, key);
  std::string& value = change.entry().value;
  value.append(more);
  change.Keep();
  Tell(mutation);
  return value.size();
}

void Shard::SetTime(const Key& key, Time expires_at) {
  const Mutation mutation = {Mutation::Kind::kExpire, key.text, {}, expires_at};
  Announce(mutation);
  ChangeTime(key.hash, *table_.Find(key), expires_at);
  Tell(mutation);
}

bool Shard::Erase(const Key& key, Time now) {
  if (Find(key, now) == nullptr) return false;
  Remove(key, *table_.Find(key));
  return true;
}

void Shard::Clear() {
  const Mutation mutation = {Mutation::Kind::kClear, {}, {}};
  Announce(mutation);
  table_.Clear();
  times_.clear();
  Tell(mutation);
}

bool Shard::ExpireSome(Time now, std::size_t most) {
  for (; !times_.empty() && times_.begin()->first <= now; --most) {
    if (most == 0) return true;
    const auto [time, hash] = *times_.begin();
    const auto found = table_.FindHash(hash);
    if (found && found->second->expires_at == time) {
      // The view ends with the key.
      const std::string key(found->first);
      Expire({key, hash}, *found->second);
    } else {
      // Another key with the same hash; the one that was meant is removed when
      // it is looked for.
      times_.erase(times_.begin());
    }
  }
  return false;
}

bool Shard::Replay(const Mutation& mutation) {
  const Key key = Hashed(mutation.key);
  Entry* const entry = table_.Find(key);
  switch (mutation.kind) {
    case Mutation::Kind::kSet:
      Set(key, mutation.value, mutation.expires_at);
      return true;
    case Mutation::Kind::kAppend:
      table_.FindOrAdd(key).first->value.append(mutation.value);
      return true;
    case Mutation::Kind::kExpire:
      if (entry != nullptr) ChangeTime(key.hash, *entry, mutation.expires_at);
      return entry != nullptr;
    case Mutation::Kind::kErase:
      if (entry != nullptr) Remove(key, *entry);
      return entry != nullptr;
    case Mutation::Kind::kClear:
      Clear();
      return true;
  }
  return false;
}

void Shard::Expire(const Key& key, Entry& entry) {
  Remove(key, entry);
  ++expired_;
}

void Shard::Remove(const Key& key, Entry& entry) {
  const Mutation mutation = {Mutation::Kind::kErase, key.text, {}};
  Announce(mutation);
  ChangeTime(key.hash, entry, Entry::kNever);
  table_.Erase(key);
  Tell(mutation);
}

void Shard::ChangeTime(std::uint64_t hash, Entry& entry, Time expires_at) {
  if (entry.expires_at == expires_at) return;
  // (First what may fail. The old time may be another key's, too, which has the
  // same hash: that one is removed when it is looked for.)
  if (expires_at != Entry::kNever) times_.insert({expires_at, hash});
  if (entry.expires_at != Entry::kNever) {
    times_.erase({entry.expires_at, hash});
  }
  entry.expires_at = expires_at;
}

}  // namespace kv_server
