#include <eddy/fs/directory.h>

#include "tests/io/io_test_util.h"

#include <eddy/runtime/chaos_ring.h>
#include <eddy/runtime/reactor.h>

#include <sys/sysmacros.h>

#include <array>
#include <atomic>
#include <filesystem>
#include <string>
#include <thread>
#include <utility>

#include "tests/io/descriptor_limit.h"
#include "tests/sweeps.h"

namespace eddy::fs {
namespace {

using io_test::Bytes;
using io_test::DescriptorLimit;
using io_test::Load;
using io_test::Store;
using io_test::TempDir;
using io_test::Text;

Task<Result<std::string>> Contents(const File& file) {
  std::array<std::byte, 64> buffer;
  EDDY_CO_TRY(const std::size_t n, co_await file.ReadAllAt(0, buffer));
  co_return Text(std::span(buffer).first(n));
}

Task<Result<std::string>> ReadBeneath(const Directory& folder,
                                      std::string path) {
  EDDY_CO_TRY(const File file, co_await folder.OpenFile(std::move(path)));
  co_return co_await Contents(file);
}

// root/{inside,sub/deep}, beside the secret, with links in and out.
class DirectoryTest : public ::testing::Test {
 protected:
  DirectoryTest() {
    std::filesystem::create_directories(dir_ / "root/sub");
    Store(dir_ / "secret", "secret");
    Store(dir_ / "root/inside", "inside");
    Store(dir_ / "root/sub/deep", "deep");
    for (const auto& [target, link] : {std::pair("inside", "root/link"),
                                       {"../inside", "root/sub/up"},
                                       {"../secret", "root/leak"},
                                       {"..", "root/parent"},
                                       {"/etc", "root/absolute"},
                                       {"sub", "root/folder"}}) {
      std::filesystem::create_symlink(target, dir_ / link);
    }
  }

  Task<Result<Directory>> Root() const {
    return Directory::Open(dir_ / "root");
  }

