// The log of kv_server loses nothing that was acknowledged, wherever the server
// is killed or the disk is full; and it says where it is damaged.
#include <eddy/fs/file.h>
#include <eddy/runtime/sync_wait.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/testing/co_test.h>
#include <eddy/runtime/when_all.h>

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "examples/kv_server/append_log.h"
#include "examples/kv_server/log_format.h"
#include "tests/chaos.h"
#include "tests/examples/kv_client.h"
#include "tests/examples/program.h"
#include "tests/fs/small_disk.h"
#include "tests/io/io_test_util.h"

namespace eddy::testing_examples {
namespace {

using fs_test::SmallDisk;
using io_test::Load;
using io_test::Store;
using io_test::TempDir;
using kv_server::AppendLog;
using kv_server::LogOptions;
using kv_server::LogOwner;
using kv_server::Mutation;

constexpr LogOwner kOwner = {0, 1, 42};

struct Found {
  std::vector<std::string> keys;
  std::uint64_t cut_off = 0;
  std::string problem;
};

Task<Result<void>> Recover(std::string path, Found& found,
                           LogOptions options = {}, LogOwner owner = kOwner) {
  found = {};
  const auto each = [&](const Mutation& mutation) {
    found.keys.emplace_back(mutation.key);
    return mutation.kind == Mutation::Kind::kSet;
  };
  EDDY_CO_TRY(const auto log, co_await AppendLog::Open(path, owner, options,
                                                       each, found.problem));
  found.cut_off = log->stats().cut_off;
  co_return Result<void>();
}

Task<Result<void>> Add(AppendLog& log, std::string key) {
  log.Add({Mutation::Kind::kSet, key, "value"});
  co_return co_await log.Durable();
}

// One frame for each key.
Task<Result<void>> AddAll(std::string path, std::vector<std::string> keys,
                          LogOptions options = {}) {
  std::string problem;
  const auto any = [](const Mutation&) { return true; };
  EDDY_CO_TRY(const auto log,
              co_await AppendLog::Open(path, kOwner, options, any, problem));
  const auto body = [&](TaskScope& scope) -> Task<Result<void>> {
    scope.Spawn([&]() -> Task<> { static_cast<void>(co_await log->Run()); });
    for (const std::string& key : keys) {
      EDDY_CO_CHECK(co_await Add(*log, key));
    }
    scope.RequestStop();
    co_return Result<void>();
  };
  co_return co_await WithScope(body);
}

CO_TEST(KvLogTest, KeepsWhatWasAddedInItsOrder) {
  const TempDir dir;
  const std::string path = dir / "log";
  const std::vector<std::string> first{"a", "b", std::string(100'000, 'x')};
  CO_ASSERT_OK(co_await AddAll(path, first));
  Found found;
  CO_ASSERT_OK(co_await Recover(path, found));
  EXPECT_EQ(found.keys, first);
  EXPECT_EQ(found.cut_off, 0U);
  // Not synced at once, and there all the same when it ends well.
  LogOptions options;
  options.sync = kv_server::LogSync::kEverySecond;
  const std::vector<std::string> more{"more"};
  CO_ASSERT_OK(co_await AddAll(path, more, options));
  CO_ASSERT_OK(co_await Recover(path, found));
  EXPECT_EQ(found.keys.size(), 4U);
}

CO_TEST(KvLogTest, CutsOffATornEnd) {
  const TempDir dir;
  const std::string path = dir / "log";
  const std::vector<std::string> three{"one", "two", "three"};
  CO_ASSERT_OK(co_await AddAll(path, three));
  const std::string whole = Load(path);
  const std::size_t last =
      whole.size() - kv_server::kFrameHead - (1 + 4 + 4 + 8) - 5 - 5;
  Found found;
  for (std::size_t size = last; size < whole.size(); ++size) {
    Store(path, std::string_view(whole).substr(0, size));
    CO_ASSERT_OK(co_await Recover(path, found));
    EXPECT_EQ(found.keys.size(), 2U);
    EXPECT_EQ(found.cut_off, size - last);
    EXPECT_EQ(Load(path).size(), last);
  }
  for (std::size_t at = last; at < whole.size(); ++at) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x40);
    Store(path, damaged);
    CO_ASSERT_OK(co_await Recover(path, found));
    EXPECT_EQ(found.keys.size(), 2U) << at;
  }
  // Zeros, as a file system may leave where a size was written and data not.
  Store(path, whole + std::string(5000, '\0'));
  CO_ASSERT_OK(co_await Recover(path, found));
  EXPECT_EQ(found.keys.size(), 3U);
  EXPECT_EQ(found.cut_off, 5000U);
  // Torn at its very beginning.
  for (std::size_t size = 0; size < kv_server::kLogHead; ++size) {
    Store(path, std::string_view(whole).substr(0, size));
    CO_ASSERT_OK(co_await Recover(path, found));
    EXPECT_EQ(found.keys.size(), 0U);
    EXPECT_EQ(Load(path).size(), kv_server::kLogHead);
  }
}

CO_TEST(KvLogTest, SaysWhereItIsDamagedInTheMiddle) {
  const TempDir dir;
  const std::string path = dir / "log";
  const std::vector<std::string> three{"one", "two", "three"};
  CO_ASSERT_OK(co_await AddAll(path, three));
  const std::string whole = Load(path);
  const std::size_t frame = kv_server::kFrameHead + (1 + 4 + 4 + 8) + 3 + 5;
  const std::size_t second = kv_server::kLogHead + frame;
  Found found;
  for (std::size_t at = second; at < second + frame; ++at) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x01);
    Store(path, damaged);
    CO_EXPECT_ERROR(co_await Recover(path, found), std::errc::bad_message);
    EXPECT_NE(found.problem.find("damaged at byte " + std::to_string(second) +
                                 ", and goes on at byte " +
                                 std::to_string(second + frame)),
              std::string::npos)
        << found.problem;
    EXPECT_EQ(Load(path), damaged);
  }
  // What an operator may then decide.
  LogOptions options;
  options.cut_damaged = true;
  CO_ASSERT_OK(co_await Recover(path, found, options));
  EXPECT_EQ(found.keys, std::vector<std::string>{"one"});
  for (std::size_t at = 0; at < kv_server::kLogHead; ++at) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x01);
    Store(path, damaged);
    CO_EXPECT_ERROR(co_await Recover(path, found), std::errc::bad_message);
  }
}

