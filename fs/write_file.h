// WriteFile: replaces the contents of a file, or makes it.
//
// Result: nothing; the file holds `data`. Not durable before a sync.
// Errors: those of File::Open, io::WriteAt and io::Close, such as ENOSPC;
// kCanceled. After an error or a stop the file may hold a part of the data.
// Lifetime: takes the path by value; data lives until the await returns.
// Cost: an open by a kernel worker, writes, and a close.
#ifndef EDDY_FS_WRITE_FILE_H_
#define EDDY_FS_WRITE_FILE_H_

#include <eddy/fs/file.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace eddy::fs {

Task<Result<void>> WriteFile(std::string path, std::span<const std::byte> data,
                             OpenOptions options = OpenOptions::Rewrite());
Task<Result<void>> WriteFile(std::string path, std::string_view data,
                             OpenOptions options = OpenOptions::Rewrite());

}  // namespace eddy::fs

#endif  // EDDY_FS_WRITE_FILE_H_
