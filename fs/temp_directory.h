// TempDirectory: a folder that goes with its contents.
//
//   EDDY_CO_TRY(fs::TempDirectory dir, co_await fs::TempDirectory::Create());
//   EDDY_CO_CHECK(co_await fs::WriteFile(dir.path() + "/page", page));
//   ...
//   EDDY_CO_CHECK(co_await dir.Remove());
//
// Nobody else may enter it: its mode is 0700.
//
// `co_await dir.Remove()` removes it and tells whether that failed. Destroying
// it removes it too, but can tell nobody of errors: on a running reactor a task
// of the reactor's scope does it, which the reactor awaits before it ends, also
// where it is stopped; elsewhere the destructor itself, which needs /proc.
//
// It is the folder that was made that is removed, also where its parent is
// renamed or replaced meanwhile. In a forked child the destructor removes
// nothing.
#ifndef EDDY_FS_TEMP_DIRECTORY_H_
#define EDDY_FS_TEMP_DIRECTORY_H_

#include <eddy/fs/directory.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>

#include <sys/types.h>

#include <string>
#include <utility>

namespace eddy::fs {

class TempDirectory {
 public:
  // A new folder in `parent`; where that is empty, in the folder that the
  // environment's TMPDIR names, or /tmp. Its name is `prefix` and 16 digits.
  // Errors: as MakeDirectory, such as ENOENT, EACCES, ENOSPC; EMFILE; EINVAL
  // for a prefix with a slash; kCanceled.
  // Stop: after kCanceled nothing was made (see io::MakeDirectoryAt).
  // Cost: two operations, which a kernel worker carries out; a descriptor as
  // long as it lives.
  static Task<Result<TempDirectory>> Create(std::string parent = {},
                                            std::string prefix = "eddy-");

  TempDirectory(TempDirectory&& other) noexcept
      : parent_(std::move(other.parent_)),
        path_(std::exchange(other.path_, {})),
        process_(other.process_) {}
  TempDirectory& operator=(TempDirectory&& other) noexcept {
    if (this != &other) {
      RemoveInBackground();
      parent_ = std::move(other.parent_);
      process_ = other.process_;
      path_ = std::exchange(other.path_, {});
    }
    return *this;
  }
  ~TempDirectory() { RemoveInBackground(); }

  // What it had at first. Empty after Release or a successful Remove.
  const std::string& path() const noexcept { return path_; }

  // Removes the folder with its contents. See RemoveTree.
  // Stop: after kCanceled, or an error, a part may be gone, and the destructor
  // will try again.
  Task<Result<void>> Remove();

  // Gives up the folder without removing it.
  std::string Release() noexcept {
    parent_ = {};
    return std::exchange(path_, {});
  }

 private:
  TempDirectory(Directory parent, std::string path) noexcept;
  std::string Name() const;
  void RemoveInBackground() noexcept;

  Directory parent_;
  std::string path_;
  pid_t process_;  // that has made it
};

}  // namespace eddy::fs

#endif  // EDDY_FS_TEMP_DIRECTORY_H_
