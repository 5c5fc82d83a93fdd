// FileCache: the files that were asked for lately, open and with their header
// fields ready, so that answering does not begin with the disk.
//
// It also is the only place that turns a path into a file. fs::Directory keeps
// the path below the root: neither "..", nor an absolute path, nor a symbolic
// link, nor a rename at the wrong moment leads out.
//
// A file is shared by the cache and by every response that is sending it, and
// closed when the last of them lets go.
#ifndef EDDY_EXAMPLES_FILE_SERVER_FILE_CACHE_H_
#define EDDY_EXAMPLES_FILE_SERVER_FILE_CACHE_H_

#include <eddy/fs/directory.h>
#include <eddy/fs/file.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>
#include <eddy/runtime/time.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

namespace file_server {

struct OpenFile {
  eddy::fs::File content;  // or a folder
  bool is_folder = false;
  std::uint64_t size = 0;
  std::time_t modified = 0;
  std::string etag;           // with its quotes
  std::string last_modified;  // as HTTP writes it
  // Header lines. What a 304 tells, what every answer with content tells, and
  // all of a whole 200 that does not change from one answer to the next.
  std::string validators;
  std::string fields;
  std::string whole_head;
};

using FilePtr = std::shared_ptr<const OpenFile>;

class FileCache {
 public:
  // Keeps at most `capacity` files open besides those in use.
  FileCache(eddy::fs::Directory root, std::size_t capacity,
            std::chrono::nanoseconds validity);

  // The file, or null where it has to be opened (again).
  FilePtr Find(std::string_view path);

  // Opens what `path`, relative to the root, names: a regular file or a folder;
  // for a path with a slash at its end the folder's index.html if there is one.
  // Errors: those of fs::Directory::OpenFile; EACCES for what is neither file
  // nor folder. Lifetime: path lives until the await returns.
  eddy::Task<eddy::Result<FilePtr>> Open(const std::string& path);

  void Forget(std::string_view path);

  // Forgets all, and so closes what is not in use: descriptors have run out.
  void Clear();

 private:
  struct Entry {
    std::string path;
    FilePtr file;
    eddy::TimePoint valid_until;
  };
  using Entries = std::list<Entry>;
  // Finds a std::string by a std::string_view.
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };

  eddy::Task<eddy::Result<FilePtr>> OpenBeneath(const std::string& path);
  void Remember(const std::string& path, FilePtr file);

  const eddy::fs::Directory root_;
  const std::size_t capacity_;
  const std::chrono::nanoseconds validity_;
  Entries entries_;  // the one that was used last is in front
  std::unordered_map<std::string, Entries::iterator, Hash, std::equal_to<>>
      index_;
};

}  // namespace file_server

#endif  // EDDY_EXAMPLES_FILE_SERVER_FILE_CACHE_H_
