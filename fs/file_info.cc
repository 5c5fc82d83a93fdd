#include <eddy/fs/file_info.h>

#include <sys/sysmacros.h>

namespace eddy::fs {
namespace {

FileTime TimeOf(const statx_timestamp& time) {
  return FileTime(std::chrono::seconds(time.tv_sec) +
                  std::chrono::nanoseconds(time.tv_nsec));
}

}  // namespace

FileType TypeOfMode(mode_t mode) noexcept {
  switch (mode & S_IFMT) {
    case S_IFREG:
      return FileType::kRegular;
    case S_IFDIR:
      return FileType::kDirectory;
    case S_IFLNK:
      return FileType::kSymlink;
    case S_IFIFO:
      return FileType::kFifo;
    case S_IFSOCK:
      return FileType::kSocket;
    case S_IFCHR:
      return FileType::kCharacter;
    case S_IFBLK:
      return FileType::kBlock;
    default:
      return FileType::kUnknown;
  }
}

FileInfo ToFileInfo(const struct statx& native) noexcept {
  constexpr std::uint64_t kBlock = 512;  // statx(2): the unit of stx_blocks
  FileInfo info;
  info.size = native.stx_size;
  info.allocated = native.stx_blocks * kBlock;
  info.mode = native.stx_mode;
  info.owner = native.stx_uid;
  info.group = native.stx_gid;
  info.device = makedev(native.stx_dev_major, native.stx_dev_minor);
  info.inode = native.stx_ino;
  info.links = native.stx_nlink;
  info.block_size = native.stx_blksize;
  info.accessed = TimeOf(native.stx_atime);
  info.modified = TimeOf(native.stx_mtime);
  info.changed = TimeOf(native.stx_ctime);
  if ((native.stx_mask & STATX_BTIME) != 0) {
    info.created = TimeOf(native.stx_btime);
  }
  return info;
}

}  // namespace eddy::fs
