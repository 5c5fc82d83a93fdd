#include <eddy/fs/remove_tree.h>

#include <eddy/fs/directory_batch.h>
#include <eddy/fs/path_parts.h>
#include <eddy/fs/pool_call.h>
#include <eddy/fs/temporary_name.h>
#include <eddy/io/open_at.h>
#include <eddy/runtime/blocking.h>
#include <eddy/runtime/task_scope.h>

#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <utility>
#include <vector>

namespace eddy::fs {
namespace {

// How far down a task goes, with a descriptor for each level, before it moves
// folders up.
constexpr unsigned kMostDepth = 32;

// The name of the uppermost folder is another's now.
const Error kReplaced = Error::FromErrno(ESTALE);

// Others may add something after the entries were read, again and again.
constexpr int kMostIdlePasses = 16;

Error LastError() { return Error::FromErrno(errno); }

// A folder of the tree that is being emptied. Its functions block.
class Folder {
 public:
  Folder(int parent, std::string name, bool uppermost)
      : parent_(parent),
        name_(std::move(name)),
        uppermost_(uppermost),
        seen_(!uppermost) {}
  ~Folder() { Close(); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  // Removes what is no folder, of a batch of entries; the folder itself where
  // nothing is left.
  void Step();
  // Whether there is nothing more to do: it is gone, or what is left in it
  // cannot be removed.
  bool ended() const noexcept { return ended_; }
  // False where something is left.
  bool complete() const noexcept { return complete_; }
  // Something in it is left. It is read to its end all the same.
  void Keep() noexcept { complete_ = false; }
  // The first error since the last call.
  std::optional<Error> TakeError() noexcept {
    return std::exchange(error_, std::nullopt);
  }
  // Entries of the last batch that are folders. REQUIRES: removed, moved away
  // or kept, before the next Step.
  std::vector<std::string> TakeFolders() { return std::exchange(folders_, {}); }

  // Moves folders in it to another one. Gives those that cannot be: not all
  // file systems move all folders.
  std::vector<std::string> Move(std::vector<std::string> names, int to) const;

  int fd() const noexcept { return fd_; }

 private:
  void Open();
  void RemoveFiles();
  void RemoveItself();
  // Whether the name is still that of what was opened.
  bool IsTheSame(const struct stat& info) const noexcept {
    return info.st_dev == device_ && info.st_ino == inode_;
  }
  void Failed(Error error) noexcept {
    complete_ = false;
    if (!error_) error_ = error;
  }
  void GiveUp(Error error) noexcept {
    Failed(error);
    ended_ = true;
  }
  void Gone() noexcept {
    ended_ = true;
    Close();
  }
  void Close() noexcept {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

  const int parent_;
  const std::string name_;
  // Only what it was at first is emptied: who has put something else in its
  // place did not ask for that to go. (Further down, all is to go.)
  const bool uppermost_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
  // Whether it was there, so that now others may have removed it.
  bool seen_;
  int fd_ = -1;
  internal::DirectoryBatch batch_;
  std::vector<std::string> folders_;
  // Since its entries were read from the first on.
  bool removed_any_ = false;
  // How often in a row nothing was seen that could be removed, but something
  // was left.
  int idle_passes_ = 0;
  bool ended_ = false;
  bool complete_ = true;
  std::optional<Error> error_;
};

void Folder::Step() {
  if (fd_ < 0) Open();
  // (What has taken its name may be open, and is not to be emptied.)
  if (ended_ || fd_ < 0) return;
  if (!batch_.ended()) RemoveFiles();
  if (ended_ || !batch_.ended() || !folders_.empty()) return;
  if (complete_) {
    RemoveItself();
  } else {
    ended_ = true;
  }
}

// Leaves it neither open nor ended where a folder has taken the place of a file
// or a link meanwhile.
void Folder::Open() {
  open_how how{};
  how.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  how.resolve = uppermost_ ? 0 : RESOLVE_NO_XDEV;
  fd_ = static_cast<int>(
      syscall(SYS_openat2, parent_, name_.c_str(), &how, sizeof how));
  if (fd_ >= 0) {
    if (!uppermost_) return;
    struct stat info;
    if (fstat(fd_, &info) != 0) return GiveUp(LastError());
    if (seen_ && !IsTheSame(info)) return GiveUp(kReplaced);
    device_ = info.st_dev;
    inode_ = info.st_ino;
    seen_ = true;
    return;
  }
  const int error = errno;
  if (error == ENOENT && seen_) return Gone();
  int flags = 0;
  if (error == EACCES) {
    // One that is empty need not be read.
    flags = AT_REMOVEDIR;
  } else if (error != ENOTDIR && error != ELOOP) {
    return GiveUp(Error::FromErrno(error));
  } else if (uppermost_ && seen_) {
    return GiveUp(kReplaced);
  }
  // A file or a link; perhaps one that has replaced a folder.
  if (unlinkat(parent_, name_.c_str(), flags) == 0) return Gone();
  if (errno == ENOENT && seen_) return Gone();
  if (flags != 0) return GiveUp(Error::FromErrno(error));
  if (errno != EISDIR || ++idle_passes_ > kMostIdlePasses) GiveUp(LastError());
}

void Folder::RemoveFiles() {
  if (Result<void> filled = batch_.Fill(fd_); !filled) {
    // Others may have removed the folder since it was opened.
    if (filled.error() == std::errc::no_such_file_or_directory) return Gone();
    GiveUp(filled.error());
  }
  internal::DirectoryBatch::Entry entry;
  while (batch_.Take(entry)) {
    if (entry.type == FileType::kDirectory) {
      folders_.emplace_back(entry.name);
    } else if (unlinkat(fd_, entry.name, 0) == 0) {
      removed_any_ = true;
    } else if (errno == EISDIR) {
      folders_.emplace_back(entry.name);
    } else if (errno != ENOENT) {
      Failed(LastError());
    }
  }
  removed_any_ = removed_any_ || !folders_.empty();
}

void Folder::RemoveItself() {
  struct stat info;
  if (uppermost_ &&
      fstatat(parent_, name_.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 &&
      !IsTheSame(info)) {
    return GiveUp(kReplaced);
  }
  if (unlinkat(parent_, name_.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT) {
    return Gone();
  }
  idle_passes_ = removed_any_ ? 0 : idle_passes_ + 1;
  // Something was added or moved here, or has taken the folder's name, or the
  // file system has left out entries while others were removed.
  const bool has_more =
      errno == ENOTEMPTY || errno == EEXIST || errno == ENOTDIR;
  if (!has_more || idle_passes_ > kMostIdlePasses) return GiveUp(LastError());
  Close();
  batch_ = {};
  removed_any_ = false;
}

std::vector<std::string> Folder::Move(std::vector<std::string> names,
                                      int to) const {
  std::erase_if(names, [&](const std::string& name) {
    const std::string new_name = NewTemporaryName();
    return renameat2(fd_, name.c_str(), to, new_name.c_str(),
                     RENAME_NOREPLACE) == 0 ||
           errno == ENOENT;
  });
  return names;
}

class Remover {
 public:
  explicit Remover(RemoveTreeOptions options)
      : may_start_(options.parallel == 0 ? 0 : options.parallel - 1) {}

  Task<Result<void>> Run(int parent, std::string name) {
    static_cast<void>(co_await Remove(parent, std::move(name), 0));
    if (first_error_) co_return Unexpected(*first_error_);
    co_return Result<void>();
  }

 private:
  // False where something is left.
  Task<bool> Remove(int parent, std::string name, unsigned depth);
  Task<bool> RemoveFolders(Folder& folder, std::vector<std::string> names,
                           unsigned depth);

  void Failed(Error error) {
    if (!first_error_) first_error_ = error;
  }

  // Further folders that may be worked on now.
  unsigned may_start_;
  int uppermost_ = -1;
  std::optional<Error> first_error_;
};

Task<bool> Remover::Remove(int parent, std::string name, unsigned depth) {
  Folder folder(parent, std::move(name), depth == 0);
  while (!folder.ended()) {
    const Result<void> ran = co_await Blocking(&Folder::Step, &folder);
    if (!ran) {
      Failed(ran.error());
      co_return false;
    }
    if (const auto error = folder.TakeError()) Failed(*error);
    if (depth == 0) uppermost_ = folder.fd();
    std::vector<std::string> folders = folder.TakeFolders();
    if (!folders.empty() && depth >= kMostDepth) {
      Result<std::vector<std::string>> rest = co_await Blocking(
          &Folder::Move, &folder, std::move(folders), int{uppermost_});
      if (!rest) {
        Failed(rest.error());
        co_return false;
      }
      folders = *std::move(rest);
    }
    if (folders.empty()) continue;
    const bool all =
        co_await RemoveFolders(folder, std::move(folders), depth + 1);
    if (!all) folder.Keep();
  }
  co_return folder.complete();
}

Task<bool> Remover::RemoveFolders(Folder& folder,
                                  std::vector<std::string> names,
                                  unsigned depth) {
  bool complete = true;
  const auto remove = [&](const std::string& name) -> Task<void> {
    const bool all = co_await Remove(folder.fd(), name, depth);
    complete = complete && all;
  };
  const auto remove_beside = [&](const std::string* name) -> Task<void> {
    co_await remove(*name);
    ++may_start_;
  };
  const auto body = [&](TaskScope& scope) -> Task<void> {
    for (const std::string& name : names) {
      if (may_start_ > 0 && &name != &names.back()) {
        --may_start_;
        scope.Spawn(remove_beside, &name);
      } else {
        co_await remove(name);
      }
    }
  };
  const Result<void> all = co_await WithScope(body);
  // (Its tasks give no errors, but a stop from above may have cut them short.)
  if (!all) Failed(all.error());
  co_return complete&& all;
}

}  // namespace

Task<Result<void>> RemoveTree(std::string path, RemoveTreeOptions options) {
  path.erase(path.find_last_not_of('/') + 1);
  internal::SplitPath split = internal::Split(path);
  if (!internal::IsSingleName(split.name)) {
    co_return Unexpected(std::errc::invalid_argument);
  }
  // Once: the path may lead elsewhere while the tree is removed.
  io::OpenHow how;
  how.flags = O_PATH | O_DIRECTORY;
  EDDY_CO_TRY(io::Fd fd, co_await io::OpenAt(io::Fd::CurrentDirectory(),
                                             split.folder, how));
  const Directory parent(std::move(fd));
  co_return co_await RemoveTree(parent, std::move(split.name), options);
}

Task<Result<void>> RemoveTree(const Directory& directory, std::string name,
                              RemoveTreeOptions options) {
  if (!internal::IsSingleName(name)) {
    co_return Unexpected(std::errc::invalid_argument);
  }
  const internal::FdPin pin(directory.fd());
  Remover remover(options);
  co_return co_await remover.Run(directory.fd().get(), std::move(name));
}

}  // namespace eddy::fs
