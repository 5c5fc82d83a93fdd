#include "examples/kv_server/key_table.h"

namespace kv_server {

KeyTable::KeyTable(std::uint64_t seed) : seed_(seed) { Clear(); }

void KeyTable::Clear() {
  size_ = 0;
  bits_ = 0;
  directory_.assign(1, std::make_shared<Segment>(seed_, 0));
}

std::pair<Entry*, bool> KeyTable::FindOrAdd(const Key& key) {
  Segment* segment = &SegmentOf(key.hash);
  while (segment->map.size() >= kMostKeys && segment->bits < kMostBits) {
    if (Entry* const entry = Find(key)) return {entry, false};
    Split(key.hash);
    segment = &SegmentOf(key.hash);
  }
  const auto [at, added] = segment->map.try_emplace(key);
  if (added) ++size_;
  return {&at->second, added};
}

bool KeyTable::Erase(const Key& key) {
  Map& map = SegmentOf(key.hash).map;
  const auto found = map.find(key, key.hash);
  if (found == map.end()) return false;
  map.erase(found);
  --size_;
  return true;
}

std::optional<std::pair<std::string_view, Entry*>> KeyTable::FindHash(
    std::uint64_t hash) {
  Map& map = SegmentOf(hash).map;
  const auto found = map.find(hash, hash);
  if (found == map.end()) return {};
  return std::pair(std::string_view(found->first), &found->second);
}

void KeyTable::Split(std::uint64_t hash) {
  const std::shared_ptr<Segment> old =
      directory_[bits_ == 0 ? 0 : hash >> (64 - bits_)];
  if (old->bits == bits_) {
    // Each segment is found by one bit more.
    std::vector<std::shared_ptr<Segment>> doubled(2 * directory_.size());
    for (std::size_t i = 0; i < doubled.size(); ++i) {
      doubled[i] = directory_[i / 2];
    }
    directory_ = std::move(doubled);
    ++bits_;
  }
  const auto upper = std::make_shared<Segment>(seed_, ++old->bits);
  const std::uint64_t bit = std::uint64_t{1} << (64 - old->bits);
  upper->map.reserve(kMostKeys);
  for (auto at = old->map.begin(); at != old->map.end();) {
    const auto next = std::next(at);
    if ((HashKey(at->first, seed_) & bit) != 0) {
      upper->map.insert(old->map.extract(at));
    }
    at = next;
  }
  // The upper half of the directory's places that were the old one's.
  const std::size_t places = std::size_t{1} << (bits_ - old->bits);
  const std::size_t first =
      static_cast<std::size_t>((hash | bit) >> (64 - bits_)) / places * places;
  for (std::size_t i = 0; i < places; ++i) directory_[first + i] = upper;
}

void KeyTable::Collect(Segment& segment, std::uint64_t position) {
  collected_.clear();
  for (auto& [key, entry] : segment.map) {
    const std::uint64_t at = PositionOf(HashKey(key, seed_));
    if (at >= position) collected_.push_back({at, &key, &entry});
  }
  std::sort(
      collected_.begin(), collected_.end(),
      [](const Found& a, const Found& b) { return a.position < b.position; });
}

}  // namespace kv_server
