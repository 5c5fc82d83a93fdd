// FileInfo: what statx(2) tells of a file.
#ifndef EDDY_FS_FILE_INFO_H_
#define EDDY_FS_FILE_INFO_H_

#include <sys/stat.h>
#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>

namespace eddy::fs {

using FileTime = std::chrono::sys_time<std::chrono::nanoseconds>;

enum class FileType : std::uint8_t {
  kUnknown,
  kRegular,
  kDirectory,
  kSymlink,
  kFifo,
  kSocket,
  kCharacter,
  kBlock,
};

// The type in a mode, as in st_mode or FileInfo::mode.
FileType TypeOfMode(mode_t mode) noexcept;

struct FileInfo {
  std::uint64_t size = 0;       // bytes
  std::uint64_t allocated = 0;  // bytes on the device; less where it is sparse
  mode_t mode = 0;              // type and permissions, as stat(2)'s st_mode
  uid_t owner = 0;
  gid_t group = 0;
  // Together they tell whether two names are one file.
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint32_t links = 0;       // names that the file has
  std::uint32_t block_size = 0;  // of transfers that suit the file
  FileTime accessed{};
  FileTime modified{};
  FileTime changed{};               // of the contents or of what is told here
  std::optional<FileTime> created;  // where the file system knows it

  FileType type() const noexcept { return TypeOfMode(mode); }
  bool is_regular() const noexcept { return S_ISREG(mode); }
  bool is_directory() const noexcept { return S_ISDIR(mode); }
  bool is_symlink() const noexcept { return S_ISLNK(mode); }
  mode_t permissions() const noexcept { return mode & 07777; }
};

// Of what io::Statx gave for a mask that includes kFileInfoMask.
inline constexpr unsigned kFileInfoMask = STATX_BASIC_STATS | STATX_BTIME;
FileInfo ToFileInfo(const struct statx& native) noexcept;

}  // namespace eddy::fs

#endif  // EDDY_FS_FILE_INFO_H_
