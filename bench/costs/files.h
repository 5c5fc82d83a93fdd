// Descriptors and a folder for the benchmarks of single calls.
#ifndef EDDY_BENCH_COSTS_FILES_H_
#define EDDY_BENCH_COSTS_FILES_H_

#include <eddy/fs/directory.h>
#include <eddy/fs/temp_directory.h>
#include <eddy/io/fd.h>

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>

#include "bench/costs/costs.h"

namespace costs {

// What a system call has given.
inline Result<eddy::io::Fd> Checked(int fd) {
  if (fd < 0) return eddy::Unexpected(eddy::Error::FromErrno(errno));
  return eddy::io::Fd(fd);
}
inline Result<eddy::io::Fd> OpenNow(const char* path) {
  return Checked(open(path, O_RDWR | O_CLOEXEC));
}
// A file of 64 KiB without a name, in the page cache.
inline constexpr std::size_t kFileSize = 65536;
inline Result<eddy::io::Fd> MakeFile() {
  const std::string folder = std::filesystem::temp_directory_path();
  Result<eddy::io::Fd> file =
      Checked(open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (!file) return file;
  const std::string text(kFileSize, '\n');
  if (write(file->get(), text.data(), text.size()) < 0) {
    return eddy::Unexpected(eddy::Error::FromErrno(errno));
  }
  lseek(file->get(), 0, SEEK_SET);
  return file;
}

// A folder that is removed in the end, for benchmarks that are its members.
class Folder {
 public:
  Task<Result<void>> SetUp(State& /*state*/) {
    EDDY_CO_TRY(folder_, co_await eddy::fs::TempDirectory::Create());
    EDDY_CO_TRY(directory_,
                co_await eddy::fs::Directory::Open(folder_->path()));
    for (std::size_t i = 0; i < kBatch; ++i) {
      names_[i] = std::to_string(i);
      paths_[i] = Path(names_[i]);
    }
    EDDY_CO_CHECK(Make("a"));
    co_return Result<void>();
  }
  Task<Result<void>> TearDown(State& /*state*/) {
    co_return co_await folder_->Remove();
  }

 protected:
  // An empty file, with a system call that waits.
  Result<void> Make(const std::string& name) const {
    const Result<eddy::io::Fd> file = Checked(
        openat(fd().get(), name.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600));
    if (!file) return eddy::Unexpected(file.error());
    return {};
  }
  // Files of all the names, or none.
  Result<void> MakeAll() const {
    for (const std::string& name : names_) {
      if (Result<void> made = Make(name); !made) return made;
    }
    return {};
  }
  void RemoveAll() const {
    for (const std::string& name : names_) {
      if (unlinkat(fd().get(), name.c_str(), 0) != 0) {
        unlinkat(fd().get(), name.c_str(), AT_REMOVEDIR);
      }
    }
    next_ = 0;
  }
  // One name after the other.
  const std::string& NextName() const {
    return names_[next_++ % names_.size()];
  }
  const std::string& NextPath() const {
    return paths_[next_++ % paths_.size()];
  }
  // Calls that each make one of the names.
  template <class Call>
  Task<Result<void>> OnNewNames(State& state, Call call) {
    const auto remove = [&]() -> Task<Result<void>> {
      RemoveAll();
      co_return Result<void>();
    };
    co_return co_await InBatches(state, remove, call);
  }

  const eddy::io::Fd& fd() const { return directory_.fd(); }
  const eddy::fs::Directory& directory() const { return directory_; }
  // Longer than a short string.
  std::string Path(const std::string& name) const {
    return folder_->path() + "/" + name;
  }

 private:
  std::optional<eddy::fs::TempDirectory> folder_;
  eddy::fs::Directory directory_;
  std::array<std::string, kBatch> names_;
  std::array<std::string, kBatch> paths_;
  mutable std::size_t next_ = 0;
};

}  // namespace costs

#endif  // EDDY_BENCH_COSTS_FILES_H_
