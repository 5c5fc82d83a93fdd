// ReadDirectory: the entries of a folder, one by one.
//
//   auto entries = fs::ReadDirectory("/srv/www");
//   while (auto entry = co_await entries.Next()) {
//     EDDY_CO_TRY(const fs::DirectoryEntry file, *std::move(entry));
//     std::puts(file.name.c_str());
//   }
//
// Result: each name once, without "." and "..", in the file system's order,
// which is none. Names are bytes: anything but '/' and zero. What is made or
// removed meanwhile may be among them or not.
//
// Errors, as elements: those of Directory::Open and getdents64(2), after which
// the stream ends; EAGAIN, EMFILE as Blocking, likewise; kCanceled, after which
// it goes on.
//
// Stop: a stop point where entries have to be read, and only there. Nothing is
// lost: the next Next() goes on where this one was stopped. The read of a batch
// that a thread has begun is not interrupted.
//
// Lifetime: takes the path by value. A Directory lives until the call returns,
// which duplicates its descriptor; its position is neither used nor changed, so
// that several may read one folder.
//
// Cost: an open and, for each batch of about 2000 entries, a trip to the
// blocking pool (io_uring has no operation for it); a descriptor and 64 KiB as
// long as the stream lives, two for a Directory; an allocation for each name of
// more than 15 bytes. See getdents64(2).
#ifndef EDDY_FS_READ_DIRECTORY_H_
#define EDDY_FS_READ_DIRECTORY_H_

#include <eddy/fs/directory.h>
#include <eddy/fs/file_info.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/stream.h>

#include <cstdint>
#include <string>

namespace eddy::fs {

struct DirectoryEntry {
  std::string name;
  // As the file system tells it beside the name: kUnknown where it does not.
  FileType type = FileType::kUnknown;
  std::uint64_t inode = 0;
};

struct ReadDirectoryOptions {
  // Asks for each type that the file system does not tell: a statx each. (It
  // stays kUnknown where the entry has gone.)
  bool resolve_types = false;
};

Stream<Result<DirectoryEntry>> ReadDirectory(std::string path,
                                             ReadDirectoryOptions options = {});
Stream<Result<DirectoryEntry>> ReadDirectory(const Directory& directory,
                                             ReadDirectoryOptions options = {});

}  // namespace eddy::fs

#endif  // EDDY_FS_READ_DIRECTORY_H_
