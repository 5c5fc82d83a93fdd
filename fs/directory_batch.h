// DirectoryBatch: entries of an open folder, as many at a time as a buffer
// holds. What ReadDirectory and Walk read with, on threads of the blocking
// pool: io_uring has no operation for it.
#ifndef EDDY_FS_DIRECTORY_BATCH_H_
#define EDDY_FS_DIRECTORY_BATCH_H_

#include <eddy/fs/file_info.h>
#include <eddy/runtime/result.h>

#include <cstddef>
#include <cstdint>
#include <memory>

namespace eddy::fs::internal {

class DirectoryBatch {
 public:
  struct Entry {
    const char* name;
    FileType type;
    std::uint64_t inode;
  };

  // Reads on where the descriptor stands, until the buffer is full or the
  // folder is at its end. Blocks. Errors: those of getdents64(2), ENOMEM; what
  // was read before one is there.
  Result<void> Fill(int fd);
  // Whether the last Fill has come to the end of the folder.
  bool ended() const noexcept { return ended_; }

  // Takes the next entry that was read, "." and ".." left out; false where
  // there is none. The name lives until the next Fill.
  bool Take(Entry& entry) noexcept;

 private:
  std::unique_ptr<std::byte[]> buffer_;
  std::size_t size_ = 0;
  std::size_t at_ = 0;
  bool ended_ = false;
};

}  // namespace eddy::fs::internal

#endif  // EDDY_FS_DIRECTORY_BATCH_H_