CO_TEST(KvLogTest, IsOneCoresAndOneProcesss) {
  const TempDir dir;
  const std::string path = dir / "log";
  const std::vector<std::string> one{"one"};
  CO_ASSERT_OK(co_await AddAll(path, one));
  Found found;
  CO_EXPECT_ERROR(co_await Recover(path, found, {}, LogOwner{0, 2, 42}),
                  std::errc::bad_message);
  EXPECT_NE(found.problem.find("--cores=1"), std::string::npos);
  std::string problem;
  const auto any = [](const Mutation&) { return true; };
  const auto log =
      co_await AppendLog::Open(path, kOwner, LogOptions(), any, problem);
  CO_ASSERT_OK(log);
  CO_EXPECT_ERROR(co_await Recover(path, found),
                  std::errc::operation_would_block);
}

// One whose memory is short, and that is not logged, leaves no part of itself.
CO_TEST(KvLogTest, KeepsNothingOfAChangeThatDoesNotFitIntoMemory) {
  if (eddy::testing_examples::UnderSanitizer()) {
    CO_SKIP("a sanitizer ends a program that asks for so much");
  }
  const TempDir dir;
  const std::string path = dir / "log";
  {
    std::string problem;
    const auto any = [](const Mutation&) { return true; };
    const auto log =
        co_await AppendLog::Open(path, kOwner, LogOptions(), any, problem);
    CO_ASSERT_OK(log);
    // (Its length alone is asked for.)
    const std::string one = "one";
    const std::string_view endless(one.data(), std::size_t{1} << 62);
    const auto body = [&](TaskScope& scope) -> Task<> {
      scope.Spawn(
          [&]() -> Task<> { static_cast<void>(co_await (*log)->Run()); });
      const auto add_endless = [&] {
        (*log)->Add({Mutation::Kind::kSet, "endless", endless});
      };
      EXPECT_ANY_THROW(add_endless());
      CO_EXPECT_OK(co_await Add(**log, "one"));
      EXPECT_ANY_THROW(add_endless());
      CO_EXPECT_OK(co_await Add(**log, "two"));
      scope.RequestStop();
    };
    CO_EXPECT_OK(co_await WithScope(body));
  }
  Found found;
  CO_ASSERT_OK(co_await Recover(path, found));
  const std::vector<std::string> both{"one", "two"};
  EXPECT_EQ(found.keys, both);
}

