// Stat: what is known of a file, without opening it.
//
//   EDDY_CO_TRY(const fs::FileInfo info, co_await fs::Stat("notes.txt"));
//
// With `follow` = false a symbolic link at the end of the path is what is told
// of. Of an open file see File::Stat, beneath a folder Directory::Stat.
//
// Errors: those of statx(2), such as ENOENT, ENOTDIR, EACCES, ELOOP; EINVAL for
// a path with a zero byte; kCanceled.
// Lifetime: takes the path by value.
// Cost: one operation, which a kernel worker carries out.
#ifndef EDDY_FS_STAT_H_
#define EDDY_FS_STAT_H_

#include <eddy/fs/file_info.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>

#include <string>

namespace eddy::fs {

Task<Result<FileInfo>> Stat(std::string path, bool follow = true);

}  // namespace eddy::fs

#endif  // EDDY_FS_STAT_H_
