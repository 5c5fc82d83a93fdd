// FileCopy: a copy of a file in steps that block, each for a bounded time. What
// CopyFile runs on threads of the blocking pool.
#ifndef EDDY_FS_FILE_COPY_H_
#define EDDY_FS_FILE_COPY_H_

#include <eddy/fs/copy_file.h>
#include <eddy/runtime/result.h>

#include <sys/stat.h>

#include <cstdint>
#include <string>

namespace eddy::fs::internal {

class FileCopy {
 public:
  // One end: an open folder, or AT_FDCWD, and a path.
  struct Place {
    int directory;
    std::string path;
  };

  // `flags` are further ones to open `from` with; `name` is a single one in the
  // folder `to`.
  FileCopy(Place from, int flags, Place to, std::string name,
           const CopyFileOptions& options);
  ~FileCopy() { Discard(); }
  FileCopy(const FileCopy&) = delete;
  FileCopy& operator=(const FileCopy&) = delete;

  // Goes on copying for a while. True: the copy has its name. After that, or an
  // error, nothing may follow.
  Result<bool> Step();
  // Removes what is not whole, and closes all.
  void Discard() noexcept;
  // Whether there is something to discard. False after a Step that has failed.
  bool open() const noexcept { return folder_fd_ >= 0; }

  // Bytes of the file.
  std::uint64_t size() const noexcept { return size_; }

 private:
  Result<bool> Continue();
  Result<void> Open();
  Result<void> CheckName() const;
  Result<void> MakeTemporary();
  Result<void> NextSegment();
  Result<std::uint64_t> CopySome(std::uint64_t most);
  Result<std::uint64_t> ReadAndWrite(std::uint64_t most);
  Result<void> TakeOver();
  Result<void> TakeOverAttributes();
  Result<void> Finish();
  Result<void> GiveName();

  const Place from_;
  const int flags_;
  const Place to_;
  const std::string name_;
  const CopyFileOptions options_;
  // That of the copy, found once.
  int folder_fd_ = -1;
  int from_fd_ = -1;
  int to_fd_ = -1;
  std::string temporary_;
  struct stat info_ {};
  std::uint64_t size_ = 0;
  // What is to be copied next, of the part that has data.
  std::uint64_t offset_ = 0;
  std::uint64_t segment_end_ = 0;
  bool ended_ = false;
  bool sparse_ = false;
  bool offload_;
};

}  // namespace eddy::fs::internal

#endif  // EDDY_FS_FILE_COPY_H_