CO_TEST(KvLogTest, AnswersWhenTheKernelHasItWhereSyncsArePostponed) {
  const TempDir dir;
  const std::string path = dir / "log";
  std::string problem;
  const auto any = [](const Mutation&) { return true; };
  LogOptions options;
  options.sync = kv_server::LogSync::kEverySecond;
  const auto log =
      co_await AppendLog::Open(path, kOwner, options, any, problem);
  CO_ASSERT_OK(log);
  const auto body = [&](TaskScope& scope) -> Task<> {
    scope.Spawn([&]() -> Task<> { static_cast<void>(co_await (*log)->Run()); });
    CO_EXPECT_OK(co_await Add(**log, "one"));
    EXPECT_GT(Load(path).size(), kv_server::kLogHead);
    (*log)->Add({Mutation::Kind::kSet, "two", "value"});
    EXPECT_FALSE((*log)->durable());
    scope.RequestStop();
  };
  CO_EXPECT_OK(co_await WithScope(body));
}

CO_TEST(KvLogTest, SyncsOnceForAllThatWait) {
  const TempDir dir;
  std::string problem;
  const auto any = [](const Mutation&) { return true; };
  const auto log =
      co_await AppendLog::Open(dir / "log", kOwner, LogOptions(), any, problem);
  CO_ASSERT_OK(log);
  const auto body = [&](TaskScope& scope) -> Task<> {
    scope.Spawn([&]() -> Task<> { static_cast<void>(co_await (*log)->Run()); });
    for (int round = 0; round < 3; ++round) {
      std::vector<Task<Result<void>>> all;
      for (int i = 0; i < 50; ++i) all.push_back(Add(**log, "key"));
      for (const auto& each : co_await WhenAll(std::move(all))) {
        EXPECT_TRUE(each);
      }
      EXPECT_TRUE((*log)->durable());
    }
    scope.RequestStop();
  };
  CO_EXPECT_OK(co_await WithScope(body));
  EXPECT_GE((*log)->stats().syncs, 3U);
  if (!test::InChaos()) {
    EXPECT_LE((*log)->stats().syncs, 9U);
  }
  // It takes no more.
  CO_EXPECT_ERROR(co_await Add(**log, "late"), kCanceled);
}

CO_TEST(KvLogTest, MakesWritersWaitWhereTooMuchIsPending) {
  const TempDir dir;
  std::string problem;
  const auto any = [](const Mutation&) { return true; };
  LogOptions options;
  options.most_pending = 100;
  const auto log =
      co_await AppendLog::Open(dir / "log", kOwner, options, any, problem);
  CO_ASSERT_OK(log);
  const auto body = [&](TaskScope& scope) -> Task<> {
    EXPECT_FALSE((*log)->full());
    (*log)->Add({Mutation::Kind::kSet, "key", std::string(100, 'x')});
    EXPECT_TRUE((*log)->full());
    scope.Spawn([&]() -> Task<> { static_cast<void>(co_await (*log)->Run()); });
    CO_EXPECT_OK(co_await (*log)->Room());
    EXPECT_FALSE((*log)->full());
    scope.RequestStop();
  };
  CO_EXPECT_OK(co_await WithScope(body));
}

class KvLogProgramTest : public ::testing::TestWithParam<int> {
 protected:
  KvServer Start(const std::string& folder, const Words& flags = {}) {
    Words words = {"--cores=" + std::to_string(GetParam()), "--log=" + folder};
    words.insert(words.end(), flags.begin(), flags.end());
    return KvServer(words);
  }
};
INSTANTIATE_TEST_SUITE_P(Cores, KvLogProgramTest, ::testing::Values(1, 2),
                         [](const auto& instance) {
                           return std::to_string(instance.param);
                         });

// kill -9 while several clients write: what they were told is there again, of
// what they were not told anything may be.
TEST_P(KvLogProgramTest, LosesNothingWhereItIsKilled) {
  constexpr int kClients = 4;
  const TempDir dir;
  std::map<std::string, std::string> acknowledged;
  for (int round = 0; round < 4; ++round) {
    KvServer server = Start(dir.path());
    std::mutex mutex;
    std::atomic<int> count = 0;
    std::atomic<int> talking = kClients;
    std::map<std::string, std::string> unanswered;
    std::vector<std::thread> clients;
    for (int i = 0; i < kClients; ++i) {
      clients.emplace_back([&, i] {
        KvClient client = server.Connect();
        for (int k = 0;; ++k) {
          const std::string key =
              std::to_string(i) + "-" + std::to_string(k % 50);
          const std::string value =
              std::to_string(round) + "-" + std::to_string(k);
          const bool ok = client.Ask({"SET", key, value}) == "+OK\r\n";
          const std::lock_guard lock(mutex);
          (ok ? acknowledged : unanswered)[key] = value;
          if (!ok) {
            --talking;
            return;
          }
          ++count;
        }
      });
    }
    while (count < 100 + 50 * round && talking > 0) std::this_thread::yield();
    EXPECT_EQ(talking, kClients);
    server.Kill();
    for (std::thread& client : clients) client.join();

    KvServer again = Start(dir.path());
    KvClient reader = again.Connect();
    for (auto& [key, value] : acknowledged) {
      const std::string found = reader.Ask({"GET", key});
      if (unanswered.contains(key) && found == Bulk(unanswered[key])) {
        value = unanswered[key];
      }
      EXPECT_EQ(found, Bulk(value)) << key;
    }
    again.EndWell();
  }
}

