#include <eddy/fs/file_copy.h>

#include <eddy/fs/keep_mode.h>
#include <eddy/fs/temporary_name.h>

#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <limits>
#include <string_view>
#include <utility>

namespace eddy::fs::internal {
namespace {

// What a step copies.
constexpr std::uint64_t kStep = 16 << 20;
constexpr std::size_t kBuffer = 64 * 1024;
constexpr std::uint64_t kUnknownSize = std::numeric_limits<std::int64_t>::max();

Unexpected LastError() { return Unexpected(Error::FromErrno(errno)); }

Result<void> Done(int result) {
  if (result != 0) return LastError();
  return {};
}

// What copy_file_range(2) gives where it does not serve these files.
bool IsNoOffload(int error) {
  return error == EXDEV || error == EINVAL || error == EOPNOTSUPP ||
         error == ENOSYS || error == EPERM || error == EBADF;
}

}  // namespace

FileCopy::FileCopy(Place from, int flags, Place to, std::string name,
                   const CopyFileOptions& options)
    : from_(std::move(from)),
      flags_(flags),
      to_(std::move(to)),
      name_(std::move(name)),
      options_(options),
      offload_(options.offload) {}

Result<bool> FileCopy::Step() {
  const Result<bool> ended = Continue();
  if (!ended || *ended) Discard();
  return ended;
}

Result<bool> FileCopy::Continue() {
  if (!open()) {
    if (Result<void> opened = Open(); !opened) {
      return Unexpected(opened.error());
    }
  }
  for (std::uint64_t left = kStep; left != 0 && !ended_;) {
    if (offset_ == segment_end_) {
      if (Result<void> next = NextSegment(); !next) {
        return Unexpected(next.error());
      }
      continue;
    }
    const Result<std::uint64_t> n =
        CopySome(std::min(left, segment_end_ - offset_));
    if (!n) return Unexpected(n.error());
    // The file is shorter than it was, or has told no size.
    if (*n == 0) {
      ended_ = true;
      size_ = offset_;
    }
    offset_ += *n;
    left -= *n;
  }
  if (!ended_) return false;
  if (Result<void> finished = Finish(); !finished) {
    return Unexpected(finished.error());
  }
  return true;
}

Result<void> FileCopy::Open() {
  folder_fd_ =
      openat(to_.directory, to_.path.c_str(),
             (options_.durable ? O_RDONLY : O_PATH) | O_DIRECTORY | O_CLOEXEC);
  if (folder_fd_ < 0) return LastError();
  // O_NONBLOCK: a FIFO would be waited for.
  from_fd_ = openat(from_.directory, from_.path.c_str(),
                    O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | flags_);
  if (from_fd_ < 0 || fstat(from_fd_, &info_) != 0) return LastError();
  if (!S_ISREG(info_.st_mode)) return Unexpected(std::errc::invalid_argument);
  if (Result<void> checked = CheckName(); !checked) return checked;
  if (Result<void> made = MakeTemporary(); !made) return made;
  constexpr std::uint64_t kBlock = 512;  // stat(3type): the unit of st_blocks
  size_ = static_cast<std::uint64_t>(info_.st_size);
  sparse_ = static_cast<std::uint64_t>(info_.st_blocks) * kBlock < size_;
  if (size_ == 0) {
    // Those in /proc tell no size.
    segment_end_ = size_ = kUnknownSize;
    offload_ = false;
  } else if (offload_ && ioctl(to_fd_, FICLONE, from_fd_) == 0) {
    ended_ = true;
    sparse_ = false;
  } else if (size_ > kBuffer) {
    posix_fadvise(from_fd_, 0, 0, POSIX_FADV_SEQUENTIAL);
  } else {
    offload_ = false;
  }
  return {};
}

// Whether the copy may take the place of what has its name.
Result<void> FileCopy::CheckName() const {
  struct stat old;
  if (fstatat(folder_fd_, name_.c_str(), &old, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return {};
    return LastError();
  }
  if (!options_.replace) return Unexpected(std::errc::file_exists);
  if (S_ISDIR(old.st_mode)) return Unexpected(std::errc::is_a_directory);
  if (!S_ISREG(old.st_mode) && !S_ISLNK(old.st_mode)) {
    return Unexpected(std::errc::invalid_argument);
  }
  return {};
}

Result<void> FileCopy::MakeTemporary() {
  const mode_t mode = options_.keep_mode ? kModeBefore : 0666;
  for (int tries = 0; tries < kMostTemporaryNames; ++tries) {
    std::string name = NewTemporaryName();
    to_fd_ = openat(folder_fd_, name.c_str(),
                    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (to_fd_ >= 0) {
      temporary_ = std::move(name);
      return {};
    }
    if (errno != EEXIST) break;
  }
  return LastError();
}

// From offset_, where a part with data ends.
Result<void> FileCopy::NextSegment() {
  if (offset_ >= size_) {
    ended_ = true;
    return {};
  }
  if (!sparse_) {
    segment_end_ = size_;
    return {};
  }
  const off_t data = lseek(from_fd_, static_cast<off_t>(offset_), SEEK_DATA);
  if (data < 0) {
    if (errno != ENXIO && errno != EINVAL) return LastError();
    // The rest is a hole; or the file system does not tell.
    ended_ = errno == ENXIO;
    segment_end_ = size_;
    return {};
  }
  const off_t hole = lseek(from_fd_, data, SEEK_HOLE);
  if (hole < 0) {
    if (errno != ENXIO) return LastError();
    ended_ = true;  // it has become shorter
    return {};
  }
  offset_ = std::min(static_cast<std::uint64_t>(data), size_);
  segment_end_ = std::min(static_cast<std::uint64_t>(hole), size_);
  return {};
}

Result<std::uint64_t> FileCopy::CopySome(std::uint64_t most) {
  if (offload_) {
    loff_t from = static_cast<loff_t>(offset_);
    loff_t to = from;
    const ssize_t n = copy_file_range(from_fd_, &from, to_fd_, &to, most, 0);
    if (n > 0) return static_cast<std::uint64_t>(n);
    if (n < 0 && !IsNoOffload(errno)) return LastError();
    // (Where it has copied nothing, a read tells whether that is the end.)
    offload_ = false;
  }
  return ReadAndWrite(most);
}

Result<std::uint64_t> FileCopy::ReadAndWrite(std::uint64_t most) {
  std::byte buffer[kBuffer];
  const off_t at = static_cast<off_t>(offset_);
  const ssize_t n = pread(from_fd_, buffer, std::min(most, kBuffer), at);
  if (n < 0) return LastError();
  if (size_ == kUnknownSize) {
    // One that was empty and grows, and not one of /proc: to this end, lest the
    // copy follow whoever writes to it.
    struct stat now;
    if (fstat(from_fd_, &now) != 0) return LastError();
    if (now.st_size > 0) {
      size_ = segment_end_ = std::max(static_cast<std::uint64_t>(now.st_size),
                                      offset_ + static_cast<std::uint64_t>(n));
    }
  }
  for (ssize_t done = 0; done < n;) {
    const ssize_t written = pwrite(
        to_fd_, buffer + done, static_cast<std::size_t>(n - done), at + done);
    if (written < 0) return LastError();
    done += written;
  }
  return static_cast<std::uint64_t>(n);
}

Result<void> FileCopy::Finish() {
  if (sparse_) {
    // The last hole may have become shorter.
    struct stat now;
    if (fstat(from_fd_, &now) != 0) return LastError();
    size_ = std::min(size_, static_cast<std::uint64_t>(now.st_size));
    if (ftruncate(to_fd_, static_cast<off_t>(size_)) != 0) return LastError();
  }
  if (Result<void> taken = TakeOver(); !taken) return taken;
  if (options_.durable && fsync(to_fd_) != 0) return LastError();
  // Its error tells of a write that was lost.
  if (close(std::exchange(to_fd_, -1)) != 0) return LastError();
  if (Result<void> named = GiveName(); !named) return named;
  temporary_.clear();
  return options_.durable ? Done(fsync(folder_fd_)) : Result<void>();
}

// The owner first, since a change of it takes set-id bits and capabilities
// away; then the attributes, which take the right to write; the times last.
Result<void> FileCopy::TakeOver() {
  if (options_.keep_owner && fchown(to_fd_, info_.st_uid, info_.st_gid) != 0) {
    return LastError();
  }
  if (options_.keep_attributes) {
    if (Result<void> taken = TakeOverAttributes(); !taken) return taken;
  }
  if (options_.keep_mode) {
    if (Result<void> kept =
            KeepMode(to_fd_, info_.st_mode, info_.st_uid, info_.st_gid);
        !kept) {
      return kept;
    }
  }
  if (!options_.keep_times) return {};
  const timespec times[2] = {info_.st_atim, info_.st_mtim};
  return Done(futimens(to_fd_, times));
}

Result<void> FileCopy::TakeOverAttributes() {
  const ssize_t room = flistxattr(from_fd_, nullptr, 0);
  if (room < 0 && errno != ENOTSUP) return LastError();
  if (room <= 0) return {};
  std::string names(static_cast<std::size_t>(room), '\0');
  const ssize_t size = flistxattr(from_fd_, names.data(), names.size());
  if (size < 0) return LastError();
  const std::string_view all(names.data(), static_cast<std::size_t>(size));
  std::string value;
  for (std::size_t at = 0; at < all.size();) {
    const char* const name = all.data() + at;
    at += std::string_view(name).size() + 1;
    value.resize(XATTR_SIZE_MAX);
    const ssize_t n = fgetxattr(from_fd_, name, value.data(), value.size());
    if (n < 0 && errno == ENODATA) continue;  // removed meanwhile
    const bool taken = n >= 0 && fsetxattr(to_fd_, name, value.data(),
                                           static_cast<std::size_t>(n), 0) == 0;
    // The others may need rights, or make sense in one file system only.
    if (!taken && std::string_view(name).starts_with("user.")) {
      return LastError();
    }
  }
  return {};
}

Result<void> FileCopy::GiveName() {
  const char* const temporary = temporary_.c_str();
  const char* const name = name_.c_str();
  const unsigned flags = options_.replace ? 0 : RENAME_NOREPLACE;
  if (renameat2(folder_fd_, temporary, folder_fd_, name, flags) == 0) return {};
  if (flags == 0 || errno != EINVAL) return LastError();
  // The file system renames only with replacement; a link never replaces.
  if (linkat(folder_fd_, temporary, folder_fd_, name, 0) != 0) {
    return LastError();
  }
  // (The copy has its name, whatever becomes of the other.)
  unlinkat(folder_fd_, temporary, 0);
  return {};
}

void FileCopy::Discard() noexcept {
  if (from_fd_ >= 0) close(std::exchange(from_fd_, -1));
  if (to_fd_ >= 0) close(std::exchange(to_fd_, -1));
  if (!temporary_.empty()) unlinkat(folder_fd_, temporary_.c_str(), 0);
  temporary_.clear();
  if (folder_fd_ >= 0) close(std::exchange(folder_fd_, -1));
}

}  // namespace eddy::fs::internal
