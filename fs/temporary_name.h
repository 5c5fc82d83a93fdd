// Names of files that are not whole yet.
//
// WriteFileAtomic and CopyFile write a file under such a name and rename it
// when it is whole. They remove it after an error or a stop; where the process
// was killed it stays: ".eddy-", 16 hexadecimal digits, ".tmp". Such a file is
// nobody's once no process writes to it, and may be removed.
#ifndef EDDY_FS_TEMPORARY_NAME_H_
#define EDDY_FS_TEMPORARY_NAME_H_

#include <string>
#include <string_view>

namespace eddy::fs {

// A name that, most likely, nothing has.
std::string NewTemporaryName();

// Whether it is such a name, without the path of its folder.
bool IsTemporaryName(std::string_view name) noexcept;

namespace internal {

// 16 hexadecimal digits.
std::string RandomDigits();

// How often to try another one where something has it all the same.
inline constexpr int kMostTemporaryNames = 16;

}  // namespace internal
}  // namespace eddy::fs

#endif  // EDDY_FS_TEMPORARY_NAME_H_
