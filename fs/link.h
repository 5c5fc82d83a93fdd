// Link, Symlink, ReadLink: one more name for a file, links to a path, and what
// those hold.
//
//   EDDY_CO_CHECK(co_await fs::Link("file", "same_file"));
//   EDDY_CO_CHECK(co_await fs::Symlink("releases/7", "current"));
//   EDDY_CO_TRY(const std::string target, co_await fs::ReadLink("current"));
//
// Link of an open File names one that has no name (OpenOptions::temporary), so
// that it appears under its name when it is whole.
//
// Result: nothing, or the text of the link. Durable after Directory::Sync of
// the folder. Nothing is ever replaced.
// Errors: as io::LinkAt, io::SymlinkAt, readlinkat(2): EEXIST, ENOENT, EACCES,
// EXDEV (Link to another file system), EPERM (Link of a folder), EINVAL
// (ReadLink of what is no link; a path with a zero byte); kCanceled. Link of a
// File also ENOENT where the file had a name and lost it.
// Stop: after kCanceled there is no new name (see io::LinkAt).
// Lifetime: takes paths by value; a file lives until the await returns.
// Cost: one operation, which a kernel worker carries out; ReadLink, for which
// io_uring has none, a trip to the blocking pool.
#ifndef EDDY_FS_LINK_H_
#define EDDY_FS_LINK_H_

#include <eddy/fs/file.h>
#include <eddy/io/fd.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>

#include <string>

namespace eddy::fs {

// A symbolic link `from` is linked itself.
Task<Result<void>> Link(std::string from, std::string to);
Task<Result<void>> Link(const File& file, std::string to);

// The link holds `target` as it is: relative to the folder of the link, of
// something that need not exist.
Task<Result<void>> Symlink(std::string target, std::string path);

Task<Result<std::string>> ReadLink(std::string path);

namespace internal {

// `path` is relative to the open folder.
Task<Result<std::string>> ReadLinkAt(const io::Fd& folder, std::string path);

}  // namespace internal

}  // namespace eddy::fs

#endif  // EDDY_FS_LINK_H_
