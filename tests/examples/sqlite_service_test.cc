// The services around SQLite as programs, that of eddy and that of threads: the
// same tests, which know nothing of how they are made.
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tests/examples/line_client.h"
#include "tests/examples/program.h"
#include "tests/fs/small_disk.h"
#include "tests/io/io_test_util.h"

namespace eddy::testing_examples {
namespace {

using io_test::TempDir;
using Words = std::vector<std::string>;

struct CloseDatabase {
  void operator()(sqlite3* db) const { sqlite3_close(db); }
};

class SqliteServiceTest : public ::testing::TestWithParam<const char*> {
 protected:
  void Start(const Words& flags = {}) {
    Words words = {Program::Example(GetParam()),
                   "--listen",
                   "127.0.0.1:0",
                   "--database",
                   path_,
                   "--readers=2"};
    words.insert(words.end(), flags.begin(), flags.end());
    server_.emplace(words);
    address_ = ListeningOn(*server_);
  }
  // A server waits a little for clients that do not close.
  void EndWell(const std::vector<LineClient*>& clients = {}) {
    server_->Signal(SIGTERM);
    for (LineClient* client : clients) client->connection().EndOfInput();
    EXPECT_EQ(server_->Wait(), 0);
  }
  void Kill() {
    server_->Signal(SIGKILL);
    EXPECT_EQ(server_->Wait(), 128 + SIGKILL);
  }
  LineClient Connect() const { return LineClient(address_); }

  const std::string& path() const { return path_; }
  void set_path(const std::string& path) { path_ = path; }

