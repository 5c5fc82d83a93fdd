// The search of one file: its lines that match, in parts of bounded size.
#ifndef EDDY_EXAMPLES_GREP_TREE_FILE_SEARCH_H_
#define EDDY_EXAMPLES_GREP_TREE_FILE_SEARCH_H_

#include <eddy/fs/directory.h>
#include <eddy/io/fd.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>

#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "examples/grep_tree/pattern.h"

namespace grep_tree {

class FileSearch {
 public:
  // `output` is where the lines go: that file is not searched, as it would grow
  // as long as it is read.
  FileSearch(const Pattern& pattern, const struct stat& output)
      : pattern_(pattern), output_file_(output) {}

  // Begins with another file, which is printed as `path`; the memory of the
  // last one is used again, unless a long line has made it large. `parent` is
  // null for a file that was named, by a path from the current folder; of what
  // is in a folder only regular files are searched.
  void Begin(std::shared_ptr<const eddy::fs::Directory> parent,
             std::string name, std::string path);

  // Searches on, until the file is at its end or kMostOutput bytes of output
  // are there.
  // Errors: kCanceled; others are the file's and stand in error().
  eddy::Task<eddy::Result<void>> Continue();

  bool ended() const { return ended_; }
  // Lines, each with the file's path before it; the caller takes them.
  std::string& output() { return output_; }
  bool matched() const { return matched_; }
  // Was not searched, since it is where the lines go.
  bool is_output() const { return is_output_; }
  // Matched, but is not text: no line is printed.
  bool binary_matched() const { return binary_ && binary_matched_; }
  const std::optional<eddy::Error>& error() const { return error_; }
  const std::string& path() const { return path_; }

  static constexpr std::size_t kMostOutput = 256 * 1024;
  static constexpr std::size_t kMostLine = 64 * 1024 * 1024;

 private:
  eddy::Task<eddy::Result<void>> Open();
  eddy::Result<void> LookAt(bool was_named);
  eddy::Task<eddy::Result<void>> ReadOn();
  void SearchLines();
  void ScanNewBytes();
  void Print(std::string_view line);

  const Pattern& pattern_;
  const struct stat output_file_;
  std::shared_ptr<const eddy::fs::Directory> parent_;
  std::string name_;
  std::string path_;
  eddy::io::Fd fd_;
  std::uint64_t offset_ = 0;
  // Bytes that were read: whole lines from begin_ to lines_end_, and then one
  // in part. What is behind scanned_ has not been looked at.
  std::string buffer_;
  std::size_t begin_ = 0;
  std::size_t lines_end_ = 0;
  std::size_t scanned_ = 0;
  std::size_t end_ = 0;
  bool at_end_ = false;
  bool ended_ = true;
  bool is_output_ = false;
  bool binary_ = false;
  bool matched_ = false;
  bool binary_matched_ = false;
  std::string output_;
  std::optional<eddy::Error> error_;
};

}  // namespace grep_tree

#endif  // EDDY_EXAMPLES_GREP_TREE_FILE_SEARCH_H_
