#include "examples/copy_tree/node.h"

#include <eddy/fs/temporary_name.h>
#include <eddy/io/fd.h>

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <string>
#include <utility>

namespace copy_tree {
namespace {

using eddy::Result;
using eddy::Unexpected;

constexpr mode_t kSetId = S_ISUID | S_ISGID;

Unexpected LastError() { return Unexpected(eddy::Error::FromErrno(errno)); }

bool SameOwner(const struct stat& a, const struct stat& b) {
  return a.st_uid == b.st_uid && a.st_gid == b.st_gid;
}

// But for what fs::CopyFile does not take over where owner or group are not
// kept: the set-id and sticky bits, and what others than the owner may do.
bool SameMode(const struct stat& a, const struct stat& b) {
  mode_t compared = ~mode_t{0};
  if (!SameOwner(a, b)) compared &= ~mode_t{07000};
  if (a.st_gid != b.st_gid) compared &= ~mode_t{077};
  return ((a.st_mode ^ b.st_mode) & compared) == 0;
}

bool Same(const struct stat& a, const struct stat& b) {
  return SameMode(a, b) && a.st_size == b.st_size && a.st_rdev == b.st_rdev &&
         a.st_mtim.tv_sec == b.st_mtim.tv_sec &&
         a.st_mtim.tv_nsec == b.st_mtim.tv_nsec &&
         (!MayChangeOwner() || SameOwner(a, b));
}

// What `made` gets of the mode of `info`. Set-id bits would give the rights of
// another owner than before.
mode_t ModeFor(const struct stat& made, const struct stat& info) {
  const mode_t mode = info.st_mode & 07777;
  return SameOwner(made, info) ? mode : mode & ~kSetId;
}

std::array<timespec, 2> TimesOf(const struct stat& info) {
  return {info.st_atim, info.st_mtim};
}

// Makes the node under another name, until it is whole.
Result<void> MakeNode(int from, const char* name, const struct stat& info,
                      int to, const char* temporary) {
  if (S_ISLNK(info.st_mode)) {
    char target[PATH_MAX + 1];
    const ssize_t size = readlinkat(from, name, target, PATH_MAX);
    if (size < 0) return LastError();
    target[size] = '\0';
    if (symlinkat(target, to, temporary) != 0) return LastError();
  } else if (mknodat(to, temporary, info.st_mode, info.st_rdev) != 0) {
    return LastError();
  }
  if (MayChangeOwner() && fchownat(to, temporary, info.st_uid, info.st_gid,
                                   AT_SYMLINK_NOFOLLOW) != 0) {
    return LastError();
  }
  if (!S_ISLNK(info.st_mode)) {
    struct stat made;
    if (fstatat(to, temporary, &made, AT_SYMLINK_NOFOLLOW) != 0 ||
        fchmodat(to, temporary, ModeFor(made, info), AT_SYMLINK_NOFOLLOW) !=
            0) {
      return LastError();
    }
  }
  if (utimensat(to, temporary, TimesOf(info).data(), AT_SYMLINK_NOFOLLOW) !=
      0) {
    return LastError();
  }
  return {};
}

Result<void> Rename(int to, const std::string& temporary, const char* name) {
  if (renameat(to, temporary.c_str(), to, name) != 0) return LastError();
  return {};
}

// The folder that a path below `root` names something in: name by name, so that
// no link is followed, and the path may be longer than the kernel takes.
Result<eddy::io::Fd> OpenParent(int root, const std::string& path) {
  eddy::io::Fd folder;
  for (std::size_t at = 0, slash = 0;
       (slash = path.find('/', at)) != std::string::npos; at = slash + 1) {
    const std::string name = path.substr(at, slash - at);
    eddy::io::Fd next(openat(folder.valid() ? folder.get() : root, name.c_str(),
                             O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!next.valid()) return LastError();
    folder = std::move(next);
  }
  return folder;
}

void RemoveTemporaries(int folder) {
  const int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(fdopendir(fd), closedir);
  if (entries == nullptr) {
    close(fd);
    return;
  }
  while (const dirent* entry = readdir(entries.get())) {
    if (eddy::fs::IsTemporaryName(entry->d_name)) {
      unlinkat(folder, entry->d_name, 0);
    }
  }
}

// Where an earlier copy has finished a folder that its owner may not change. If
// that fails, so does what is put into it.
void MakeWritable(int folder) {
  struct stat info;
  if (fstat(folder, &info) == 0 && (info.st_mode & S_IRWXU) != S_IRWXU) {
    static_cast<void>(fchmod(folder, (info.st_mode & 07777) | S_IRWXU));
  }
}

}  // namespace

bool MayChangeOwner() {
  static const bool is_root = geteuid() == 0;
  return is_root;
}

Result<Look> LookAt(int from, const char* name, int to) {
  Look look;
  if (fstatat(from, name, &look.info, AT_SYMLINK_NOFOLLOW) != 0) {
    return LastError();
  }
  struct stat there;
  look.unchanged = to >= 0 &&
                   fstatat(to, name, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
                   Same(look.info, there);
  return look;
}

Result<FolderMade> MakeFolder(int from, const char* name, int to) {
  FolderMade made;
  if (fstatat(from, name, &made.info, AT_SYMLINK_NOFOLLOW) != 0) {
    return LastError();
  }
  made.is_new = mkdirat(to, name, 0700) == 0;
  if (!made.is_new && errno != EEXIST) return LastError();
  made.fd = openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (made.fd < 0) return LastError();
  if (!made.is_new) {
    MakeWritable(made.fd);
    RemoveTemporaries(made.fd);
  }
  return made;
}

Result<void> FinishFolder(int to, const struct stat& info) {
  if (MayChangeOwner() && fchown(to, info.st_uid, info.st_gid) != 0) {
    return LastError();
  }
  struct stat made;
  if (fstat(to, &made) != 0 || fchmod(to, ModeFor(made, info)) != 0) {
    return LastError();
  }
  if (futimens(to, TimesOf(info).data()) != 0) return LastError();
  return {};
}

Result<void> CopyNode(int from, const char* name, const struct stat& info,
                      int to) {
  const std::string temporary = eddy::fs::NewTemporaryName();
  Result<void> result = MakeNode(from, name, info, to, temporary.c_str());
  if (result) result = Rename(to, temporary, name);
  if (!result) unlinkat(to, temporary.c_str(), 0);
  return result;
}

Result<bool> LinkNode(int target_root, const std::string& first, int to,
                      const char* name) {
  const Result<eddy::io::Fd> parent = OpenParent(target_root, first);
  if (!parent) return Unexpected(parent.error());
  const int from = parent->valid() ? parent->get() : target_root;
  const std::string from_name = first.substr(first.rfind('/') + 1);
  struct stat file;
  if (fstatat(from, from_name.c_str(), &file, AT_SYMLINK_NOFOLLOW) != 0) {
    return LastError();
  }
  struct stat there;
  if (fstatat(to, name, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
      there.st_ino == file.st_ino && there.st_dev == file.st_dev) {
    return true;
  }
  const std::string temporary = eddy::fs::NewTemporaryName();
  if (linkat(from, from_name.c_str(), to, temporary.c_str(), 0) != 0) {
    return LastError();
  }
  const Result<void> renamed = Rename(to, temporary, name);
  if (renamed) return false;
  unlinkat(to, temporary.c_str(), 0);
  return Unexpected(renamed.error());
}

}  // namespace copy_tree