  const TempDir dir_;
};

CO_TEST_F(DirectoryTest, OpensWhatIsBeneathIt) {
  const Result<Directory> root = co_await Root();
  CO_ASSERT_OK(root);
  EXPECT_EQ(fcntl(root->fd().get(), F_GETFD), FD_CLOEXEC);
  for (const auto& [path, contents] : {std::pair("inside", "inside"),
                                       {"sub/deep", "deep"},
                                       {"./sub/../inside", "inside"},
                                       {"link", "inside"},
                                       {"sub/up", "inside"},
                                       {"folder/deep", "deep"}}) {
    const Result<std::string> got = co_await ReadBeneath(*root, path);
    CO_EXPECT_OK(got) << path;
    CO_EXPECT_EQ(got.value_or(""), contents) << path;
  }
  const Result<Directory> sub = co_await root->OpenDirectory("folder");
  CO_ASSERT_OK(sub);
  CO_EXPECT_EQ((co_await ReadBeneath(*sub, "deep")).value_or(""), "deep");
}

CO_TEST_F(DirectoryTest, LetsNothingLeadOut) {
  const Result<Directory> root = co_await Root();
  CO_ASSERT_OK(root);
  for (const char* path :
       {"../secret", "leak", "parent", "parent/secret", "/etc/passwd",
        "absolute/passwd", "sub/../../secret", "..", "/"}) {
    const auto what = [&] { return ::testing::Message() << path; };
    CO_EXPECT_ERROR(co_await root->OpenFile(path), std::errc::cross_device_link)
        << what();
    CO_EXPECT_ERROR(co_await root->OpenDirectory(path),
                    std::errc::cross_device_link)
        << what();
    CO_EXPECT_ERROR(co_await root->Stat(path), std::errc::cross_device_link)
        << what();
  }
  const Result<Directory> proc = co_await Directory::Open("/proc/self");
  CO_ASSERT_OK(proc);
  CO_EXPECT_ERROR(co_await proc->OpenFile("exe"),
                  std::errc::too_many_symbolic_link_levels);
}

CO_TEST_F(DirectoryTest, MakesFiles) {
  const Result<Directory> root = co_await Root();
  CO_ASSERT_OK(root);
  OpenOptions options = OpenOptions::Rewrite();
  options.append = true;
  options.mode = 0600;
  Result<File> file = co_await root->OpenFile("sub/n\xFFw", options);
  CO_ASSERT_OK(file);
  CO_EXPECT_OK(co_await file->WriteAllAt(0, Bytes("ab")));
  CO_EXPECT_OK(co_await file->WriteAllAt(0, Bytes("c")));
  CO_EXPECT_OK(co_await root->Sync());
  EXPECT_EQ(Load(dir_ / "root/sub/n\xFFw"), "abc");
  EXPECT_EQ(fcntl(file->fd().get(), F_GETFL) & (O_APPEND | O_NONBLOCK),
            O_APPEND);
  // A link that leads out is not made a file at its end either.
  std::filesystem::create_symlink("../new", dir_ / "root/dangling");
  CO_EXPECT_ERROR(co_await root->OpenFile("dangling", options),
                  std::errc::cross_device_link);
  EXPECT_FALSE(std::filesystem::exists(dir_ / "new"));
}

CO_TEST_F(DirectoryTest, TellsOfWhatIsBeneathIt) {
  const Result<Directory> root = co_await Root();
  CO_ASSERT_OK(root);
  const Result<FileInfo> file = co_await root->Stat("sub/deep");
  CO_ASSERT_OK(file);
  EXPECT_TRUE(file->is_regular());
  EXPECT_EQ(file->size, 4U);
  for (const char* path : {".", "sub", "folder"}) {
    const Result<FileInfo> folder = co_await root->Stat(path);
    CO_ASSERT_OK(folder);
    EXPECT_TRUE(folder->is_directory());
  }
}

CO_TEST_F(DirectoryTest, StaysTheSameWhereItIsMoved) {
  const Result<Directory> root = co_await Root();
  CO_ASSERT_OK(root);
  std::filesystem::rename(dir_ / "root", dir_ / "moved");
  CO_EXPECT_EQ((co_await ReadBeneath(*root, "sub/up")).value_or(""), "inside");
}

CO_TEST_F(DirectoryTest, GivesTheErrorsOfTheSystemCall) {
  CO_EXPECT_ERROR(co_await Directory::Open(dir_ / "none"),
                  std::errc::no_such_file_or_directory);
  CO_EXPECT_ERROR(co_await Directory::Open(dir_ / "secret"),
                  std::errc::not_a_directory);
  CO_EXPECT_ERROR(co_await Directory::Open(std::string("/\0tmp", 5)),
                  std::errc::invalid_argument);
  Result<Directory> root = co_await Root();
  CO_ASSERT_OK(root);
  CO_EXPECT_ERROR(co_await root->OpenFile("none"),
                  std::errc::no_such_file_or_directory);
  CO_EXPECT_ERROR(co_await root->OpenFile("inside/x"),
                  std::errc::not_a_directory);
  CO_EXPECT_ERROR(co_await root->OpenDirectory("inside"),
                  std::errc::not_a_directory);
  CO_EXPECT_ERROR(co_await root->OpenFile("sub", OpenOptions::ReadWrite()),
                  std::errc::is_a_directory);
  CO_EXPECT_ERROR(co_await root->Stat(std::string(5000, 'x')),
                  std::errc::filename_too_long);
  OpenOptions neither;
  neither.read = false;
  CO_EXPECT_ERROR(co_await root->OpenFile("inside", neither),
                  std::errc::invalid_argument);
  CO_EXPECT_OK(co_await root->Close());
  CO_EXPECT_ERROR(co_await root->OpenFile("inside"),
                  std::errc::bad_file_descriptor);
}

CO_TEST_F(DirectoryTest, DoesNotWaitForTheOtherEndOfAFifo) {
  IO_TEST_CHECK(mkfifo((dir_ / "root/fifo").c_str(), 0600));
  const Result<Directory> root = co_await Root();
  CO_ASSERT_OK(root);
  Result<File> reader = co_await root->OpenFile("fifo");
  CO_ASSERT_OK(reader);
  CO_EXPECT_OK(co_await reader->Close());
  OpenOptions write;
  write.read = false;
  write.write = true;
  CO_EXPECT_ERROR(co_await root->OpenFile("fifo", write),
                  std::errc::no_such_device_or_address);
}

CO_TEST_F(DirectoryTest, TellsWhereDescriptorsRunOut) {
  EDDY_CO_SKIP_WHERE_DESCRIPTORS_ARE_NEEDED();
  const Result<Directory> root = co_await Root();
  CO_ASSERT_OK(root);
  const DescriptorLimit limit;
  CO_EXPECT_ERROR(co_await root->OpenFile("inside"),
                  std::errc::too_many_files_open);
  CO_EXPECT_ERROR(co_await root->Stat("inside"),
                  std::errc::too_many_files_open);
}

// The kernel gives up on a ".." where a folder is renamed meanwhile.
TEST_F(DirectoryTest, TriesAgainWhereARenameRacedIt) {
  for (const std::uint64_t operation : {2U, 3U}) {
    ChaosOptions chaos;
    chaos.fail_operation = operation;
    chaos.fail_with = std::errc::resource_unavailable_try_again;
    auto ring = ChaosRing::Create({}, chaos);
    ASSERT_OK(ring);
    const auto body = [&]() -> Task<void> {
      const Result<Directory> root = co_await Root();
      CO_ASSERT_OK(root);
      CO_EXPECT_OK(co_await root->OpenDirectory("sub"));
      CO_EXPECT_OK(co_await root->OpenFile("inside"));
    };
    Reactor::CreateOn(*std::move(ring))->Run(body());
  }
}

CO_TEST_F(DirectoryTest, LetsNothingLeadOutWhileLinksAndFoldersChange) {
  const Result<Directory> root = co_await Root();
  CO_ASSERT_OK(root);
  // "turn" is a folder, or a link that leads out; "sub" is here or outside.
  const std::string turn = dir_ / "root/turn";
  const std::string spare = dir_ / "spare";
  std::filesystem::create_directory(turn);
  Store(turn + "/secret", "inside");
  std::filesystem::create_symlink("..", spare);
  std::atomic<bool> ended = false;
  std::thread changes([&] {
    while (!ended) {
      renameat2(AT_FDCWD, turn.c_str(), AT_FDCWD, spare.c_str(),
                RENAME_EXCHANGE);
      rename((dir_ / "root/sub").c_str(), (dir_ / "sub").c_str());
      rename((dir_ / "sub").c_str(), (dir_ / "root/sub").c_str());
    }
  });
  for (int i = 0; i < 3000; ++i) {
    const char* path = i % 2 == 0 ? "turn/secret" : "sub/../secret";
    const Result<std::string> got = co_await ReadBeneath(*root, path);
    EXPECT_EQ(got.value_or("inside"), "inside");
  }
  ended = true;
  changes.join();
}

TEST_F(DirectoryTest, IsCleanStoppedOrFailedAtEveryPoint) {
  const auto scenario = [&]() -> Task<Result<void>> {
    EDDY_CO_TRY(Directory root, co_await Root());
    EDDY_CO_TRY(const Directory sub, co_await root.OpenDirectory("sub"));
    EDDY_CO_TRY(const std::string got, co_await ReadBeneath(sub, "deep"));
    EDDY_CO_TRY(const FileInfo info, co_await root.Stat("sub/deep"));
    if (got.size() != info.size) co_return Unexpected(std::errc::bad_message);
    EDDY_CO_CHECK(co_await root.Sync());
    co_return co_await root.Close();
  };
  test::ExpectCleanSweeps(scenario, {.stops = 12, .failures = 8});
}

}  // namespace
}  // namespace eddy::fs