TEST_P(KvLogProgramTest, KeepsAllKindsOfChanges) {
  const TempDir dir;
  const Words all = {"SET a 1",   "INCR a",  "APPEND a 0",    "SET b x EX 1000",
                     "PERSIST b", "SET c x", "EXPIRE c 1000", "SET d x PX 1",
                     "SET e x",   "DEL e",   "MSET f 1 g 2",  "GETDEL f"};
  for (const char* sync : {"always", "everysec"}) {
    {
      KvServer server = Start(dir.path(), {std::string("--log_sync=") + sync});
      KvClient client = server.Connect();
      EXPECT_EQ(client.Ask({"SET", "gone", "x"}), "+OK\r\n");
      EXPECT_EQ(client.Ask({"FLUSHALL"}), "+OK\r\n");
      for (const std::string& line : all) {
        ASSERT_TRUE(client.Send(line + "\r\n"));
        EXPECT_NE(client.Hear()[0], '-') << line;
      }
      while (client.Ask({"GET", "d"}) != "$-1\r\n") std::this_thread::yield();
      // An increase after its time makes a new key, which has none.
      EXPECT_EQ(client.Ask({"INCR", "d"}), ":1\r\n");
      server.EndWell();
    }
    KvServer server = Start(dir.path());
    KvClient client = server.Connect();
    EXPECT_EQ(client.Ask({"MGET", "a", "b", "c", "d", "e", "f", "g", "gone"}),
              "*8\r\n$2\r\n20\r\n$1\r\nx\r\n$1\r\nx\r\n$1\r\n1\r\n$-1\r\n$-1"
              "\r\n$1\r\n2\r\n$-1\r\n");
    EXPECT_EQ(client.Ask({"TTL", "b"}), ":-1\r\n");
    EXPECT_GT(client.Ask({"TTL", "c"}), ":1\r\n");
    EXPECT_EQ(client.Ask({"TTL", "d"}), ":-1\r\n");
    server.EndWell();
  }
}

TEST_P(KvLogProgramTest, AFullDiskLosesNothing) {
  const SmallDisk disk("512k");
  if (!disk.mounted()) GTEST_SKIP() << "needs the right to mount";
  int stored = 0;
  {
    KvServer server = Start(disk.path());
    KvClient client = server.Connect();
    const std::string text(1000, 'x');
    std::string answer;
    while (stored < 10'000) {
      answer = client.Ask({"SET", "key" + std::to_string(stored), text});
      if (answer != "+OK\r\n") break;
      ++stored;
    }
    EXPECT_EQ(answer.rfind("-MISCONF", 0), 0U) << answer;
    EXPECT_GT(stored, 100);
    // What is in its memory is not what a restart brings back: it ends.
    EXPECT_EQ(server.program().Wait(), 1);
    EXPECT_NE(server.program().ReadErrors().find("cannot be written"),
              std::string::npos);
  }
  KvServer server = Start(disk.path());
  KvClient client = server.Connect();
  for (int i = 0; i < stored; ++i) {
    ASSERT_EQ(client.Ask({"STRLEN", "key" + std::to_string(i)}), ":1000\r\n");
  }
  server.EndWell();
}

