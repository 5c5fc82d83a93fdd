// What the services around SQLite share: its store, also where an exception
// leaves a request in the middle of a transaction.
#include "examples/sqlite_service/store.h"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <limits>
#include <new>
#include <stdexcept>
#include <string>

#include "tests/io/io_test_util.h"
#include "tests/runtime/test_verbs.h"

namespace {

// While it lives, this thread gets no memory of at least so many bytes by new.
// (SQLite's own memory is another matter.)
class NoLargeMemory {
 public:
  explicit NoLargeMemory(std::size_t from) { from_ = from; }
  NoLargeMemory(const NoLargeMemory&) = delete;
  NoLargeMemory& operator=(const NoLargeMemory&) = delete;
  ~NoLargeMemory() { from_ = kNone; }

  static bool Refuses(std::size_t size) { return size >= from_; }

 private:
  static constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();
  static thread_local std::size_t from_;
};
thread_local std::size_t NoLargeMemory::from_ = NoLargeMemory::kNone;

}  // namespace

namespace {
std::atomic<int> synced = 0;
}  // namespace

// SQLite finds these before those of the C library.
extern "C" int fdatasync(int fd) {
  ++synced;
  return static_cast<int>(syscall(SYS_fdatasync, fd));
}
extern "C" int fsync(int fd) {
  ++synced;
  return static_cast<int>(syscall(SYS_fsync, fd));
}

// A sanitizer has its own new and delete, which must not be mixed with these.
#if !EDDY_TEST_ASAN && !EDDY_TEST_TSAN
// The other forms of new and delete call these.
void* operator new(std::size_t size) {
  void* const memory = NoLargeMemory::Refuses(size)
                           ? nullptr
                           : std::malloc(size != 0 ? size : 1);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
#endif

namespace eddy::testing_examples {
namespace {

using io_test::TempDir;
using sqlite_service::StopRequest;
using sqlite_service::Store;
using sqlite_service::StoreOptions;

class SqliteStoreTest : public ::testing::Test {
 protected:
  SqliteStoreTest() {
    options_.path = dir_ / "notes.db";
    options_.busy = std::chrono::nanoseconds(1);
  }

  StoreOptions& options() { return options_; }
  std::string Ask(Store& store, const std::string& request) {
    const StopRequest stop;
    return store.Answer(request, stop);
  }

 private:
  const TempDir dir_;
  StoreOptions options_;
};

TEST_F(SqliteStoreTest, AnExceptionInATransactionLosesNothingLater) {
  if (test::kAsan || test::kTsan) {
    GTEST_SKIP() << "the sanitizer's operator new cannot be made to fail";
  }
  constexpr std::size_t kLarge = 100'000;
  Store store(options());
  Store other(options());
  ASSERT_EQ(Ask(store, "PUT large " + std::string(kLarge, 'x')), "OK\n");
  ASSERT_EQ(Ask(store, "PUT small 1"), "OK\n");
  for (const std::string request : {"ADD large 1", "SWAP small large"}) {
    {
      // What the transaction has read cannot be copied.
      const NoLargeMemory none(kLarge);
      EXPECT_THROW(Ask(store, request), std::bad_alloc) << request;
    }
    // Nobody is locked out, and what is acknowledged others can see.
    EXPECT_EQ(Ask(other, "ADD count 1").rfind("VALUE ", 0), 0U) << request;
    EXPECT_EQ(Ask(store, "PUT after " + request), "OK\n");
    EXPECT_EQ(Ask(other, "GET after"), "VALUE " + request + "\n");
    EXPECT_EQ(Ask(other, "GET small"), "VALUE 1\n");
  }
}

TEST_F(SqliteStoreTest, ARefusalInATransactionLosesNothingLater) {
  Store store(options());
  Store other(options());
  ASSERT_EQ(Ask(store, "PUT word x"), "OK\n");
  for (const std::string request : {"ADD word 1", "SWAP word nothing"}) {
    EXPECT_NE(Ask(store, request), "OK\n");
    EXPECT_EQ(Ask(other, "ADD count 1").rfind("VALUE ", 0), 0U) << request;
    EXPECT_EQ(Ask(store, "PUT after " + request), "OK\n");
    EXPECT_EQ(Ask(other, "GET after"), "VALUE " + request + "\n");
  }
}

TEST_F(SqliteStoreTest, AStoppedTransactionChangesNothing) {
  Store store(options());
  Store other(options());
  StopRequest stop;
  stop.stopped = true;
  ASSERT_EQ(Ask(store, "ADD count 1"), "VALUE 1\n");
  // It may be done before SQLite looks at the stop.
  const std::string answer = store.Answer("ADD count 1", stop);
  const bool done = answer == "VALUE 2\n";
  EXPECT_TRUE(done || answer == "ERR it took too long\n") << answer;
  EXPECT_EQ(Ask(other, "ADD count 1"), done ? "VALUE 3\n" : "VALUE 2\n");
}

// How often the disk is waited for while a change is acknowledged.
int SyncsOf(Store& store) {
  const StopRequest stop;
  // SQLite writes nothing where the text is the same.
  static int text = 0;
  const std::string request = "PUT a " + std::to_string(++text);
  const int before = synced;
  EXPECT_EQ(store.Answer(request, stop), "OK\n");
  return synced - before;
}

TEST_F(SqliteStoreTest, WhatIsAcknowledgedIsOnTheDiskWhereThatIsAskedFor) {
  Store careful(options());
  options().survives_power_failure = false;
  Store quick(options());
  // The first change after the start writes the log's header.
  static_cast<void>(SyncsOf(quick));
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(SyncsOf(careful), 1);
    EXPECT_EQ(SyncsOf(quick), 0);
  }
}

TEST_F(SqliteStoreTest, NeedsAWriteAheadLog) {
  options().path = ":memory:";
  EXPECT_THROW(Store{options()}, std::runtime_error);
}

}  // namespace
}  // namespace eddy::testing_examples
