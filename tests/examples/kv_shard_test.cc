// The keys of kv_server: against a simple model, and scans while they change.
#include "examples/kv_server/shard.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <new>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "examples/kv_server/mutation.h"

namespace kv_server {
namespace {

constexpr std::uint64_t kSeed = 42;

// Keeps what it is told, as a log does.
class Recorder final : public Journal {
 public:
  void Announce(const Mutation&) override {
    if (full) throw std::bad_alloc();
  }
  void Add(const Mutation& mutation) override { Encode(mutation, bytes_); }
  const std::string& bytes() const { return bytes_; }

  // Whether it has no memory for more.
  bool full = false;

 private:
  std::string bytes_;
};

struct ModelEntry {
  std::string value;
  Time expires_at;
};
using Model = std::map<std::string, ModelEntry>;

Model ContentsOf(Shard& shard, Time now) {
  Model contents;
  const auto end = shard.Scan(
      0, SIZE_MAX, now, [&](std::string_view key, const Entry& entry) {
        contents[std::string(key)] = {entry.value, entry.expires_at};
      });
  EXPECT_FALSE(end);
  return contents;
}

void ExpectSame(const Model& a, const Model& b) {
  ASSERT_EQ(a.size(), b.size());
  for (const auto& [key, entry] : a) {
    const auto found = b.find(key);
    ASSERT_NE(found, b.end()) << key;
    EXPECT_EQ(found->second.value, entry.value);
    EXPECT_EQ(found->second.expires_at, entry.expires_at);
  }
}

TEST(KvShardTest, DoesWhatASimpleModelDoesAndAJournalTellsAll) {
  std::mt19937 random(1);
  const auto below = [&](int n) {
    return std::uniform_int_distribution(0, n - 1)(random);
  };
  Shard shard(kSeed);
  Recorder recorder;
  shard.set_journal(&recorder);
  Model model;
  Time now = 1000;
  for (int step = 0; step < 20'000; ++step) {
    now += below(3);
    const auto over = [&](const auto& item) {
      return item.second.expires_at != Entry::kNever &&
             item.second.expires_at <= now;
    };
    std::erase_if(model, over);
    const std::string name = "key" + std::to_string(below(1500));
    const Key key = shard.Hashed(name);
    const Time time = below(2) == 0 ? Entry::kNever : now + below(5000);
    switch (below(7)) {
      case 0:
      case 1: {
        const std::string value = std::to_string(step);
        shard.Set(key, value, time);
        model[name] = {value, time};
        break;
      }
      case 2:
        EXPECT_EQ(shard.Append(key, "x", now), model[name].value.size() + 1);
        model[name].value += "x";
        break;
      case 3:
        EXPECT_EQ(shard.Erase(key, now), model.erase(name) == 1);
        break;
      case 4:
        if (shard.Find(key, now) != nullptr) {
          shard.SetTime(key, time);
          model[name].expires_at = time;
        }
        break;
      case 5:
        shard.ExpireSome(now, 3);
        break;
      default: {
        const Entry* const entry = shard.Find(key, now);
        const auto found = model.find(name);
        const bool there = found != model.end();
        ASSERT_EQ(entry != nullptr, there);
        if (there) {
          EXPECT_EQ(entry->value, found->second.value);
        }
      }
    }
    std::erase_if(model, over);
    if (step == 5'000) {
      shard.Clear();
      model.clear();
    }
  }
  EXPECT_GT(model.size(), 300U);
  EXPECT_GT(shard.expired(), 100U);
  ExpectSame(ContentsOf(shard, now), model);

  Shard copy(kSeed);
  std::string_view bytes = recorder.bytes();
  while (const auto mutation = Decode(bytes)) {
    ASSERT_TRUE(copy.Replay(*mutation));
  }
  EXPECT_EQ(bytes, "");
  EXPECT_EQ(copy.size(), shard.size());
  EXPECT_EQ(copy.expiring(), shard.expiring());
  ExpectSame(ContentsOf(copy, now), model);
}

TEST(KvShardTest, ChangesNothingThatItsJournalHasNoMemoryFor) {
  Shard shard(kSeed);
  Recorder recorder;
  shard.set_journal(&recorder);
  const Key old = shard.Hashed("old");
  shard.Set(old, "value", 100);
  const Model before = ContentsOf(shard, 0);
  const std::string told = recorder.bytes();
  recorder.full = true;
  const Key fresh = shard.Hashed("new");
  EXPECT_THROW(shard.Set(old, "other", 200), std::bad_alloc);
  EXPECT_THROW(shard.Set(fresh, "x", 200), std::bad_alloc);
  EXPECT_THROW(shard.Append(old, "x", 0), std::bad_alloc);
  EXPECT_THROW(shard.Append(fresh, "x", 0), std::bad_alloc);
  EXPECT_THROW(shard.SetTime(old, 200), std::bad_alloc);
  EXPECT_THROW(shard.Erase(old, 0), std::bad_alloc);
  EXPECT_THROW(shard.ExpireSome(1000, 10), std::bad_alloc);
  EXPECT_THROW(shard.Clear(), std::bad_alloc);
  ExpectSame(ContentsOf(shard, 0), before);
  EXPECT_EQ(shard.expiring(), 1U);
  EXPECT_EQ(shard.expired(), 0U);
  EXPECT_EQ(recorder.bytes(), told);
}

TEST(KvShardTest, RemovesWhatNobodyLooksFor) {
  Shard shard(kSeed);
  for (int i = 0; i < 1000; ++i) {
    shard.Set(shard.Hashed(std::to_string(i)), "x", i < 500 ? 100 + i : 10'000);
  }
  EXPECT_FALSE(shard.ExpireSome(99, 1));
  EXPECT_TRUE(shard.ExpireSome(400, 100));
  EXPECT_EQ(shard.size(), 900U);
  EXPECT_FALSE(shard.ExpireSome(400, 1000));
  EXPECT_EQ(shard.size(), 699U);
  EXPECT_FALSE(shard.ExpireSome(1000, 1000));
  EXPECT_EQ(shard.size(), 500U);
  EXPECT_EQ(shard.expiring(), 500U);
}

// All keys that are there from the beginning to the end are seen, once, however
// much comes and goes meanwhile.
TEST(KvShardTest, ScansSeeWhatStaysWhileTheTableGrows) {
  for (const int added_each_time : {0, 1, 100, 3000}) {
    Shard shard(kSeed);
    std::multiset<std::string> seen;
    for (int i = 0; i < 2000; ++i) {
      shard.Set(shard.Hashed("stays" + std::to_string(i)), "", Entry::kNever);
    }
    int added = 0;
    std::uint64_t position = 0;
    while (true) {
      std::size_t visited = 0;
      const auto next =
          shard.Scan(position, 10, 0, [&](std::string_view key, const Entry&) {
            ++visited;
            if (key.starts_with("stays")) seen.emplace(key);
          });
      if (!next) break;
      EXPECT_GT(*next, position);
      EXPECT_GE(visited, 10U);
      EXPECT_LE(visited, 12U);
      position = *next;
      for (int i = 0; i < added_each_time; ++i, ++added) {
        shard.Set(shard.Hashed("comes" + std::to_string(added)), "",
                  Entry::kNever);
        if (added % 3 == 0) {
          shard.Erase(shard.Hashed("comes" + std::to_string(added / 2)), 0);
        }
      }
      if (added > 200'000) break;
    }
    if (added <= 200'000) {
      EXPECT_EQ(seen.size(), 2000U);
    }
    for (const std::string& key : seen) EXPECT_EQ(seen.count(key), 1U);
  }
}

TEST(KvShardTest, HashesSpreadOverCoresAndAreTheSameInEveryRun) {
  std::map<unsigned, int> of_core;
  for (int i = 0; i < 30'000; ++i) {
    const std::string key = "key:" + std::to_string(i);
    ++of_core[CoreOf(HashKey(key, kSeed), 3)];
  }
  ASSERT_EQ(of_core.size(), 3U);
  for (const auto& [core, count] : of_core) EXPECT_NEAR(count, 10'000, 500);
  // A log that another run has written is found by this.
  EXPECT_EQ(HashKey("key:1", kSeed), 3784898321665669378U);
  std::set<std::uint64_t> hashes;
  std::string key;
  for (int size = 0; size < 200; ++size, key += 'a') {
    hashes.insert(HashKey(key, kSeed));
    hashes.insert(HashKey(key, kSeed + 1));
  }
  EXPECT_EQ(hashes.size(), 400U);
}

TEST(KvMutationTest, IsReadAsItWasWrittenAndOnlyWhole) {
  std::string bytes;
  Encode({Mutation::Kind::kSet, "key", "value", -5}, bytes);
  std::string_view view = bytes;
  const auto mutation = Decode(view);
  ASSERT_TRUE(mutation);
  EXPECT_EQ(mutation->kind, Mutation::Kind::kSet);
  EXPECT_EQ(mutation->key, "key");
  EXPECT_EQ(mutation->value, "value");
  EXPECT_EQ(mutation->expires_at, -5);
  EXPECT_EQ(view, "");
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    std::string_view part = std::string_view(bytes).substr(0, size);
    EXPECT_FALSE(Decode(part)) << size;
  }
  bytes[0] = 'x';
  view = bytes;
  EXPECT_FALSE(Decode(view));
}

}  // namespace
}  // namespace kv_server
