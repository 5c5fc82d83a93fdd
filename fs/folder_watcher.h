// FolderWatcher: what is behind Watch.
//
// What happens: events are read from inotify a buffer at a time, and handled
// one by one; handling one gives none, one, or many events to the user. A
// folder that is new is scanned on the blocking pool, a slice at a time, before
// the next event is handled: each folder in it is watched, and then read, so
// that what is made in it meanwhile is either found or comes as an event, or
// both.
//
// Invariants:
//  1. Each step either is done or, where it fails or is stopped, has changed
//     nothing, and is done again by the next Next.
//  2. The tree is as the events that were handled tell, or newer. Where it is
//     newer, events that a name was made that is known already are left out:
//     `reported_` has what a scan has reported, as long as there may be such
//     events. What was moved there may have replaced what was reported, and is
//     looked at again.
//  3. wds of folders that are not known are ignored: what was moved out of the
//     tree, until the kernel has been told.
#ifndef EDDY_FS_FOLDER_WATCHER_H_
#define EDDY_FS_FOLDER_WATCHER_H_

#include <eddy/fs/walker.h>
#include <eddy/fs/watch.h>
#include <eddy/fs/watched_folders.h>
#include <eddy/io/fd.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>
#include <eddy/runtime/time.h>

#include <sys/types.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace eddy::fs::internal {

class FolderWatcher {
 public:
  explicit FolderWatcher(const WatchOptions& options) : options_(options) {}
  ~FolderWatcher();
  FolderWatcher(const FolderWatcher&) = delete;
  FolderWatcher& operator=(const FolderWatcher&) = delete;

  Task<Result<void>> Open(std::string path);
  Task<Result<WatchEvent>> Next();

 private:
  // As the kernel gives it.
  struct RawEvent {
    int wd = 0;
    std::uint32_t mask = 0;
    std::uint32_t cookie = 0;
    std::string name;
    TimePoint read;
  };
  enum class Report { kNothing, kWhatIsThere };

  Result<int> AddWatch(int folder) const;
  Task<Result<io::Fd>> OpenFolder(const std::string& path) const;
  Task<Result<int>> WhoMoved(const RawEvent& from);

  // Each is one step of Next.
  Task<Result<void>> ReadEvents();
  Task<Result<void>> HandleEvent();
  Task<Result<void>> HandleMovedFrom(const RawEvent& event);
  Task<Result<void>> ScanOn();
  Task<Result<void>> RemoveWatches();

  void KeepEvents(std::span<const std::byte> bytes);
  Task<Result<void>> HandleCreated(const RawEvent& event);
  Task<Result<void>> HandleOverflow();
  Task<Result<void>> HandleMoved(const RawEvent& from, const RawEvent& to);
  void HandleOfRoot(const RawEvent& event);
  void BeginScan(io::Fd folder, std::string path, Report report);
  void EndScan();
  void Give(WatchChange change, const RawEvent& event);
  void GiveNotWatched(std::string path, Error error);
  void GiveRootGone();
  std::size_t Queued() const;
  std::string PathOf(const RawEvent& event) const;

  const WatchOptions options_;
  io::Fd inotify_;
  std::string root_path_;
  std::pair<dev_t, ino_t> root_identity_;
  WatchedFolders folders_;
  // Whose watches are to be removed, unless they are known again.
  std::vector<int> gone_;
  bool ended_ = false;

  // What the user gets next, and what the kernel has told.
  std::deque<WatchEvent> ready_;
  std::deque<RawEvent> events_;

  std::unique_ptr<Walker> scan_;
  io::Fd scan_folder_;
  std::string scan_path_;
  Report scan_report_ = Report::kNothing;
  bool overflowed_ = false;
  // By the scan, on a thread of the pool: watches and where they belong.
  std::vector<std::pair<int, std::string>> placed_;
  std::set<std::pair<int, std::string>> reported_;
  // Bytes in the kernel's queue when the last scan ended that are to be read.
  std::size_t before_scan_ended_ = 0;

  alignas(8) std::array<std::byte, 16 * 1024> buffer_;
};

}  // namespace eddy::fs::internal

#endif  // EDDY_FS_FOLDER_WATCHER_H_
