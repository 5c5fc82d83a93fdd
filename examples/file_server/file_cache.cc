#include "examples/file_server/file_cache.h"

#include <eddy/io/statx.h>

#include <array>
#include <cstdio>
#include <utility>

#include "examples/file_server/content_type.h"
#include "examples/file_server/http_date.h"
#include "examples/file_server/text.h"

namespace file_server {
namespace {

using eddy::Result;
using eddy::Task;
using eddy::Unexpected;
namespace io = eddy::io;

bool OutOfDescriptors(eddy::Error error) {
  return error == std::errc::too_many_files_open ||
         error == std::errc::too_many_files_open_in_system;
}

// Changes whenever the file's content does.
std::string MakeEtag(const struct statx& info) {
  std::array<char, 64> text;
  const int size = std::snprintf(
      text.data(), text.size(), "\"%llx-%x-%llx\"",
      static_cast<unsigned long long>(info.stx_mtime.tv_sec),
      info.stx_mtime.tv_nsec, static_cast<unsigned long long>(info.stx_size));
  return std::string(text.data(), static_cast<std::size_t>(size));
}

void PrepareHeaders(const std::string& path, const struct statx& info,
                    OpenFile& file) {
  file.size = info.stx_size;
  file.modified = info.stx_mtime.tv_sec;
  file.etag = MakeEtag(info);
  file.last_modified = FormatHttpDate(file.modified);
  file.validators = Concat(
      {"ETag: ", file.etag, "\r\nLast-Modified: ", file.last_modified, "\r\n"});
  file.fields = Concat({"Content-Type: ", ContentTypeOf(path),
                        "\r\nX-Content-Type-Options: nosniff"
                        "\r\nAccept-Ranges: bytes\r\n",
                        file.validators});
  file.whole_head =
      Concat({"HTTP/1.1 200 OK\r\nServer: eddy\r\nContent-Length: ",
              std::to_string(file.size), "\r\n", file.fields});
}

}  // namespace

FileCache::FileCache(eddy::fs::Directory root, std::size_t capacity,
                     std::chrono::nanoseconds validity)
    : root_(std::move(root)), capacity_(capacity), validity_(validity) {}

FilePtr FileCache::Find(std::string_view path) {
  const auto found = index_.find(path);
  if (found == index_.end()) return nullptr;
  Entry& entry = *found->second;
  if (const eddy::TimePoint now = eddy::Clock::now();
      entry.valid_until <= now) {
    // This caller looks at the disk; the others need not do so all at once.
    entry.valid_until = eddy::After(now, validity_);
    return nullptr;
  }
  entries_.splice(entries_.begin(), entries_, found->second);
  return entry.file;
}

Task<Result<FilePtr>> FileCache::Open(const std::string& path) {
  Result<FilePtr> file = Unexpected(std::errc::no_such_file_or_directory);
  if (path.ends_with('/')) {
    file = co_await OpenBeneath(path + "index.html");
    if (file && (*file)->is_folder) {
      file = Unexpected(std::errc::no_such_file_or_directory);
    }
  }
  if (!file && file.error() == std::errc::no_such_file_or_directory) {
    file = co_await OpenBeneath(path);
  }
  if (file && !(*file)->is_folder) {
    Remember(path, *file);
  } else {
    Forget(path);
  }
  co_return file;
}

Task<Result<FilePtr>> FileCache::OpenBeneath(const std::string& path) {
  Result<eddy::fs::File> opened = co_await root_.OpenFile(path);
  for (int tries = 0; !opened && tries < 3; ++tries) {
    if (!OutOfDescriptors(opened.error())) break;
    Clear();
    opened = co_await root_.OpenFile(path);
  }
  if (!opened) co_return Unexpected(opened.error());

  const auto file = std::make_shared<OpenFile>();
  file->content = *std::move(opened);
  EDDY_CO_TRY(const struct statx info,
              co_await io::Statx(file->content.fd(),
                                 STATX_TYPE | STATX_SIZE | STATX_MTIME));
  if (S_ISDIR(info.stx_mode)) {
    file->is_folder = true;
    co_return file;
  }
  if (!S_ISREG(info.stx_mode)) {
    co_return Unexpected(std::errc::permission_denied);
  }
  PrepareHeaders(path, info, *file);
  co_return file;
}

void FileCache::Remember(const std::string& path, FilePtr file) {
  const eddy::TimePoint valid_until =
      eddy::After(eddy::Clock::now(), validity_);
  if (const auto found = index_.find(path); found != index_.end()) {
    found->second->file = std::move(file);
    found->second->valid_until = valid_until;
    return;
  }
  if (validity_ <= validity_.zero()) return;
  if (entries_.size() >= capacity_) Forget(entries_.back().path);
  entries_.push_front({path, std::move(file), valid_until});
  index_.emplace(path, entries_.begin());
}

void FileCache::Forget(std::string_view path) {
  const auto found = index_.find(path);
  if (found == index_.end()) return;
  entries_.erase(found->second);
  index_.erase(found);
}

void FileCache::Clear() {
  index_.clear();
  entries_.clear();
}

}  // namespace file_server
