// Calls on files, by descriptor and by name.

#include <eddy/runtime/blocking_guard/real_function.h>
#include <eddy/runtime/blocking_guard/watch.h>

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cstdarg>
#include <cstddef>

namespace eddy::internal::guard {
namespace {

constexpr char kOpen[] = "co_await fs::File::Open, io::OpenAt";
constexpr char kStat[] = "co_await fs::Stat, fs::File::Stat, io::Statx";
constexpr char kSync[] = "co_await fs::File::Sync, io::Sync";
constexpr char kTruncate[] = "co_await fs::File::Truncate, io::Truncate";
constexpr char kAllocate[] = "co_await io::Allocate";
constexpr char kDirectory[] = "co_await fs::ReadDirectory, fs::Walk";
constexpr char kUnlink[] = "co_await fs::Unlink, io::UnlinkAt";
constexpr char kRename[] = "co_await fs::Rename, io::RenameAt";
constexpr char kMakeDirectory[] = "co_await fs::MakeDirectory";
constexpr char kLink[] = "co_await fs::Link, io::LinkAt";
constexpr char kSymlink[] = "co_await fs::Symlink, io::SymlinkAt";
constexpr char kTemporary[] = "co_await fs::TempDirectory";
constexpr char kLock[] = "co_await fs::FileLock";
constexpr char kBlocking[] = "co_await Blocking([] { ... })";

// The mode is there only with O_CREAT and O_TMPFILE; to read it is harmless.
mode_t ModeOf(va_list& arguments) noexcept { return va_arg(arguments, mode_t); }

// A descriptor that stands for a path gives no way to wait.
bool ReachesDevice(int flags) noexcept { return (flags & O_PATH) == 0; }

constexpr bool WaitsForLock(int command) noexcept {
  return command == F_SETLKW || command == F_OFD_SETLKW;
}

}  // namespace

#define EDDY_OPEN(name)                                                     \
  EDDY_INTERPOSE(int, name, (const char* path, int flags, ...)) {           \
    va_list arguments;                                                      \
    va_start(arguments, flags);                                             \
    const mode_t mode = ModeOf(arguments);                                  \
    va_end(arguments);                                                      \
    const Watch watch(                                                      \
        #name, kOpen,                                                       \
        ReachesDevice(flags) ? Argument::Path(path) : Argument::If(false)); \
    return REAL(name)(path, flags, mode);                                   \
  }
#define EDDY_OPENAT(name)                                                     \
  EDDY_INTERPOSE(int, name, (int folder, const char* path, int flags, ...)) { \
    va_list arguments;                                                        \
    va_start(arguments, flags);                                               \
    const mode_t mode = ModeOf(arguments);                                    \
    va_end(arguments);                                                        \
    const Watch watch(#name, kOpen,                                           \
                      ReachesDevice(flags) ? Argument::Path(path, folder)     \
                                           : Argument::If(false));            \
    return REAL(name)(folder, path, flags, mode);                             \
  }
EDDY_OPEN(open)
EDDY_OPEN(open64)
EDDY_OPENAT(openat)
EDDY_OPENAT(openat64)

#define EDDY_FCNTL(name)                                          \
  EDDY_INTERPOSE(int, name, (int fd, int command, ...)) {         \
    va_list arguments;                                            \
    va_start(arguments, command);                                 \
    void* const argument = va_arg(arguments, void*);              \
    va_end(arguments);                                            \
    const Watch watch("fcntl", kLock,                             \
                      Argument::Lock(fd, WaitsForLock(command))); \
    return REAL(name)(fd, command, argument);                     \
  }
EDDY_FCNTL(fcntl)
EDDY_FCNTL(fcntl64)

// clang-format off
EDDY_GUARD(int, flock, (int fd, int how), (fd, how), Lock(fd, (how & (LOCK_NB | LOCK_UN)) == 0), kLock)
EDDY_GUARD(int, lockf, (int fd, int how, off_t size), (fd, how, size), Lock(fd, how == F_LOCK), kLock)
EDDY_GUARD(int, lockf64, (int fd, int how, off64_t size), (fd, how, size), Lock(fd, how == F_LOCK), kLock)

EDDY_GUARD(int, creat, (const char* path, mode_t mode), (path, mode), Path(path), kOpen)
EDDY_GUARD(int, creat64, (const char* path, mode_t mode), (path, mode), Path(path), kOpen)
EDDY_GUARD(int, __open_2, (const char* path, int flags), (path, flags), Path(path), kOpen)
EDDY_GUARD(int, __open64_2, (const char* path, int flags), (path, flags), Path(path), kOpen)
EDDY_GUARD(int, __openat_2, (int folder, const char* path, int flags), (folder, path, flags), Path(path, folder), kOpen)
EDDY_GUARD(int, __openat64_2, (int folder, const char* path, int flags), (folder, path, flags), Path(path, folder), kOpen)
EDDY_GUARD(int, mkstemp, (char* path), (path), Path(path), kTemporary)
EDDY_GUARD(int, mkstemp64, (char* path), (path), Path(path), kTemporary)
EDDY_GUARD(int, mkostemp, (char* path, int flags), (path, flags), Path(path), kTemporary)
EDDY_GUARD(int, mkostemp64, (char* path, int flags), (path, flags), Path(path), kTemporary)
EDDY_GUARD(char*, mkdtemp, (char* path), (path), Path(path), kTemporary)

EDDY_GUARD(int, fsync, (int fd), (fd), File(fd), kSync)
EDDY_GUARD(int, fdatasync, (int fd), (fd), File(fd), kSync)
EDDY_GUARD(int, sync_file_range, (int fd, off64_t at, off64_t size, unsigned flags), (fd, at, size, flags), File(fd), "co_await io::SyncRange")
EDDY_GUARD(void, sync, (), (), None(), kSync)
EDDY_GUARD(int, syncfs, (int fd), (fd), Any(fd), kBlocking)
EDDY_GUARD(int, msync, (void* data, std::size_t size, int flags), (data, size, flags), If((flags & MS_SYNC) != 0), kBlocking)
EDDY_GUARD(int, truncate, (const char* path, off_t size), (path, size), Path(path), kTruncate)
EDDY_GUARD(int, truncate64, (const char* path, off64_t size), (path, size), Path(path), kTruncate)
EDDY_GUARD(int, ftruncate, (int fd, off_t size), (fd, size), File(fd), kTruncate)
EDDY_GUARD(int, ftruncate64, (int fd, off64_t size), (fd, size), File(fd), kTruncate)
EDDY_GUARD(int, fallocate, (int fd, int mode, off_t at, off_t size), (fd, mode, at, size), File(fd), kAllocate)
EDDY_GUARD(int, fallocate64, (int fd, int mode, off64_t at, off64_t size), (fd, mode, at, size), File(fd), kAllocate)
EDDY_GUARD(int, posix_fallocate, (int fd, off_t at, off_t size), (fd, at, size), File(fd), kAllocate)
EDDY_GUARD(int, posix_fallocate64, (int fd, off64_t at, off64_t size), (fd, at, size), File(fd), kAllocate)

EDDY_GUARD(int, stat, (const char* path, struct stat* info), (path, info), Path(path), kStat)
EDDY_GUARD(int, stat64, (const char* path, struct stat64* info), (path, info), Path(path), kStat)
EDDY_GUARD(int, lstat, (const char* path, struct stat* info), (path, info), Path(path), kStat)
EDDY_GUARD(int, lstat64, (const char* path, struct stat64* info), (path, info), Path(path), kStat)
EDDY_GUARD(int, fstat, (int fd, struct stat* info), (fd, info), Attributes(fd), kStat)
EDDY_GUARD(int, fstat64, (int fd, struct stat64* info), (fd, info), Attributes(fd), kStat)
EDDY_GUARD(int, fstatat, (int folder, const char* path, struct stat* info, int flags), (folder, path, info, flags), Attributes(folder, path, flags), kStat)
EDDY_GUARD(int, fstatat64, (int folder, const char* path, struct stat64* info, int flags), (folder, path, info, flags), Attributes(folder, path, flags), kStat)
EDDY_GUARD(int, statx, (int folder, const char* path, int flags, unsigned mask, struct statx* info), (folder, path, flags, mask, info), Attributes(folder, path, flags), kStat)
EDDY_GUARD(int, statfs, (const char* path, struct statfs* info), (path, info), Path(path), kBlocking)
EDDY_GUARD(int, statfs64, (const char* path, struct statfs64* info), (path, info), Path(path), kBlocking)
EDDY_GUARD(int, statvfs, (const char* path, struct statvfs* info), (path, info), Path(path), kBlocking)
EDDY_GUARD(int, statvfs64, (const char* path, struct statvfs64* info), (path, info), Path(path), kBlocking)
EDDY_GUARD(int, access, (const char* path, int mode), (path, mode), Path(path), kStat)
EDDY_GUARD(int, euidaccess, (const char* path, int mode), (path, mode), Path(path), kStat)
EDDY_GUARD(int, faccessat, (int folder, const char* path, int mode, int flags), (folder, path, mode, flags), Path(path, folder), kStat)

EDDY_GUARD(DIR*, opendir, (const char* path), (path), Path(path), kDirectory)
EDDY_GUARD(dirent*, readdir, (DIR* directory), (directory), File(dirfd(directory)), kDirectory)
EDDY_GUARD(dirent64*, readdir64, (DIR* directory), (directory), File(dirfd(directory)), kDirectory)
EDDY_GUARD(int, scandir, (const char* path, dirent*** list, int (*filter)(const dirent*), int (*compare)(const dirent**, const dirent**)), (path, list, filter, compare), Path(path), kDirectory)
EDDY_GUARD(int, scandir64, (const char* path, dirent64*** list, int (*filter)(const dirent64*), int (*compare)(const dirent64**, const dirent64**)), (path, list, filter, compare), Path(path), kDirectory)
EDDY_GUARD(int, ftw, (const char* path, __ftw_func_t visit, int most), (path, visit, most), Path(path), kDirectory)
EDDY_GUARD(int, ftw64, (const char* path, __ftw64_func_t visit, int most), (path, visit, most), Path(path), kDirectory)
EDDY_GUARD(int, nftw, (const char* path, __nftw_func_t visit, int most, int flags), (path, visit, most, flags), Path(path), kDirectory)
EDDY_GUARD(int, nftw64, (const char* path, __nftw64_func_t visit, int most, int flags), (path, visit, most, flags), Path(path), kDirectory)
EDDY_GUARD(int, glob, (const char* pattern, int flags, int (*failed)(const char*, int), glob_t* found), (pattern, flags, failed, found), Path(pattern), kDirectory)
EDDY_GUARD(int, glob64, (const char* pattern, int flags, int (*failed)(const char*, int), glob64_t* found), (pattern, flags, failed, found), Path(pattern), kDirectory)

EDDY_GUARD(int, unlink, (const char* path), (path), Path(path), kUnlink)
EDDY_GUARD(int, unlinkat, (int folder, const char* path, int flags), (folder, path, flags), Path(path, folder), kUnlink)
EDDY_GUARD(int, rmdir, (const char* path), (path), Path(path), kUnlink)
EDDY_GUARD(int, remove, (const char* path), (path), Path(path), kUnlink)
EDDY_GUARD(int, rename, (const char* from, const char* to), (from, to), Path(from), kRename)
EDDY_GUARD(int, renameat, (int from_folder, const char* from, int to_folder, const char* to), (from_folder, from, to_folder, to), Path(from, from_folder), kRename)
EDDY_GUARD(int, renameat2, (int from_folder, const char* from, int to_folder, const char* to, unsigned flags), (from_folder, from, to_folder, to, flags), Path(from, from_folder), kRename)
EDDY_GUARD(int, mkdir, (const char* path, mode_t mode), (path, mode), Path(path), kMakeDirectory)
EDDY_GUARD(int, mkdirat, (int folder, const char* path, mode_t mode), (folder, path, mode), Path(path, folder), kMakeDirectory)
EDDY_GUARD(int, link, (const char* from, const char* to), (from, to), Path(from), kLink)
EDDY_GUARD(int, linkat, (int from_folder, const char* from, int to_folder, const char* to, int flags), (from_folder, from, to_folder, to, flags), Path(from, from_folder), kLink)
EDDY_GUARD(int, symlink, (const char* to, const char* path), (to, path), Path(path), kSymlink)
EDDY_GUARD(int, symlinkat, (const char* to, int folder, const char* path), (to, folder, path), Path(path, folder), kSymlink)
EDDY_GUARD(int, mkfifo, (const char* path, mode_t mode), (path, mode), Path(path), kBlocking)
EDDY_GUARD(ssize_t, readlink, (const char* path, char* text, std::size_t size), (path, text, size), Path(path), kBlocking)
EDDY_GUARD(ssize_t, readlinkat, (int folder, const char* path, char* text, std::size_t size), (folder, path, text, size), Path(path, folder), kBlocking)
EDDY_GUARD(ssize_t, __readlink_chk, (const char* path, char* text, std::size_t size, std::size_t room), (path, text, size, room), Path(path), kBlocking)
EDDY_GUARD(ssize_t, __readlinkat_chk, (int folder, const char* path, char* text, std::size_t size, std::size_t room), (folder, path, text, size, room), Path(path, folder), kBlocking)
EDDY_GUARD(char*, realpath, (const char* path, char* result), (path, result), Path(path), kBlocking)
EDDY_GUARD(char*, __realpath_chk, (const char* path, char* result, std::size_t room), (path, result, room), Path(path), kBlocking)
EDDY_GUARD(int, chdir, (const char* path), (path), Path(path), kBlocking)
EDDY_GUARD(int, chmod, (const char* path, mode_t mode), (path, mode), Path(path), kBlocking)
EDDY_GUARD(int, fchmod, (int fd, mode_t mode), (fd, mode), File(fd), kBlocking)
EDDY_GUARD(int, fchmodat, (int folder, const char* path, mode_t mode, int flags), (folder, path, mode, flags), Path(path, folder), kBlocking)
EDDY_GUARD(int, chown, (const char* path, uid_t user, gid_t group), (path, user, group), Path(path), kBlocking)
EDDY_GUARD(int, lchown, (const char* path, uid_t user, gid_t group), (path, user, group), Path(path), kBlocking)
EDDY_GUARD(int, fchown, (int fd, uid_t user, gid_t group), (fd, user, group), File(fd), kBlocking)
EDDY_GUARD(int, fchownat, (int folder, const char* path, uid_t user, gid_t group, int flags), (folder, path, user, group, flags), Path(path, folder), kBlocking)
EDDY_GUARD(int, utimensat, (int folder, const char* path, const timespec* times, int flags), (folder, path, times, flags), Path(path, folder), kBlocking)
EDDY_GUARD(int, futimens, (int fd, const timespec* times), (fd, times), File(fd), kBlocking)
// clang-format on

}  // namespace eddy::internal::guard