// Where a write fails nobody reads what was refused, before a restart or after.
TEST_P(KvLogProgramTest, EndsWhereItsLogCannotBeWritten) {
  const TempDir dir;
  const std::string cores = std::to_string(GetParam());
  const std::string command =
      "trap '' XFSZ; ulimit -f 40; exec " + Program::Example("kv_server") +
      " --listen=127.0.0.1:0 --oversubscribe --cores=" + cores +
      " --log=" + dir.path();
  {
    Program program({"sh", "-c", command});
    const std::string address = ListeningOn(program);
    KvClient client(address);
    KvClient other(address);
    EXPECT_EQ(client.Ask({"SET", "key", "old"}), "+OK\r\n");
    EXPECT_EQ(other.Ask({"GET", "key"}), Bulk("old"));
    EXPECT_TRUE(
        client.Send(RespRequest({"APPEND", "key", std::string(100'000, 'x')})));
    EXPECT_EQ(client.Hear().rfind("-MISCONF", 0), 0U);
    EXPECT_EQ(client.Hear(), "");
    // Refused, or the end.
    if (other.Say({"STRLEN", "key"})) {
      const std::string answer = other.Hear();
      EXPECT_TRUE(answer.empty() || answer.rfind("-MISCONF", 0) == 0) << answer;
    }
    EXPECT_EQ(program.Wait(), 1);
    EXPECT_NE(program.ReadErrors().find("core-"), std::string::npos);
  }
  KvServer server = Start(dir.path());
  EXPECT_EQ(server.Connect().Ask({"GET", "key"}), Bulk("old"));
  server.EndWell();
}

// kill -9 when a batch was answered, which the disk may not have.
TEST_P(KvLogProgramTest, LosesNothingThatWasAnsweredBeforeASync) {
  constexpr int kKeys = 2000;
  const TempDir dir;
  const Words flags = {"--log_sync=everysec"};
  {
    KvServer server = Start(dir.path(), flags);
    KvClient client = server.Connect();
    std::string batch;
    for (int i = 0; i < kKeys; ++i) {
      batch += RespRequest({"SET", "key" + std::to_string(i), "x"});
    }
    EXPECT_TRUE(client.Send(batch));
    for (int i = 0; i < kKeys; ++i) ASSERT_EQ(client.Hear(), "+OK\r\n");
    server.Kill();
  }
  KvServer server = Start(dir.path(), flags);
  EXPECT_EQ(server.Connect().Ask({"DBSIZE"}),
            ":" + std::to_string(kKeys) + "\r\n");
  server.EndWell();
}

TEST(KvLogFlagsTest, LogsOfAllCoresBelongTogether) {
  const TempDir dir;
  const Words two = {"--cores=2", "--log=" + dir.path()};
  {
    KvServer server(two);
    KvClient client = server.Connect();
    for (int i = 0; i < 20; ++i) {
      EXPECT_EQ(client.Ask({"SET", "key" + std::to_string(i), "x"}), "+OK\r\n");
    }
    server.Kill();
  }
  const auto fails = [&](const std::string& cores, const std::string& text) {
    Program program({Program::Example("kv_server"), "--listen=127.0.0.1:0",
                     "--oversubscribe", cores, "--log=" + dir.path()});
    const std::string errors = program.ReadErrors();
    EXPECT_NE(errors.find(text), std::string::npos) << errors;
    EXPECT_EQ(program.Wait(), 1);
  };
  // A wrong number leaves nothing behind.
  fails("--cores=1", "start with --cores=2");
  fails("--cores=3", "start with --cores=2");
  EXPECT_FALSE(std::filesystem::exists(dir / "core-2.log"));
  // One that is gone is not made anew beside the other.
  std::filesystem::rename(dir / "core-1.log", dir / "elsewhere");
  fails("--cores=2", "core-1.log is missing");
  EXPECT_FALSE(std::filesystem::exists(dir / "core-1.log"));
  std::filesystem::rename(dir / "elsewhere", dir / "core-1.log");
  KvServer server(two);
  EXPECT_EQ(server.Connect().Ask({"DBSIZE"}), ":20\r\n");
  server.EndWell();
}

TEST(KvLogFlagsTest, SayWhatIsWrong) {
  const TempDir dir;
  KvServer server({"--cores=1", "--log=" + dir.path()});
  const auto fails = [&](const Words& flags, const std::string& text) {
    Words words = {Program::Example("kv_server"), "--listen=127.0.0.1:0",
                   "--oversubscribe"};
    words.insert(words.end(), flags.begin(), flags.end());
    Program program(words);
    const std::string errors = program.ReadErrors();
    EXPECT_NE(errors.find(text), std::string::npos) << errors;
    EXPECT_EQ(program.Wait(), 1);
  };
  fails({"--cores=1", "--log=" + dir.path()}, "core-0.log cannot be opened");
  fails({"--cores=1", "--log=" + dir.path() + "/none"}, "cannot be opened");
  server.EndWell();
  fails({"--cores=2", "--log=" + dir.path()}, "start with --cores=1");
  Store(dir / "core-0.log", std::string(1000, 'x'));
  fails({"--cores=1", "--log=" + dir.path()}, "is no log of kv_server");
}

}  // namespace
}  // namespace eddy::testing_examples
