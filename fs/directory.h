// Directory: an open folder, and what is beneath it.
//
//   EDDY_CO_TRY(const fs::Directory site, co_await fs::Directory::Open("www"));
//   Result<fs::File> file = co_await site.OpenFile(path_from_a_client);
//
// The safe way to serve a folder: OpenFile, OpenDirectory and Stat find what is
// beneath the folder and nothing else. A path that leads out, by "..", by a
// symbolic link or because it is absolute, gives EXDEV; links that stay
// beneath are followed. The kernel sees to it while it resolves the path
// (RESOLVE_BENEATH), so nobody who renames or replaces links meanwhile gets
// past it. The links of /proc to open files and processes give ELOOP.
//
// An open folder stays the same where it is renamed or moved.
#ifndef EDDY_FS_DIRECTORY_H_
#define EDDY_FS_DIRECTORY_H_

#include <eddy/fs/file.h>
#include <eddy/fs/rename.h>
#include <eddy/io/close.h>
#include <eddy/io/fd.h>
#include <eddy/io/open_at.h>
#include <eddy/io/sync.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>

#include <sys/types.h>

#include <string>
#include <utility>

namespace eddy::fs {

class Directory {
 public:
  // No folder.
  Directory() noexcept = default;
  // Takes over an open folder. One that was opened with O_PATH does for all but
  // Sync.
  explicit Directory(io::Fd fd) noexcept : fd_(std::move(fd)) {}

  // Any folder, by a path that is not confined.
  // Errors: those of open(2), such as ENOENT, ENOTDIR, EACCES, EMFILE; EINVAL
  // for a path with a zero byte; kCanceled.
  static Task<Result<Directory>> Open(std::string path);

  // What `path`, relative to this folder, names.
  //
  // Errors: as Open, and EXDEV, ELOOP as above; EAGAIN where renames elsewhere
  // made the kernel give up on a path with ".." again and again. OpenFile also
  // EISDIR (for writing), and ENXIO where nobody reads a FIFO that is to be
  // written. It does not wait for the other end of a FIFO; whether it is a
  // regular file Stat tells.
  // Stop: after kCanceled nothing is open; with `create` the file may have been
  // made.
  // Where a file has a lease (fcntl(2), F_SETLEASE) OpenFile gives EAGAIN too.
  // Lifetime: the folder lives until the await returns.
  // Cost: one operation, one more for each EAGAIN; for the worker see
  // io::OpenAt. OpenFile makes a system call (fcntl), Stat a second operation.
  Task<Result<File>> OpenFile(std::string path, OpenOptions options = {}) const;
  Task<Result<Directory>> OpenDirectory(std::string path) const;
  // With `follow` = false a symbolic link at the end of the path is what is
  // told of.
  Task<Result<FileInfo>> Stat(std::string path, bool follow = true) const;

  // Change one name in this folder itself. The kernel has no way to confine
  // such a path, so each takes a single name.
  //
  // Errors: as io::MakeDirectoryAt, io::UnlinkAt, io::RenameAt, io::LinkAt and
  // io::SymlinkAt; EINVAL for what is no single name: one with a slash, "", "."
  // and "..".
  // Stop: after kCanceled nothing has changed (see there).
  // Lifetime: the folders live until the await returns.
  // Cost: one operation, which a kernel worker carries out.
  Task<Result<void>> MakeDirectory(std::string name, mode_t mode = 0777) const;
  Task<Result<void>> Unlink(std::string name) const;
  Task<Result<void>> RemoveDirectory(std::string name) const;
  Task<Result<void>> Rename(std::string name, const Directory& to,
                            std::string to_name,
                            RenameMode mode = RenameMode::kReplace) const;
  // A symbolic link is linked itself.
  Task<Result<void>> Link(std::string name, const Directory& to,
                          std::string to_name) const;
  // `target` may be anything, also what leads out.
  Task<Result<void>> Symlink(std::string target, std::string name) const;

  // The text of a link, of a single name as above. See fs::ReadLink.
  Task<Result<std::string>> ReadLink(std::string name) const;

  // Names that were made, removed or renamed in this folder are durable
  // afterwards. See io::Sync.
  io::Sync Sync() const noexcept { return io::Sync(fd_); }

  // The same open folder with a descriptor of its own. Errors: EMFILE. Cost: a
  // system call, which does not block.
  Result<Directory> Duplicate() const;

  // See io::Close. The folder is empty from the call on.
  io::Close Close() noexcept { return fd_.Close(); }

  const io::Fd& fd() const noexcept { return fd_; }

 private:
  Task<Result<io::Fd>> OpenBeneath(const std::string& path,
                                   io::OpenHow how) const;

  io::Fd fd_;
};

}  // namespace eddy::fs

#endif  // EDDY_FS_DIRECTORY_H_
