// Walks of an open folder, and opening what a walk finds.
#include "tests/io/io_test_util.h"

#include <eddy/fs/walk.h>
#include <eddy/runtime/stop.h>
#include <eddy/runtime/with_stop.h>

#include <map>
#include <string>
#include <utility>

namespace eddy::fs {
namespace {

using io_test::Store;
using io_test::TempDir;

// Also where the Directory is gone by then.
CO_TEST(WalkOpenTest, WalksAnOpenFolderAfterAStop) {
  const TempDir dir;
  IO_TEST_CHECK(mkdir((dir / "a").c_str(), 0700));
  Store(dir / "a/b", "");
  Result<Directory> folder = co_await Directory::Open(dir.path());
  CO_ASSERT_OK(folder);
  auto walk = Walk(*folder);
  StopSource source;
  source.RequestStop();
  const auto stopped = co_await WithStop(source.token(), walk.Next());
  CO_ASSERT_TRUE(stopped.has_value());
  CO_EXPECT_ERROR(*stopped, kCanceled);
  CO_EXPECT_OK(co_await folder->Close());
  for (const char* path : {"a", "a/b"}) {
    const auto entry = co_await walk.Next();
    CO_ASSERT_TRUE(entry.has_value());
    CO_ASSERT_OK(*entry);
    EXPECT_EQ((*entry)->path, path);
  }
  const auto end = co_await walk.Next();
  EXPECT_FALSE(end.has_value());
  // One that is no folder cannot be walked.
  auto none = Walk(*folder);
  const auto failed = co_await none.Next();
  CO_ASSERT_TRUE(failed.has_value());
  CO_EXPECT_ERROR(*failed, std::errc::bad_file_descriptor);
}

CO_TEST(WalkOpenTest, OpensWhatItFoundAndNothingElse) {
  const TempDir dir;
  for (const char* file : {"file", "fifo", "link"}) Store(dir / file, "text");
  Store(dir / "secret", "");
  WalkOptions options;
  options.sorted = true;
  auto walk = Walk(dir.path(), std::move(options));
  std::map<std::string, WalkEntry> entries;
  while (auto next = co_await walk.Next()) {
    WalkEntry entry = **std::move(next);
    std::string path = entry.path;
    entries.emplace(std::move(path), std::move(entry));
  }
  // They become something else before they are opened.
  for (const char* file : {"fifo", "link"}) {
    IO_TEST_CHECK(unlink((dir / file).c_str()));
  }
  IO_TEST_CHECK(mkfifo((dir / "fifo").c_str(), 0600));
  IO_TEST_CHECK(symlink("secret", (dir / "link").c_str()));
  const Result<File> file = co_await entries.at("file").Open();
  CO_ASSERT_OK(file);
  CO_EXPECT_EQ((co_await file->Size()).value_or(0), 4U);
  CO_EXPECT_ERROR(co_await entries.at("link").Open(),
                  std::errc::too_many_symbolic_link_levels);
  const Result<File> fifo = co_await entries.at("fifo").Open();
  CO_ASSERT_OK(fifo);
  const Result<FileInfo> info = co_await fifo->Stat();
  CO_ASSERT_OK(info);
  EXPECT_FALSE(info->is_regular());
  WalkEntry failed;
  failed.error = std::errc::permission_denied;
  CO_EXPECT_ERROR(co_await failed.Open(), std::errc::permission_denied);
}

}  // namespace
}  // namespace eddy::fs
