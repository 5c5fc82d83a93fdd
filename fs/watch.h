// Watch: what changes in a folder, or below it, as it happens (inotify(7)).
//
//   fs::WatchOptions options;
//   options.recursive = true;
//   EDDY_CO_TRY(fs::Watch watch, co_await fs::Watch::Open("/etc", options));
//   while (true) {
//     EDDY_CO_TRY(const fs::WatchEvent event, co_await watch.Next());
//     if (event.change == fs::WatchChange::kOverflow) ...   // look at all
//     again
//   }
//
// Events come in the kernel's order, from the return of Open on. Several equal
// ones in a row may come as one. An event tells that something has happened: by
// then a name may stand for something else, or for nothing.
//
// Recursive, each folder below is watched too; links are not followed. A folder
// that is made or moved in is watched from then on, and what was in it before
// it was watched is reported as created, and may be once more if it was moved
// in meanwhile; one that is moved within the tree keeps being watched under its
// new path; one that is moved out is watched no more. A folder that cannot be
// watched is reported (kNotWatched).
//
// The kernel keeps what is not asked for, up to fs.inotify.max_queued_events
// (often 16384); when that is full, kOverflow follows what was kept. Next reads
// no more than a buffer ahead, so memory is bounded by the tree: about 200
// bytes for each folder, and the names in a new folder until the events of the
// time when it was read have been given.
//
// Not seen are: changes to a network file system or /proc by others than this
// machine's programs, and writes to mapped files. See inotify(7).
//
// REQUIRES: /proc is mounted. One Next at a time; the Watch lives until it
// returns.
#ifndef EDDY_FS_WATCH_H_
#define EDDY_FS_WATCH_H_

#include <eddy/runtime/error.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>

#include <memory>
#include <string>

namespace eddy::fs {

namespace internal {
class FolderWatcher;
}  // namespace internal

enum class WatchChange {
  kCreated,     // or moved in
  kModified,    // its contents; comes often while it is written
  kWritten,     // closed by somebody who had it open for writing
  kAttributes,  // mode, owner, times, number of links
  kRemoved,     // or moved out
  kMoved,       // within what is watched: from `from` to `path`
  // Events were lost: anything may have changed, and has to be looked at again.
  // All folders are watched again by then, but for those that kNotWatched told
  // of, "" if the folder itself could not be read.
  kOverflow,
  // The folder `path` cannot be watched, for the reason `error`: EACCES,
  // kWatchLimit, EMFILE, ...
  kNotWatched,
  // The last event: the folder itself was removed, or moved to another name, or
  // its file system was unmounted.
  kRootGone,
};

struct WatchEvent {
  WatchChange change = WatchChange::kCreated;
  bool is_directory = false;
  // Below the folder that is watched, such as "a/b"; the folder itself is "".
  std::string path;
  std::string from;
  Error error = kCanceled;
};

struct WatchOptions {
  bool recursive = false;
};

class Watch {
 public:
  // Errors: those of Directory::Open; kWatchLimit and kWatchInstanceLimit,
  // whose messages tell which limit to raise; EMFILE; EAGAIN as of Blocking;
  // kCanceled.
  // Stop: after kCanceled nothing is watched.
  // Cost: an open and a few system calls that do not block. Recursive, as a
  // Walk, and one system call for each folder.
  static Task<Result<Watch>> Open(std::string path, WatchOptions options = {});

  Watch(Watch&&) noexcept;
  Watch& operator=(Watch&&) noexcept;
  // Cost: one operation, by a kernel worker, since the end of an inotify
  // instance may take 10 milliseconds.
  ~Watch();

  // The next event.
  //
  // Errors: kEndOfStream after kRootGone; EAGAIN, EMFILE, ENFILE, ENOMEM where
  // a new folder could not be read yet: Next tries again; kCanceled.
  // Stop: nothing is lost. What was read of the kernel's queue is kept for the
  // next Next.
  // Cost: one operation for as many events as the kernel has, up to 16 KiB; a
  // folder that is new, an open and a Walk of it. A name that has gone from its
  // folder is waited for to turn up elsewhere, until 10 milliseconds after that
  // was read; for a folder with another open.
  Task<Result<WatchEvent>> Next();

 private:
  explicit Watch(std::unique_ptr<internal::FolderWatcher> watcher) noexcept;

  std::unique_ptr<internal::FolderWatcher> watcher_;
};

}  // namespace eddy::fs

#endif  // EDDY_FS_WATCH_H_