 private:
  // In memory where that is possible: what is tested is not the disk.
  const TempDir dir_{std::filesystem::is_directory("/dev/shm") ? "/dev/shm"
                                                               : "/tmp"};
  std::string path_ = dir_ / "notes.db";
  std::optional<Program> server_;
  std::string address_;
};

INSTANTIATE_TEST_SUITE_P(Servers, SqliteServiceTest,
                         ::testing::Values("sqlite_service",
                                           "sqlite_service_threads"),
                         [](const auto& instance) {
                           return std::string(instance.param);
                         });

TEST_P(SqliteServiceTest, KnowsItsRequests) {
  Start();
  LineClient ann = Connect();
  EXPECT_EQ(ann.Ask("GET tea"), "NONE");
  EXPECT_EQ(ann.Ask("PUT tea green and hot"), "OK");
  EXPECT_EQ(ann.Ask("GET tea\r"), "VALUE green and hot");
  EXPECT_EQ(ann.Ask("PUT tea black"), "OK");
  EXPECT_EQ(ann.Ask("PUT milk"), "OK");
  EXPECT_EQ(ann.Ask("GET milk"), "VALUE ");
  EXPECT_EQ(ann.Ask("SWAP tea milk"), "OK");
  EXPECT_EQ(ann.Ask("GET milk"), "VALUE black");
  EXPECT_EQ(ann.Ask("SWAP tea sugar"), "NONE");
  EXPECT_EQ(ann.Ask("DELETE tea"), "OK");
  EXPECT_EQ(ann.Ask("DELETE tea"), "NONE");
  EXPECT_EQ(ann.Ask("ADD cups 2"), "VALUE 2");
  EXPECT_EQ(ann.Ask("ADD cups -5"), "VALUE -3");
  EXPECT_EQ(ann.Ask("ADD cups many"), "ERR that is no number");
  EXPECT_EQ(ann.Ask("ADD milk 1"),
            "ERR there is no number, or the sum is too large");
  EXPECT_EQ(ann.Ask("PUT cups 9223372036854775807"), "OK");
  EXPECT_EQ(ann.Ask("ADD cups 1"),
            "ERR there is no number, or the sum is too large");
  EXPECT_EQ(ann.Ask("ADD cups 0"), "VALUE 9223372036854775807");
  EXPECT_EQ(ann.Ask("PUT cup small"), "OK");
  ASSERT_TRUE(ann.Say("LIST cup"));
  EXPECT_EQ(ann.Hear(), "ITEM cup small");
  EXPECT_EQ(ann.Hear(), "ITEM cups 9223372036854775807");
  EXPECT_EQ(ann.Hear(), "END");
  ASSERT_TRUE(ann.Say("LIST"));
  for (const char* line : {"ITEM cup small", "ITEM cups 9223372036854775807",
                           "ITEM milk black", "END"}) {
    EXPECT_EQ(ann.Hear(), line);
  }
  EXPECT_EQ(ann.Ask("PUT all a small cup"), "OK");
  EXPECT_EQ(ann.Ask("PAIRS"), "VALUE 1");
  EXPECT_EQ(ann.Ask("DANCE wildly"), "ERR there is no DANCE");
  const std::string help =
      "ERR there are PUT, GET, DELETE, ADD, SWAP, LIST, PAIRS and QUIT";
  EXPECT_EQ(ann.Ask(""), help);
  EXPECT_EQ(ann.Ask("PUT"), help);
  ASSERT_TRUE(ann.Say("QUIT"));
  EXPECT_EQ(ann.Hear(), "");
  EndWell({&ann});
}

// All items of a list, by as many requests as the service asks for.
std::vector<std::string> ListAll(LineClient& client, std::string request,
                                 int& requests) {
  std::vector<std::string> items;
  for (requests = 1; requests < 1000; ++requests) {
    if (!client.Say(request)) return {"the server has gone"};
    std::size_t bytes = 0;
    std::string line = client.Hear();
    for (; line.rfind("ITEM ", 0) == 0; line = client.Hear()) {
      bytes += line.size() + 1;
      items.push_back(line.substr(5));
    }
    // One item goes beyond it at most.
    EXPECT_LE(bytes, 68U * 1024);
    if (line == "END") return items;
    if (line.rfind("MORE ", 0) != 0) return {line};
    request = line.substr(5);
  }
  return {"no end"};
}

TEST_P(SqliteServiceTest, ALongListComesInParts) {
  Start({"--nosurvives_power_failure"});
  LineClient ann = Connect();
  const std::string text(3000, 'x');
  std::vector<std::string> expected;
  for (int i = 100; i < 200; ++i) {
    const std::string item = "k" + std::to_string(i) + " " + text;
    expected.push_back(item);
    ASSERT_EQ(ann.Ask("PUT " + item), "OK");
  }
  // A key that begins with the last one of a part, and others.
  for (const std::string item : {"k", "k1", "kk", "j", "l"}) {
    ASSERT_EQ(ann.Ask("PUT " + item + " " + text), "OK");
    if (item[0] == 'k') expected.push_back(item + " " + text);
  }
  std::sort(expected.begin(), expected.end());
  int requests = 0;
  EXPECT_EQ(ListAll(ann, "LIST k", requests), expected);
  EXPECT_EQ(requests, 5);
  EXPECT_EQ(ListAll(ann, "LIST", requests).size(), expected.size() + 2);
  EXPECT_EQ(ListAll(ann, "LIST k a", requests), expected);
  EXPECT_EQ(ListAll(ann, "LIST k k199", requests).size(), 1U);
  EXPECT_TRUE(ListAll(ann, "LIST k l", requests).empty());
  // More than so many at once there are never, however small they are.
  for (int i = 1000; i < 2010; ++i) {
    ASSERT_EQ(ann.Ask("PUT n" + std::to_string(i)), "OK");
  }
  EXPECT_EQ(ListAll(ann, "LIST n", requests).size(), 1010U);
  EXPECT_EQ(requests, 2);
  const std::string key(1000, 'z');
  EXPECT_EQ(ann.Ask("PUT " + key + " longest"), "OK");
  EXPECT_EQ(ann.Ask("PUT " + key + "z too long"), "ERR that key is too long");
  EXPECT_EQ(ann.Ask("LIST " + key + " " + key), "END");
  EndWell({&ann});
}

TEST_P(SqliteServiceTest, WhatIsNoRequestWaitsForNoConnection) {
  Start({"--busy=1h", "--patience=1h"});
  LineClient ann = Connect();
  EXPECT_EQ(ann.Ask("PUT a 1"), "OK");
  sqlite3* opened = nullptr;
  ASSERT_EQ(sqlite3_open(path().c_str(), &opened), SQLITE_OK);
  const std::unique_ptr<sqlite3, CloseDatabase> other(opened);
  const auto run = [&](const char* sql) {
    return sqlite3_exec(other.get(), sql, nullptr, nullptr, nullptr);
  };
  ASSERT_EQ(run("BEGIN IMMEDIATE"), SQLITE_OK);
  // It has the connection that writes, and waits.
  ASSERT_TRUE(ann.Say("ADD a 1"));
  LineClient bob = Connect();
  EXPECT_EQ(bob.Ask("DANCE wildly"), "ERR there is no DANCE");
  EXPECT_EQ(bob.Ask("PUT").rfind("ERR there are PUT", 0), 0U);
  EXPECT_EQ(bob.Ask("GET a"), "VALUE 1");
  ASSERT_EQ(run("COMMIT"), SQLITE_OK);
  EXPECT_EQ(ann.Hear(), "VALUE 2");
  EndWell({&ann, &bob});
}

TEST_P(SqliteServiceTest, WhatClientsWriteIsNeverSql) {
  Start();
  LineClient ann = Connect();
  EXPECT_EQ(ann.Ask("PUT safe 1"), "OK");
  const std::vector<std::string> evil = {
      "x');DROP/**/TABLE/**/items;--",
      "'",
      "\"",
      "?1",
      "%",
      "*",
      std::string("nul\0byte", 8),
      "\xff\xfe\x80",
      "\x01\x7f",
  };
  for (const std::string& text : evil) {
    EXPECT_EQ(ann.Ask("PUT " + text + " " + text + " " + text), "OK");
    EXPECT_EQ(ann.Ask("GET " + text), "VALUE " + text + " " + text);
    ASSERT_TRUE(ann.Say("LIST " + text));
    EXPECT_EQ(ann.Hear(), "ITEM " + text + " " + text + " " + text);
    EXPECT_EQ(ann.Hear(), "END");
    EXPECT_EQ(ann.Ask("DELETE " + text), "OK");
  }
  EXPECT_EQ(ann.Ask("GET safe"), "VALUE 1");
  EndWell({&ann});
}

TEST_P(SqliteServiceTest, TransactionsOfManyClientsLoseNothing) {
  Start();
  std::vector<std::thread> clients;
  for (int i = 0; i < 8; ++i) {
    clients.emplace_back([&] {
      LineClient client = Connect();
      for (int k = 0; k < 25; ++k) {
        EXPECT_EQ(client.Ask("ADD sum 2").rfind("VALUE ", 0), 0U);
        EXPECT_EQ(client.Ask("GET sum").rfind("VALUE ", 0), 0U);
      }
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(Connect().Ask("GET sum"), "VALUE 400");
  EndWell();
}

TEST_P(SqliteServiceTest, WhatWasAcknowledgedSurvivesAKill) {
  constexpr int kClients = 4;
  constexpr int kBeforeTheKill = 100;
  std::map<std::string, std::string> acknowledged;
  for (int round = 0; round < 3; ++round) {
    Start();
    std::mutex mutex;
    std::atomic<int> count = 0;
    // Whose answer did not come: they may have been carried out or not.
    std::map<std::string, std::string> unanswered;
    std::vector<std::thread> clients;
    for (int i = 0; i < kClients; ++i) {
      clients.emplace_back([&, i] {
        LineClient client = Connect();
        for (int k = 0;; ++k) {
          const std::string key =
              std::to_string(i) + "-" + std::to_string(k % 100);
          const std::string value =
              std::to_string(round) + "-" + std::to_string(k);
          const bool ok = client.Ask("PUT " + key + " " + value) == "OK";
          const std::lock_guard lock(mutex);
          (ok ? acknowledged : unanswered)[key] = value;
          if (!ok) return;
          ++count;
        }
      });
    }
    while (count < kBeforeTheKill) std::this_thread::yield();
    Kill();
    for (std::thread& client : clients) client.join();

    Start();
    LineClient reader = Connect();
    for (auto& [key, value] : acknowledged) {
      const std::string found = reader.Ask("GET " + key);
      if (unanswered.contains(key) && found == "VALUE " + unanswered[key]) {
        value = unanswered[key];
      }
      EXPECT_EQ(found, "VALUE " + value) << key;
    }
    EndWell({&reader});
  }
}

// So many pairs, and each of them takes so long, that PAIRS takes minutes.
void FillForAWhile(LineClient& client) {
  constexpr int kItems = 1000;
  const std::string haystack(3000, 'a');
  const std::string needle = std::string(1500, 'a') + "b";
  std::thread writer([&] {
    for (int i = 0; i < kItems; ++i) {
      const std::string number = std::to_string(i);
      ASSERT_TRUE(client.Say("PUT h" + number + " " + haystack));
      ASSERT_TRUE(client.Say("PUT n" + number + " " + needle));
    }
  });
  for (int i = 0; i < 2 * kItems; ++i) ASSERT_EQ(client.Hear(), "OK");
  writer.join();
}

TEST_P(SqliteServiceTest, ALongRequestIsInterrupted) {
  Start({"--nosurvives_power_failure"});
  {
    LineClient ann = Connect();
    FillForAWhile(ann);
  }
  EndWell();
  Start({"--patience=1s"});
  LineClient ann = Connect();
  EXPECT_EQ(ann.Ask("PAIRS"), "ERR it took too long");
  EXPECT_EQ(ann.Ask("PUT still works"), "OK");
  EXPECT_EQ(ann.Ask("GET still"), "VALUE works");
  EndWell({&ann});
}

TEST_P(SqliteServiceTest, ALongRequestHoldsUpNobodyAndNoEnd) {
  Start({"--patience=1h", "--drain=100ms", "--nosurvives_power_failure"});
  LineClient ann = Connect();
  LineClient bob = Connect();
  FillForAWhile(ann);
  ASSERT_TRUE(ann.Say("PAIRS"));
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(bob.Ask("PUT tea " + std::to_string(i)), "OK");
    ASSERT_EQ(bob.Ask("GET tea"), "VALUE " + std::to_string(i));
  }
  // The only other connection that reads.
  ASSERT_TRUE(bob.Say("PAIRS"));
  // And who waits for one.
  LineClient eve = Connect();
  ASSERT_TRUE(eve.Say("PAIRS"));
  EXPECT_EQ(Connect().Ask("PUT more 1"), "OK");
  EndWell({&ann, &bob, &eve});
}

TEST_P(SqliteServiceTest, WaitsForAnotherProcessAndNotForEver) {
  Start({"--busy=50ms"});
  LineClient ann = Connect();
  EXPECT_EQ(ann.Ask("PUT a 1"), "OK");
  sqlite3* opened = nullptr;
  ASSERT_EQ(sqlite3_open(path().c_str(), &opened), SQLITE_OK);
  const std::unique_ptr<sqlite3, CloseDatabase> other(opened);
  const auto run = [&](const char* sql) {
    return sqlite3_exec(other.get(), sql, nullptr, nullptr, nullptr);
  };
  ASSERT_EQ(run("BEGIN IMMEDIATE"), SQLITE_OK);
  EXPECT_EQ(ann.Ask("PUT a 2"), "ERR the database is busy");
  EXPECT_EQ(ann.Ask("ADD a 2"), "ERR the database is busy");
  EXPECT_EQ(ann.Ask("GET a"), "VALUE 1");
  ASSERT_EQ(run("COMMIT"), SQLITE_OK);
  EXPECT_EQ(ann.Ask("ADD a 2"), "VALUE 3");
  EndWell({&ann});
  Start({"--busy=1h"});
  LineClient bob = Connect();
  ASSERT_EQ(run("BEGIN IMMEDIATE"), SQLITE_OK);
  ASSERT_TRUE(bob.Say("ADD a 2"));
  EXPECT_EQ(Connect().Ask("GET a"), "VALUE 3");
  ASSERT_EQ(run("COMMIT"), SQLITE_OK);
  EXPECT_EQ(bob.Hear(), "VALUE 5");
  EndWell({&bob});
}

TEST_P(SqliteServiceTest, AFullDiskLosesNothing) {
  const fs_test::SmallDisk disk("2m");
  if (!disk.mounted()) GTEST_SKIP() << "needs the right to mount";
  set_path(disk.path() + "/notes.db");
  Start();
  LineClient ann = Connect();
  const std::string text(3000, 'x');
  int stored = 0;
  std::string answer;
  while (stored < 10'000) {
    answer = ann.Ask("PUT " + std::to_string(stored) + " " + text);
    if (answer != "OK") break;
    ++stored;
  }
  EXPECT_EQ(answer, "ERR the disk is full");
  EXPECT_GT(stored, 100);
  EXPECT_EQ(ann.Ask("ADD sum 1").rfind("ERR ", 0), 0U);
  EXPECT_EQ(ann.Ask("GET 0"), "VALUE " + text);
  Kill();
  Start();
  LineClient bob = Connect();
  for (int i = 0; i < stored; ++i) {
    ASSERT_EQ(bob.Ask("GET " + std::to_string(i)), "VALUE " + text) << i;
  }
  EndWell({&bob});
}

TEST_P(SqliteServiceTest, SaysThatAFileIsNoDatabase) {
  io_test::Store(path(), std::string(8192, 'x'));
  Program server({Program::Example(GetParam()), "--listen=127.0.0.1:0",
                  "--database=" + path()});
  EXPECT_EQ(server.ReadOutput(), "");
  EXPECT_NE(server.ReadErrors().find(path() + ": the database is damaged"),
            std::string::npos);
  EXPECT_EQ(server.Wait(), 1);
  // Nor is a folder.
  Program other(
      {Program::Example(GetParam()), "--listen=127.0.0.1:0", "--database=/"});
  EXPECT_NE(other.ReadErrors().find("/: "), std::string::npos);
  EXPECT_EQ(other.Wait(), 1);
}

TEST_P(SqliteServiceTest, SaysThatNoWriteAheadLogCanBe) {
  // A database in memory is another one for each connection, too.
  Program server({Program::Example(GetParam()), "--listen=127.0.0.1:0",
                  "--database=:memory:"});
  EXPECT_EQ(server.ReadOutput(), "");
  EXPECT_NE(server.ReadErrors().find("journal_mode = memory"),
            std::string::npos);
  EXPECT_EQ(server.Wait(), 1);
}

TEST_P(SqliteServiceTest, ADamagedPageEndsNoServer) {
  Start({"--nosurvives_power_failure"});
  {
    LineClient ann = Connect();
    const std::string text(1000, 'x');
    for (int i = 0; i < 200; ++i) {
      ASSERT_EQ(ann.Ask("PUT " + std::to_string(1000 + i) + " " + text), "OK");
    }
  }
  EndWell();
  {
    // All but the first two pages, which hold the schema and the root.
    const auto size = std::filesystem::file_size(path());
    ASSERT_GT(size, 3 * 4096U);
    std::fstream file(path(), std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(2 * 4096);
    file << std::string(size - 2 * std::size_t{4096}, '\x5a');
  }
  Start();
  LineClient ann = Connect();
  EXPECT_EQ(ann.Ask("GET 1100"), "ERR the database is damaged");
  EXPECT_EQ(ann.Ask("ADD 1100 1"), "ERR the database is damaged");
  EXPECT_EQ(ann.Ask("DANCE wildly"), "ERR there is no DANCE");
  EndWell({&ann});
}

TEST_P(SqliteServiceTest, AnEndlessLineIsToldAndLeft) {
  Start();
  LineClient eve = Connect();
  ASSERT_TRUE(eve.Send(std::string(5000, 'x')));
  EXPECT_EQ(eve.Hear(), "ERR that line is too long");
  EXPECT_EQ(eve.Hear(), "");
  EndWell({&eve});
}

TEST_P(SqliteServiceTest, WhoSaysNothingIsLeft) {
  Start({"--idle_timeout=50ms"});
  LineClient ann = Connect();
  EXPECT_EQ(ann.Hear(), "");
  EndWell({&ann});
}

TEST_P(SqliteServiceTest, MoreThanMayComeWait) {
  Start({"--max_clients=1"});
  LineClient ann = Connect();
  LineClient bob = Connect();
  ASSERT_TRUE(bob.Say("GET a"));
  EXPECT_EQ(ann.Ask("PUT a 1"), "OK");
  ASSERT_TRUE(ann.Say("QUIT"));
  EXPECT_EQ(ann.Hear(), "");
  ann.connection().Reset();
  EXPECT_EQ(bob.Hear(), "VALUE 1");
  EndWell({&bob});
}

TEST_P(SqliteServiceTest, WhatWasBegunIsAnsweredAtTheEnd) {
  Start();
  LineClient ann = Connect();
  std::string many;
  for (int i = 0; i < 50; ++i) many += "ADD sum 1\n";
  ASSERT_TRUE(ann.Send(many));
  EXPECT_EQ(ann.Hear(), "VALUE 1");
  EndWell({&ann});
  int last = 1;
  for (std::string line = ann.Hear(); !line.empty(); line = ann.Hear()) {
    EXPECT_EQ(line, "VALUE " + std::to_string(++last));
  }
  // Nothing was done that was not told.
  Start();
  EXPECT_EQ(Connect().Ask("GET sum"), "VALUE " + std::to_string(last));
  EndWell({&ann});
}

}  // namespace
}  // namespace eddy::testing_examples
