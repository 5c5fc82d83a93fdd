#include <eddy/fs/read_directory.h>

#include <eddy/fs/directory_batch.h>
#include <eddy/io/open_at.h>
#include <eddy/io/statx.h>
#include <eddy/runtime/blocking.h>

#include <fcntl.h>

#include <optional>
#include <utility>

namespace eddy::fs {
namespace {

using internal::DirectoryBatch;

Stream<Result<DirectoryEntry>> EntriesOf(io::Fd fd,
                                         ReadDirectoryOptions options) {
  DirectoryBatch batch;
  while (!batch.ended()) {
    const Result<void> filled =
        co_await Blocking(&DirectoryBatch::Fill, &batch, fd.get());
    DirectoryBatch::Entry raw;
    while (batch.Take(raw)) {
      DirectoryEntry entry;
      entry.name = raw.name;
      entry.type = raw.type;
      entry.inode = raw.inode;
      while (options.resolve_types && entry.type == FileType::kUnknown) {
        const Result<struct statx> info =
            co_await io::Statx(fd, entry.name, AT_SYMLINK_NOFOLLOW, STATX_TYPE);
        if (info) entry.type = TypeOfMode(info->stx_mode);
        if (info || info.error() != kCanceled) break;
        co_yield Unexpected(kCanceled);
      }
      co_yield std::move(entry);
    }
    if (!filled) {
      co_yield Unexpected(filled.error());
      if (filled.error() != kCanceled) co_return;
    }
  }
}

Stream<Result<DirectoryEntry>> OpenAndRead(const io::Fd& base, std::string path,
                                           ReadDirectoryOptions options) {
  io::OpenHow how;
  how.flags = O_RDONLY | O_DIRECTORY;
  while (true) {
    Result<io::Fd> fd = co_await io::OpenAt(base, path, how);
    if (fd) {
      co_yield EntriesOf(*std::move(fd), options);
      co_return;
    }
    co_yield Unexpected(fd.error());
    if (fd.error() != kCanceled) co_return;
  }
}

Stream<Result<DirectoryEntry>> ReadOpen(Result<Directory> directory,
                                        ReadDirectoryOptions options) {
  if (directory) {
    co_yield OpenAndRead(directory->fd(), ".", options);
  } else {
    co_yield Unexpected(directory.error());
  }
}

}  // namespace

Stream<Result<DirectoryEntry>> ReadDirectory(std::string path,
                                             ReadDirectoryOptions options) {
  return OpenAndRead(io::Fd::CurrentDirectory(), std::move(path), options);
}

Stream<Result<DirectoryEntry>> ReadDirectory(const Directory& directory,
                                             ReadDirectoryOptions options) {
  return ReadOpen(directory.Duplicate(), options);
}

}  // namespace eddy::fs
