// ReadFile: a whole file as a string.
//
// Result: the bytes of the file. Works for files whose size the kernel does not
// tell, such as those in /proc.
// Errors: those of File::Open and io::ReadAt; EFBIG if there are more than
// `limit` bytes; kCanceled.
// Lifetime: takes the path by value.
// Cost: memory for the file and at most one larger buffer while it grows; an
// open, a statx, reads and a close.
#ifndef EDDY_FS_READ_FILE_H_
#define EDDY_FS_READ_FILE_H_

#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>

#include <cstddef>
#include <limits>
#include <string>

namespace eddy::fs {

Task<Result<std::string>> ReadFile(
    std::string path,
    std::size_t limit = std::numeric_limits<std::size_t>::max());

}  // namespace eddy::fs

#endif  // EDDY_FS_READ_FILE_H_
