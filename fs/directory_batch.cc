#include <eddy/fs/directory_batch.h>

#include <dirent.h>

#include <cerrno>
#include <cstring>
#include <new>

namespace eddy::fs::internal {
namespace {

constexpr std::size_t kBufferSize = 64 * 1024;
// An entry with the longest name that most file systems have takes less; the
// kernel refuses a buffer into which the next one does not fit.
constexpr std::size_t kMostOfAnEntry = 512;

bool IsDotOrDotDot(const char* name) noexcept {
  return name[0] == '.' &&
         (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

}  // namespace

Result<void> DirectoryBatch::Fill(int fd) {
  if (buffer_ == nullptr) {
    buffer_.reset(new (std::nothrow) std::byte[kBufferSize]);
    if (buffer_ == nullptr) return Unexpected(std::errc::not_enough_memory);
  }
  size_ = at_ = 0;
  ended_ = false;
  while (!ended_ && kBufferSize - size_ >= kMostOfAnEntry) {
    const ssize_t n =
        getdents64(fd, buffer_.get() + size_, kBufferSize - size_);
    if (n < 0) {
      // The next one does not fit: names are longer in some file systems.
      if (errno == EINVAL && size_ > 0) break;
      return Unexpected(Error::FromErrno(errno));
    }
    ended_ = n == 0;
    size_ += static_cast<std::size_t>(n);
  }
  return Result<void>();
}

bool DirectoryBatch::Take(Entry& entry) noexcept {
  while (at_ < size_) {
    const std::byte* const raw = buffer_.get() + at_;
    // (Entries are aligned for this, but the buffer holds no such objects.)
    dirent64 head;
    std::memcpy(&head, raw, offsetof(dirent64, d_name));
    at_ += head.d_reclen;
    entry.name =
        reinterpret_cast<const char*>(raw + offsetof(dirent64, d_name));
    entry.type = TypeOfMode(static_cast<mode_t>(DTTOIF(head.d_type)));
    entry.inode = head.d_ino;
    if (!IsDotOrDotDot(entry.name)) return true;
  }
  return false;
}

}  // namespace eddy::fs::internal
