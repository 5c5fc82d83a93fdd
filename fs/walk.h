// Walk: everything below a folder, one by one.
//
//   auto walk = fs::Walk("/srv/www");
//   while (auto next = co_await walk.Next()) {
//     EDDY_CO_TRY(const fs::WalkEntry entry, *std::move(next));
//     if (entry.error) {
//       Report(entry.path, *entry.error);   // the walk goes on
//     } else if (entry.type == fs::FileType::kRegular) {
//       EDDY_CO_TRY(const fs::File file, co_await entry.Open());
//       ...
//     }
//   }
//
// Result: each name below the root, a folder's beside each other but for what
// is below them, which comes directly after (or before) the folder that it is
// in. The root itself is not given. Names are bytes, not UTF-8. What is made,
// removed or moved meanwhile may be given or not, and a folder that is moved
// meanwhile twice; nothing is followed out of the tree but with follow_links.
//
// Paths may be longer than what the kernel takes (4096 bytes), and others may
// put links into them: open an entry by WalkEntry::Open, or by its parent and
// its name.
//
// Errors: what cannot be read has an entry with `error`, and the walk goes on:
// a folder that cannot be opened or read (EACCES, EIO, EMFILE; ENOENT or
// ENOTDIR where it has gone or become something else meanwhile), beside the
// entry of the folder itself; a loop (ELOOP); an entry whose type cannot be
// told. The elements themselves are errors where the root cannot be opened or
// read, after which the stream ends, and EAGAIN, EMFILE as of Blocking,
// likewise; kCanceled, after which it goes on.
//
// Stop: a stop point where more has to be read. Nothing is lost: the next
// Next() goes on. What a thread has begun to read is given first; it is for 2
// milliseconds, or for one folder where that takes longer.
//
// Lifetime: takes the path by value. A Directory lives until the call returns,
// which duplicates its descriptor. An exception of the filter comes out of
// Next() and ends the walk.
//
// Cost: a trip to the blocking pool for up to 512 entries of up to 32 folders,
// and there an openat, a close and two getdents64 for each folder: io_uring has
// no operation for the latter. Holds up to 64 descriptors (one more for a
// Directory), besides those of the entries that the caller keeps, and memory
// for those 512 entries and for some 64 KiB of names for each level of the
// tree; where the tree is deeper than 32 levels, and with `sorted`, for all
// names of the folder. Heap: each entry's path, and two blocks for each folder.
#ifndef EDDY_FS_WALK_H_
#define EDDY_FS_WALK_H_

#include <eddy/fs/directory.h>
#include <eddy/fs/file.h>
#include <eddy/fs/file_info.h>
#include <eddy/runtime/error.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/stream.h>
#include <eddy/runtime/task.h>

#include <cstddef>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>

namespace eddy::fs {

struct WalkEntry {
  // Below the root: "a/b".
  std::string path;
  // With follow_links that of what the link leads to; a link that leads nowhere
  // or in a circle stays a link.
  FileType type = FileType::kUnknown;
  // 1 for what the root holds.
  std::size_t depth = 0;
  // The open folder that holds the entry, which stays open as long as somebody
  // has it. Null where there is an error.
  std::shared_ptr<const Directory> parent;
  std::optional<Error> error;

  // The last part of the path.
  const char* name() const noexcept {
    const std::size_t slash = path.rfind('/');
    return path.c_str() + (slash == std::string::npos ? 0 : slash + 1);
  }

  // Opens the entry, in its parent. It may have become something else since it
  // was found: a link is not followed (ELOOP), also with follow_links, and the
  // other end of a FIFO not waited for; File::Stat tells what was opened.
  // Errors: as Directory::OpenFile; `error`, where there is one.
  // Lifetime: the entry lives until the await returns.
  // Cost: an operation and a system call (fcntl).
  Task<Result<File>> Open(OpenOptions open_options = {}) const;
};

enum class WalkOrder {
  kParentsFirst,
  kParentsLast,  // as removing them needs it
};

struct WalkOptions {
  WalkOrder order = WalkOrder::kParentsFirst;
  // The names of each folder in the order of their bytes; else as they come.
  bool sorted = false;
  // Goes into the folders that links lead to. A folder that is met again below
  // itself is ELOOP; one that is met elsewhere is given again.
  bool follow_links = false;
  // Does not go into folders of another file system than the root's.
  bool one_file_system = false;
  // At least 1: only what the root holds.
  std::size_t max_depth = std::numeric_limits<std::size_t>::max();
  // Where it gives false, the entry is left out, with all below it. It is
  // called on a thread of the blocking pool, while Next() waits.
  std::function<bool(const WalkEntry&)> filter;
};

Stream<Result<WalkEntry>> Walk(std::string root, WalkOptions options = {});
Stream<Result<WalkEntry>> Walk(const Directory& root, WalkOptions options = {});

}  // namespace eddy::fs

#endif  // EDDY_FS_WALK_H_
