#include <eddy/fs/folder_watcher.h>

#include <eddy/io/open_at.h>
#include <eddy/io/read.h>
#include <eddy/runtime/blocking.h>
#include <eddy/runtime/reactor.h>
#include <eddy/runtime/timeout.h>

#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstring>
#include <span>
#include <string_view>

namespace eddy::fs::internal {
namespace {

constexpr std::uint32_t kMask = IN_CREATE | IN_DELETE | IN_MODIFY |
                                IN_CLOSE_WRITE | IN_ATTRIB | IN_MOVED_FROM |
                                IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF |
                                IN_ONLYDIR | IN_EXCL_UNLINK;
// The kernel queues both halves of a move at once, but not as one.
constexpr Duration kPairWait = std::chrono::milliseconds(10);
constexpr std::size_t kMostAhead = 1024;

constexpr int kOpenFolder = O_RDONLY | O_DIRECTORY;

// A folder of this name is no longer there.
bool HasGone(Error error) {
  return error == std::errc::no_such_file_or_directory ||
         error == std::errc::not_a_directory ||
         error == std::errc::too_many_symbolic_link_levels;
}

// Worth another try.
bool IsTemporary(Error error) {
  return error == kCanceled ||
         error == std::errc::resource_unavailable_try_again ||
         error == std::errc::too_many_files_open ||
         error == std::errc::too_many_files_open_in_system ||
         error == std::errc::not_enough_memory;
}

std::string Join(const std::string& folder, std::string_view below) {
  std::string path = folder;
  if (!path.empty() && !below.empty()) path += '/';
  path += below;
  return path;
}

std::string PathOfDescriptor(int fd) {
  return "/proc/self/fd/" + std::to_string(fd);
}

Result<std::string> CanonicalPath(int fd) {
  std::string path(PATH_MAX, '\0');
  const ssize_t n =
      readlink(PathOfDescriptor(fd).c_str(), path.data(), path.size());
  if (n < 0) return Unexpected(Error::FromErrno(errno));
  path.resize(static_cast<std::size_t>(n));
  return path;
}

Result<io::Fd> MakeInotify() {
  io::Fd fd(inotify_init1(IN_CLOEXEC));
  if (fd.valid()) return fd;
  const int error = errno;
  if (error == EMFILE) {
    // The same for the want of descriptors and of instances.
    const io::Fd other(open("/", O_PATH | O_CLOEXEC));
    if (other.valid()) return Unexpected(kWatchInstanceLimit);
  }
  return Unexpected(Error::FromErrno(error));
}

Result<std::pair<dev_t, ino_t>> IdentityOf(const io::Fd& fd) {
  struct stat info;
  if (fstat(fd.get(), &info) != 0) return Unexpected(Error::FromErrno(errno));
  return std::pair(info.st_dev, info.st_ino);
}

void RemoveAll(int inotify, const std::vector<int>* wds) {
  for (const int wd : *wds) inotify_rm_watch(inotify, wd);
}

}  // namespace

FolderWatcher::~FolderWatcher() {
  Reactor* const reactor = Reactor::Current();
  if (!inotify_.valid() || reactor == nullptr) return;
  const int fd = inotify_.Release();
  // The end of an instance waits for all CPUs: not on the loop's thread.
  reactor->SubmitDetached([fd](io_uring_sqe* sqe) {
    io_uring_prep_close(sqe, fd);
    sqe->flags |= IOSQE_ASYNC;
  });
}

// By its descriptor: whatever happens to the names meanwhile, it is the folder
// that was opened, and its path may be of any length.
Result<int> FolderWatcher::AddWatch(int folder) const {
  const int wd = inotify_add_watch(inotify_.get(),
                                   PathOfDescriptor(folder).c_str(), kMask);
  if (wd >= 0) return wd;
  if (errno == ENOSPC) return Unexpected(kWatchLimit);
  return Unexpected(Error::FromErrno(errno));
}

Task<Result<void>> FolderWatcher::Open(std::string path) {
  EDDY_CO_TRY(inotify_, MakeInotify());
  io::OpenHow how;
  how.flags = kOpenFolder;
  EDDY_CO_TRY(io::Fd root,
              co_await io::OpenAt(io::Fd::CurrentDirectory(), path, how));
  EDDY_CO_TRY(root_path_, CanonicalPath(root.get()));
  EDDY_CO_TRY(root_identity_, IdentityOf(root));
  EDDY_CO_TRY(const int wd, AddWatch(root.get()));
  folders_.Place(wd, "", gone_);
  if (!options_.recursive) co_return Result<void>();
  BeginScan(std::move(root), "", Report::kNothing);
  while (scan_ != nullptr) EDDY_CO_CHECK(co_await ScanOn());
  for (const WatchEvent& event : ready_) {
    if (event.error == kWatchLimit) co_return Unexpected(kWatchLimit);
  }
  co_return Result<void>();
}

Task<Result<WatchEvent>> FolderWatcher::Next() {
  while (ready_.empty()) {
    if (ended_) co_return Unexpected(kEndOfStream);
    Result<void> step;
    if (scan_ != nullptr) {
      step = co_await ScanOn();
    } else if (!gone_.empty()) {
      step = co_await RemoveWatches();
    } else if (!events_.empty()) {
      step = co_await HandleEvent();
    } else {
      step = co_await ReadEvents();
    }
    if (!step) co_return Unexpected(step.error());
  }
  WatchEvent event = std::move(ready_.front());
  ready_.pop_front();
  co_return event;
}

// Errors: kClosed where the root is no longer where it was. (It is opened by
// its name each time: while somebody has it open the kernel does not tell that
// it was removed.)
Task<Result<io::Fd>> FolderWatcher::OpenFolder(const std::string& path) const {
  io::OpenHow how;
  how.flags = kOpenFolder;
  Result<io::Fd> root =
      co_await io::OpenAt(io::Fd::CurrentDirectory(), root_path_, how);
  if (!root) {
    co_return Unexpected(HasGone(root.error()) ? kClosed : root.error());
  }
  io::Fd fd = *std::move(root);
  EDDY_CO_TRY(const auto identity, IdentityOf(fd));
  if (identity != root_identity_) co_return Unexpected(kClosed);
  how.resolve = RESOLVE_NO_SYMLINKS;
  std::string_view rest = path;
  while (!rest.empty()) {
    // As much as the kernel takes.
    std::size_t size = rest.size();
    if (size >= PATH_MAX) size = rest.rfind('/', PATH_MAX - 1);
    const std::string part(rest.substr(0, size));
    rest.remove_prefix(std::min(size + 1, rest.size()));
    EDDY_CO_TRY(io::Fd next, co_await io::OpenAt(fd, part, how));
    fd = std::move(next);
  }
  co_return fd;
}

Task<Result<void>> FolderWatcher::ReadEvents() {
  if (events_.empty() && before_scan_ended_ == 0) reported_.clear();
  EDDY_CO_TRY(const std::size_t size,
              co_await io::Read(inotify_, std::span(buffer_)));
  before_scan_ended_ -= std::min(size, before_scan_ended_);
  KeepEvents(std::span(buffer_).first(size));
  co_return Result<void>();
}

void FolderWatcher::KeepEvents(std::span<const std::byte> bytes) {
  const TimePoint now = Clock::now();
  while (!bytes.empty()) {
    inotify_event head;
    std::memcpy(&head, bytes.data(), sizeof head);
    bytes = bytes.subspan(sizeof head);
    RawEvent event;
    event.wd = head.wd;
    event.mask = head.mask;
    event.cookie = head.cookie;
    event.read = now;
    // Zeros fill it up.
    if (head.len != 0) event.name = reinterpret_cast<const char*>(bytes.data());
    bytes = bytes.subspan(head.len);
    events_.push_back(std::move(event));
  }
}

Task<Result<void>> FolderWatcher::HandleEvent() {
  const RawEvent& event = events_.front();
  const std::uint32_t mask = event.mask;
  const bool is_folder = (mask & IN_ISDIR) != 0;
  if ((mask & IN_Q_OVERFLOW) != 0) {
    EDDY_CO_CHECK(co_await HandleOverflow());
  } else if (!folders_.Contains(event.wd)) {
    // Of a folder that was moved out.
  } else if (event.name.empty()) {
    if (event.wd == folders_.root()) {
      HandleOfRoot(event);
    } else if ((mask & IN_IGNORED) != 0) {
      std::vector<int> below;
      folders_.Remove(event.wd, below);
      // (The kernel has removed the first.)
      gone_.insert(gone_.end(), below.begin() + 1, below.end());
    }
    // What else a folder tells of itself, its parent tells too.
  } else if ((mask & IN_MOVED_FROM) != 0) {
    co_return co_await HandleMovedFrom(event);
  } else if ((mask & (IN_CREATE | IN_MOVED_TO)) != 0) {
    EDDY_CO_CHECK(co_await HandleCreated(event));
  } else if ((mask & IN_DELETE) != 0) {
    reported_.erase({event.wd, event.name});
    Give(WatchChange::kRemoved, event);
    const int folder = folders_.Find(event.wd, event.name);
    if (is_folder && folder != WatchedFolders::kNone) {
      folders_.Remove(folder, gone_);
    }
  } else if ((mask & IN_MODIFY) != 0) {
    Give(WatchChange::kModified, event);
  } else if ((mask & IN_CLOSE_WRITE) != 0) {
    Give(WatchChange::kWritten, event);
  } else if ((mask & IN_ATTRIB) != 0) {
    Give(WatchChange::kAttributes, event);
  }
  events_.pop_front();
  co_return Result<void>();
}

void FolderWatcher::HandleOfRoot(const RawEvent& event) {
  if ((event.mask & IN_ATTRIB) != 0) {
    Give(WatchChange::kAttributes, event);
  } else if ((event.mask &
              (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_IGNORED)) != 0) {
    GiveRootGone();
  }
}

// The event is the first of events_.
Task<Result<void>> FolderWatcher::HandleMovedFrom(const RawEvent& event) {
  const auto other =
      std::find_if(events_.begin() + 1, events_.end(), [&](const RawEvent& e) {
        return (e.mask & IN_MOVED_TO) != 0 && e.cookie == event.cookie;
      });
  if (other == events_.end() && events_.size() < kMostAhead) {
    // What is there is read also where the time is over.
    const TimePoint now = Clock::now();
    const TimePoint until =
        Queued() != 0 ? now + kPairWait : event.read + kPairWait;
    if (now < until) {
      const Result<void> more = co_await WithDeadline(until, ReadEvents());
      // (Then it is looked for again.)
      if (more || more.error() != kTimedOut) co_return more;
    }
  }
  if (other != events_.end() && folders_.Contains(other->wd)) {
    EDDY_CO_CHECK(co_await HandleMoved(event, *other));
    events_.erase(other);
  } else {
    EDDY_CO_TRY(const int folder, co_await WhoMoved(event));
    reported_.erase({event.wd, event.name});
    Give(WatchChange::kRemoved, event);
    if (folder != WatchedFolders::kNone) folders_.Remove(folder, gone_);
  }
  events_.pop_front();
  co_return Result<void>();
}

// The folder that this half of a move takes away; kNone where it is not
// watched. The one that is known by that name may have come there since: the
// two names of an exchange (RENAME_EXCHANGE) change hands before its first half
// is told. Then the one that was there is known elsewhere, or forgotten.
Task<Result<int>> FolderWatcher::WhoMoved(const RawEvent& from) {
  if ((from.mask & IN_ISDIR) == 0) co_return WatchedFolders::kNone;
  const int folder = folders_.Find(from.wd, from.name);
  if (folder == WatchedFolders::kNone) co_return folder;
  const Result<io::Fd> there = co_await OpenFolder(PathOf(from));
  if (!there) {
    if (IsTemporary(there.error())) co_return Unexpected(there.error());
    co_return folder;
  }
  const Result<int> wd = AddWatch(there->get());
  if (!wd) {
    if (IsTemporary(wd.error())) co_return Unexpected(wd.error());
    co_return folder;
  }
  if (!folders_.Contains(*wd)) gone_.push_back(*wd);
  co_return *wd == folder ? WatchedFolders::kNone : folder;
}

Task<Result<void>> FolderWatcher::HandleMoved(const RawEvent& from,
                                              const RawEvent& to) {
  const bool is_folder = (to.mask & IN_ISDIR) != 0;
  const std::string path = PathOf(to);
  int folder = WatchedFolders::kNone;
  if (is_folder) folder = folders_.Find(from.wd, from.name);
  Result<io::Fd> now = io::Fd();
  Result<int> wd = folder;
  if (is_folder && options_.recursive) {
    // By now another one may have the name. Then that one is new here.
    now = co_await OpenFolder(path);
    wd = now ? AddWatch(now->get()) : Unexpected(now.error());
    if (!wd && IsTemporary(wd.error())) co_return Unexpected(wd.error());
    if (!wd || *wd != folder) {
      EDDY_CO_TRY(folder, co_await WhoMoved(from));
    }
  }
  WatchEvent event;
  event.change = WatchChange::kMoved;
  event.is_directory = is_folder;
  event.from = PathOf(from);
  event.path = path;
  ready_.push_back(std::move(event));
  reported_.erase({from.wd, from.name});
  reported_.erase({to.wd, to.name});
  if (folder != WatchedFolders::kNone) {
    folders_.Place(folder, to.wd, to.name, gone_);
  }
  if (!wd) {
    GiveNotWatched(path, wd.error());
  } else if (*wd != folder && (folder != WatchedFolders::kNone ||
                               *wd != folders_.Find(to.wd, to.name))) {
    BeginScan(*std::move(now), path, Report::kWhatIsThere);
  }
  co_return Result<void>();
}

Task<Result<void>> FolderWatcher::HandleCreated(const RawEvent& event) {
  const bool reported = reported_.erase({event.wd, event.name}) != 0;
  if (reported && (event.mask & IN_CREATE) != 0) co_return Result<void>();
  if ((event.mask & IN_ISDIR) == 0 || !options_.recursive) {
    Give(WatchChange::kCreated, event);
    co_return Result<void>();
  }
  std::string path = PathOf(event);
  Result<io::Fd> folder = co_await OpenFolder(path);
  if (!folder && IsTemporary(folder.error())) {
    co_return Unexpected(folder.error());
  }
  Give(WatchChange::kCreated, event);
  if (folder) {
    BeginScan(*std::move(folder), std::move(path), Report::kWhatIsThere);
  } else {
    GiveNotWatched(std::move(path), folder.error());
  }
  co_return Result<void>();
}

Task<Result<void>> FolderWatcher::HandleOverflow() {
  if (!options_.recursive) {
    Give(WatchChange::kOverflow, events_.front());
    co_return Result<void>();
  }
  Result<io::Fd> root = co_await OpenFolder("");
  if (root) {
    folders_.BeginGeneration();
    BeginScan(*std::move(root), "", Report::kNothing);
    overflowed_ = true;
  } else if (IsTemporary(root.error())) {
    co_return Unexpected(root.error());
  } else {
    GiveNotWatched("", root.error());
    if (!ended_) Give(WatchChange::kOverflow, events_.front());
  }
  // Their events may be among those that were lost.
  reported_.clear();
  co_return Result<void>();
}

void FolderWatcher::BeginScan(io::Fd folder, std::string path, Report report) {
  WalkOptions options;
  if (report == Report::kNothing) {
    options.filter = [](const WalkEntry& entry) {
      return entry.type == FileType::kDirectory || entry.error;
    };
  }
  scan_folder_ = std::move(folder);
  scan_path_ = std::move(path);
  scan_report_ = report;
  scan_ = std::make_unique<Walker>(
      scan_folder_.get(), ".", std::move(options),
      [this](int fd, const std::string& below) -> Result<void> {
        const Result<int> wd = AddWatch(fd);
        if (!wd) return Unexpected(wd.error());
        placed_.emplace_back(*wd, Join(scan_path_, below));
        return Result<void>();
      });
}

Task<Result<void>> FolderWatcher::ScanOn() {
  const Result<void> filled = co_await Blocking(&Walker::Fill, scan_.get());
  for (const auto& [wd, path] : placed_) folders_.Place(wd, path, gone_);
  placed_.clear();
  for (const WalkEntry& entry : scan_->entries()) {
    std::string path = Join(scan_path_, entry.path);
    if (entry.error) {
      GiveNotWatched(std::move(path), *entry.error);
      continue;
    }
    if (scan_report_ == Report::kNothing) continue;
    const std::string_view parent = std::string_view(path).substr(
        0, path.size() - std::strlen(entry.name()));
    const int wd =
        folders_.Find(parent.substr(0, parent.empty() ? 0 : parent.size() - 1));
    if (wd != WatchedFolders::kNone) reported_.emplace(wd, entry.name());
    WatchEvent event;
    event.change = WatchChange::kCreated;
    event.is_directory = entry.type == FileType::kDirectory;
    event.path = std::move(path);
    ready_.push_back(std::move(event));
  }
  scan_->entries().clear();
  if (!scan_->ended()) co_return filled;
  if (!filled) GiveNotWatched(scan_path_, filled.error());
  EndScan();
  co_return Result<void>();
}

// Bytes in the kernel's queue.
std::size_t FolderWatcher::Queued() const {
  int size = 0;
  ioctl(inotify_.get(), FIONREAD, &size);
  return static_cast<std::size_t>(size);
}

void FolderWatcher::EndScan() {
  scan_.reset();
  scan_folder_ = io::Fd();
  before_scan_ended_ = Queued();
  if (!std::exchange(overflowed_, false)) return;
  folders_.RemoveOld(gone_);
  WatchEvent event;
  event.change = WatchChange::kOverflow;
  ready_.push_back(std::move(event));
}

Task<Result<void>> FolderWatcher::RemoveWatches() {
  std::erase_if(gone_, [&](int wd) { return folders_.Contains(wd); });
  if (gone_.empty()) co_return Result<void>();
  EDDY_CO_CHECK(
      co_await Blocking(&RemoveAll, inotify_.get(),
                        static_cast<const std::vector<int>*>(&gone_)));
  gone_.clear();
  co_return Result<void>();
}

void FolderWatcher::Give(WatchChange change, const RawEvent& raw) {
  WatchEvent event;
  event.change = change;
  event.is_directory = (raw.mask & IN_ISDIR) != 0 || raw.name.empty();
  if (change != WatchChange::kOverflow) event.path = PathOf(raw);
  ready_.push_back(std::move(event));
}

// One that has gone meanwhile needs no watch.
void FolderWatcher::GiveNotWatched(std::string path, Error error) {
  if (error == kClosed) return GiveRootGone();
  if (HasGone(error)) return;
  WatchEvent event;
  event.change = WatchChange::kNotWatched;
  event.is_directory = true;
  event.path = std::move(path);
  event.error = error;
  ready_.push_back(std::move(event));
}

void FolderWatcher::GiveRootGone() {
  WatchEvent event;
  event.change = WatchChange::kRootGone;
  event.is_directory = true;
  ready_.push_back(std::move(event));
  ended_ = true;
}

std::string FolderWatcher::PathOf(const RawEvent& event) const {
  return Join(folders_.PathOf(event.wd), event.name);
}

}  // namespace eddy::fs::internal
