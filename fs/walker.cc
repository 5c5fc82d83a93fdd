#include <eddy/fs/walker.h>

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstring>
#include <string_view>
#include <utility>

namespace eddy::fs::internal {
namespace {

// A slice.
constexpr std::size_t kMostEntries = 512;
constexpr std::size_t kMostBytes = 256 * 1024;
constexpr std::size_t kMostFolders = 32;
constexpr Duration kLongest = std::chrono::milliseconds(2);

constexpr std::size_t kMostOpen = 30;
// What a level may keep for the folder that takes its place.
constexpr std::size_t kKeptNames = 64 * 1024;

constexpr int kOpenFolder = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOCTTY;

}  // namespace

Walker::Walker(int base, std::string root, WalkOptions options,
               OnFolder on_folder)
    : base_(base),
      root_(std::move(root)),
      options_(std::move(options)),
      on_folder_(std::move(on_folder)),
      needs_identities_(options_.follow_links || options_.one_file_system) {}

Result<void> Walker::Fill() {
  bytes_ = folders_ = 0;
  late_ = false;
  until_ = Clock::now() + kLongest;
  if (!std::exchange(begun_, true)) root_read_ = Begin();
  while (!ended_ && root_read_ && !late_ && entries_.size() < kMostEntries &&
         bytes_ < kMostBytes && folders_ < kMostFolders) {
    Step();
  }
  ended_ = ended_ || !root_read_;
  return root_read_;
}

Result<void> Walker::Begin() {
  if (std::strlen(root_.c_str()) != root_.size()) {
    return Unexpected(std::errc::invalid_argument);
  }
  io::Fd fd(openat(base_, root_.c_str(), kOpenFolder));
  if (!fd.valid()) return Unexpected(Error::FromErrno(errno));
  const Result<Identity> identity = IdentityOf(fd.get());
  if (!identity) return Unexpected(identity.error());
  if (on_folder_) {
    if (Result<void> result = on_folder_(fd.get(), path_); !result) {
      return result;
    }
  }
  Push(std::move(fd), *identity);
  return Result<void>();
}

Result<Walker::Identity> Walker::IdentityOf(int fd) {
  struct stat info;
  if (fstat(fd, &info) != 0) return Unexpected(Error::FromErrno(errno));
  return Identity{info.st_dev, info.st_ino};
}

void Walker::Step() {
  Level& level = levels_[depth_ - 1];
  if (level.at < level.names.size()) {
    Visit(level);
  } else if (!level.all_read) {
    Read(level);
  } else {
    Leave();
  }
}

void Walker::Visit(Level& level) {
  const char* const name = level.names.data() + level.at + 1;
  const std::size_t name_size = std::strlen(name);
  path_.resize(level.path_size);
  if (!path_.empty()) path_ += '/';
  path_.append(name, name_size);
  WalkEntry entry;
  entry.path = path_;
  entry.type = static_cast<FileType>(level.names[level.at]);
  entry.depth = depth_;
  entry.parent = level.folder;
  level.at += name_size + 2;

  if (entry.type == FileType::kUnknown ||
      (options_.follow_links && entry.type == FileType::kSymlink)) {
    ResolveType(level, entry);
  }
  if (options_.filter && !options_.filter(entry)) return;
  const bool enters =
      entry.type == FileType::kDirectory && depth_ < options_.max_depth;
  if (!enters || options_.order == WalkOrder::kParentsFirst) {
    Emit(std::move(entry));
    if (enters) Enter(level, name);
  } else if (!Enter(level, name)) {
    Emit(std::move(entry));
  }
}

void Walker::ResolveType(const Level& level, WalkEntry& entry) const {
  struct stat info;
  if ((options_.follow_links &&
       fstatat(level.fd(), entry.name(), &info, 0) == 0) ||
      fstatat(level.fd(), entry.name(), &info, AT_SYMLINK_NOFOLLOW) == 0) {
    entry.type = TypeOfMode(info.st_mode);
  } else {
    entry.error = Error::FromErrno(errno);
    entry.parent.reset();
  }
}

// False where the folder is not gone into. path_ is its path.
bool Walker::Enter(const Level& parent, const char* name) {
  late_ = Clock::now() >= until_;
  const int no_follow = options_.follow_links ? 0 : O_NOFOLLOW;
  io::Fd fd(openat(parent.fd(), name, kOpenFolder | no_follow));
  Result<Identity> identity;
  if (!fd.valid()) {
    identity = Unexpected(Error::FromErrno(errno));
  } else if (needs_identities_) {
    identity = IdentityOf(fd.get());
  }
  if (identity && options_.one_file_system &&
      identity->device != levels_.front().identity.device) {
    return false;
  }
  if (identity && options_.follow_links &&
      std::any_of(levels_.begin(),
                  levels_.begin() + static_cast<std::ptrdiff_t>(depth_),
                  [&](const Level& l) { return l.identity == *identity; })) {
    identity = Unexpected(std::errc::too_many_symbolic_link_levels);
  }
  if (identity && on_folder_) {
    const Result<void> result = on_folder_(fd.get(), path_);
    if (!result) identity = Unexpected(result.error());
  }
  if (!identity) {
    Fail(path_.size(), depth_, identity.error());
    return false;
  }
  Push(std::move(fd), *identity);
  return true;
}

void Walker::Push(io::Fd fd, Identity identity) {
  if (depth_ == levels_.size()) levels_.emplace_back();
  Level& level = levels_[depth_++];
  level.folder = std::make_shared<const Directory>(std::move(fd));
  level.names.clear();
  level.at = 0;
  level.all_read = false;
  level.path_size = path_.size();
  level.identity = identity;
  ++folders_;
  if (depth_ > kMostOpen + 1) GiveUp(depth_ - 1 - kMostOpen);
}

void Walker::Leave() {
  Level& level = levels_[depth_ - 1];
  const std::shared_ptr<const Directory> folder = std::move(level.folder);
  if (level.names.capacity() > kKeptNames) level.names = std::string();
  path_.resize(level.path_size);
  if (--depth_ == 0) {
    ended_ = true;
    return;
  }
  const Level& parent = levels_[depth_ - 1];
  if (parent.folder == nullptr) Reopen(depth_ - 1, folder.get());
  if (options_.order == WalkOrder::kParentsFirst) return;
  WalkEntry entry;
  entry.path = path_;
  entry.type = FileType::kDirectory;
  entry.depth = depth_;
  entry.parent = parent.folder;
  if (parent.folder == nullptr) {
    entry.error = std::errc::no_such_file_or_directory;
  }
  Emit(std::move(entry));
}

void Walker::Read(Level& level) {
  Result<void> read;
  do {
    read = ReadBatch(level);
  } while (read && options_.sorted && !level.all_read);
  if (options_.sorted) Sort(level.names);
  late_ = Clock::now() >= until_;
  if (read) return;
  level.all_read = true;
  if (depth_ == 1) {
    root_read_ = read;
  } else {
    Fail(level.path_size, depth_ - 1, read.error());
  }
}

// Adds to the level's names; those that were visited go.
Result<void> Walker::ReadBatch(Level& level) {
  level.names.erase(0, level.at);
  level.at = 0;
  const Result<void> filled = batch_.Fill(level.fd());
  level.all_read = batch_.ended();
  DirectoryBatch::Entry entry;
  while (batch_.Take(entry)) {
    level.names += static_cast<char>(entry.type);
    level.names.append(entry.name, std::strlen(entry.name) + 1);
  }
  return filled;
}

void Walker::Sort(std::string& names) {
  // The name begins at the second byte.
  std::vector<const char*> records;
  for (const char* at = names.data(); at != names.data() + names.size();
       at += std::strlen(at + 1) + 2) {
    records.push_back(at);
  }
  std::sort(records.begin(), records.end(), [](const char* a, const char* b) {
    return std::strcmp(a + 1, b + 1) < 0;
  });
  std::string sorted;
  sorted.reserve(names.size());
  for (const char* record : records) {
    sorted.append(record, std::strlen(record + 1) + 2);
  }
  names = std::move(sorted);
}

void Walker::GiveUp(std::size_t index) {
  Level& level = levels_[index];
  if (level.folder == nullptr) return;
  Result<void> read;
  if (!needs_identities_) {
    const Result<Identity> identity = IdentityOf(level.fd());
    if (identity) {
      level.identity = *identity;
    } else {
      read = Unexpected(identity.error());
    }
  }
  while (read && !level.all_read) read = ReadBatch(level);
  if (!read) {
    level.all_read = true;
    Fail(level.path_size, index, read.error());
  }
  level.folder.reset();
}

// `child` is a folder in it, or null where that is not open either.
void Walker::Reopen(std::size_t index, const Directory* child) {
  Level& level = levels_[index];
  const auto is_it = [&](const io::Fd& fd) {
    const Result<Identity> identity = IdentityOf(fd.get());
    return identity && *identity == level.identity;
  };
  if (child != nullptr) {
    io::Fd above(openat(child->fd().get(), "..", kOpenFolder));
    if (above.valid() && is_it(above)) {
      level.folder = std::make_shared<const Directory>(std::move(above));
      return;
    }
  }
  // The child was moved away, or is not in it but behind a link.
  Result<io::Fd> fd = OpenByPath(level.path_size);
  if (fd && !is_it(*fd)) {
    fd = Unexpected(std::errc::no_such_file_or_directory);
  }
  if (fd) {
    level.folder = std::make_shared<const Directory>(*std::move(fd));
  } else {
    level.names.clear();
    level.at = 0;
    Fail(level.path_size, index, fd.error());
  }
}

// The folder that the first bytes of path_ lead to, in steps that the kernel
// takes.
Result<io::Fd> Walker::OpenByPath(std::size_t path_size) const {
  std::string_view rest = std::string_view(path_).substr(0, path_size);
  io::Fd fd;
  while (!rest.empty()) {
    std::size_t size = rest.size();
    if (size >= PATH_MAX) size = rest.rfind('/', PATH_MAX - 1);
    const std::string part(rest.substr(0, size));
    rest.remove_prefix(std::min(size + 1, rest.size()));
    const int from = fd.valid() ? fd.get() : levels_.front().fd();
    fd = io::Fd(openat(from, part.c_str(), kOpenFolder));
    if (!fd.valid()) return Unexpected(Error::FromErrno(errno));
  }
  return fd;
}

void Walker::Emit(WalkEntry entry) {
  bytes_ += entry.path.size();
  entries_.push_back(std::move(entry));
}

void Walker::Fail(std::size_t path_size, std::size_t depth, Error error) {
  WalkEntry entry;
  entry.path = path_.substr(0, path_size);
  entry.type = FileType::kDirectory;
  entry.depth = depth;
  entry.error = error;
  Emit(std::move(entry));
}

}  // namespace eddy::fs::internal
