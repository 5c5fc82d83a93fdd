// The operations on names, each with a folder that it works in, for the
// operation contract and for rings that lack them.
#ifndef EDDY_TESTS_IO_NAME_VERBS_H_
#define EDDY_TESTS_IO_NAME_VERBS_H_

#include "tests/io/operation_contract.h"

#include <eddy/io/link_at.h>
#include <eddy/io/make_directory_at.h>
#include <eddy/io/rename_at.h>
#include <eddy/io/symlink_at.h>
#include <eddy/io/unlink_at.h>

#include <filesystem>
#include <string>

namespace eddy::io_test {

class NameVerb : public Verb {
 public:
  const io::Fd& fd() const final { return folder_; }

 protected:
  NameVerb() { Store(dir_ / "file", "contents"); }

  static bool Exists(const std::string& path) {
    struct stat info;
    return lstat(path.c_str(), &info) == 0;
  }
  std::string Path(std::string_view name) const { return dir_ / name; }

 private:
  TempDir dir_;
  io::Fd folder_{IO_TEST_CHECK(open(dir_.path().c_str(), O_PATH | O_CLOEXEC))};
};

class RenameAtVerb final : public NameVerb {
 public:
  Task<Result<void>> RunOn(const io::Fd& fd) override {
    co_return co_await io::RenameAt(fd, "file", fd, "renamed");
  }
  void ExpectDone() override {
    EXPECT_FALSE(Exists(Path("file")));
    EXPECT_EQ(Load(Path("renamed")), "contents");
  }
  void ExpectNoTrace() override {
    EXPECT_EQ(Load(Path("file")), "contents");
    EXPECT_FALSE(Exists(Path("renamed")));
  }
};

class UnlinkAtVerb final : public NameVerb {
 public:
  Task<Result<void>> RunOn(const io::Fd& fd) override {
    co_return co_await io::UnlinkAt(fd, "file");
  }
  void ExpectDone() override { EXPECT_FALSE(Exists(Path("file"))); }
  void ExpectNoTrace() override { EXPECT_EQ(Load(Path("file")), "contents"); }
};

class MakeDirectoryAtVerb final : public NameVerb {
 public:
  Task<Result<void>> RunOn(const io::Fd& fd) override {
    co_return co_await io::MakeDirectoryAt(fd, "folder");
  }
  void ExpectDone() override {
    EXPECT_TRUE(std::filesystem::is_directory(Path("folder")));
  }
  void ExpectNoTrace() override { EXPECT_FALSE(Exists(Path("folder"))); }
};

class LinkAtVerb final : public NameVerb {
 public:
  Task<Result<void>> RunOn(const io::Fd& fd) override {
    co_return co_await io::LinkAt(fd, "file", fd, "link");
  }
  void ExpectDone() override {
    EXPECT_EQ(Load(Path("link")), "contents");
    EXPECT_EQ(std::filesystem::hard_link_count(Path("file")), 2U);
  }
  void ExpectNoTrace() override { EXPECT_FALSE(Exists(Path("link"))); }
};

class SymlinkAtVerb final : public NameVerb {
 public:
  Task<Result<void>> RunOn(const io::Fd& fd) override {
    co_return co_await io::SymlinkAt("file", fd, "link");
  }
  void ExpectDone() override {
    EXPECT_EQ(std::filesystem::read_symlink(Path("link")), "file");
  }
  void ExpectNoTrace() override { EXPECT_FALSE(Exists(Path("link"))); }
};

}  // namespace eddy::io_test

#endif  // EDDY_TESTS_IO_NAME_VERBS_H_
