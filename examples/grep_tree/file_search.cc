#include "examples/grep_tree/file_search.h"

#include <eddy/io/open_at.h>
#include <eddy/io/read_at.h>

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>
#include <utility>

namespace grep_tree {
namespace {

using eddy::Result;
using eddy::Task;
using eddy::Unexpected;

// As GNU grep reads: whether a file is binary, it decides by such parts.
constexpr std::size_t kPart = 96 * 1024;
// What is kept for the next file.
constexpr std::size_t kKept = 1024 * 1024;

void GiveBackIfLarge(std::string& text) {
  if (text.capacity() > kKept) text = std::string();
}

}  // namespace

void FileSearch::Begin(std::shared_ptr<const eddy::fs::Directory> parent,
                       std::string name, std::string path) {
  parent_ = std::move(parent);
  name_ = std::move(name);
  path_ = std::move(path);
  offset_ = begin_ = lines_end_ = scanned_ = end_ = 0;
  at_end_ = ended_ = is_output_ = false;
  binary_ = matched_ = binary_matched_ = false;
  error_.reset();
  GiveBackIfLarge(buffer_);
  GiveBackIfLarge(output_);
}

Task<Result<void>> FileSearch::Continue() {
  Result<void> step;
  if (!fd_.valid()) step = co_await Open();
  while (step && !ended_ && output_.size() < kMostOutput) {
    SearchLines();
    if (ended_ || output_.size() >= kMostOutput) break;
    step = co_await ReadOn();
  }
  if (step && !ended_) co_return step;
  fd_ = eddy::io::Fd();
  if (step) co_return step;
  if (step.error() == eddy::kCanceled) co_return step;
  ended_ = true;
  error_ = step.error();
  co_return Result<void>();
}

Task<Result<void>> FileSearch::Open() {
  eddy::io::OpenHow how;
  how.flags = O_RDONLY | O_NOCTTY;
  // (By now the name may be a FIFO's, which nobody writes.)
  if (parent_) how.flags |= O_NOFOLLOW | O_NONBLOCK;
  const eddy::io::Fd& folder =
      parent_ ? parent_->fd() : eddy::io::Fd::CurrentDirectory();
  Result<eddy::io::Fd> fd =
      co_await eddy::io::OpenAt(folder, name_.c_str(), how);
  const bool was_named = std::exchange(parent_, nullptr) == nullptr;
  if (!fd) co_return Unexpected(fd.error());
  fd_ = *std::move(fd);
  co_return LookAt(was_named);
}

Result<void> FileSearch::LookAt(bool was_named) {
  struct stat info;
  if (fstat(fd_.get(), &info) != 0 ||
      (!was_named && fcntl(fd_.get(), F_SETFL, 0) != 0)) {
    return Unexpected(eddy::Error::FromErrno(errno));
  }
  const bool regular = S_ISREG(info.st_mode);
  is_output_ = regular && info.st_dev == output_file_.st_dev &&
               info.st_ino == output_file_.st_ino;
  ended_ = is_output_ || (!regular && !was_named);
  return Result<void>();
}

// Reads a part behind the line that was read in part.
Task<Result<void>> FileSearch::ReadOn() {
  if (at_end_) {
    ended_ = true;
    co_return Result<void>();
  }
  if (begin_ != 0) {
    std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(begin_),
              buffer_.begin() + static_cast<std::ptrdiff_t>(end_),
              buffer_.begin());
    scanned_ -= begin_;
    end_ -= std::exchange(begin_, 0);
    lines_end_ = 0;
  }
  if (end_ > kMostLine) co_return Unexpected(std::errc::file_too_large);
  if (buffer_.size() < end_ + kPart) buffer_.resize(2 * end_ + kPart);
  const std::size_t until = end_ + kPart;
  while (end_ < until && !at_end_) {
    const auto room =
        std::as_writable_bytes(std::span(buffer_)).subspan(end_, until - end_);
    EDDY_CO_TRY(const std::size_t n,
                co_await eddy::io::ReadAt(fd_, offset_, room));
    offset_ += n;
    end_ += n;
    at_end_ = n == 0;
  }
  co_return Result<void>();
}

// Each byte once, however long its line.
void FileSearch::ScanNewBytes() {
  char* const data = buffer_.data();
  const std::size_t size = end_ - scanned_;
  if (size != 0) {
    binary_ = binary_ || std::memchr(data + scanned_, 0, size) != nullptr;
    // In a file that is not text, zeros end lines.
    if (binary_) std::replace(data + scanned_, data + end_, '\0', '\n');
    const void* const last = memrchr(data + scanned_, '\n', size);
    if (last != nullptr) {
      lines_end_ =
          static_cast<std::size_t>(static_cast<const char*>(last) - data) + 1;
    }
    scanned_ = end_;
  }
  if (at_end_) lines_end_ = end_;
}

void FileSearch::SearchLines() {
  ScanNewBytes();
  while (!ended_ && begin_ < lines_end_ && output_.size() < kMostOutput) {
    std::string_view lines(buffer_.data() + begin_, lines_end_ - begin_);
    if (lines.back() == '\n') lines.remove_suffix(1);
    const std::optional<std::size_t> found = pattern_.Find(lines);
    if (!found) {
      begin_ = lines_end_;
      continue;
    }
    matched_ = true;
    if (binary_) {
      binary_matched_ = ended_ = true;
      return;
    }
    const std::size_t before = lines.substr(0, *found).rfind('\n');
    const std::size_t from = before == std::string_view::npos ? 0 : before + 1;
    const std::size_t to = std::min(lines.find('\n', *found), lines.size());
    Print(lines.substr(from, to - from));
    begin_ += std::min(to + 1, lines_end_ - begin_);
  }
}

void FileSearch::Print(std::string_view line) {
  output_ += path_;
  output_ += ':';
  output_ += line;
  output_ += '\n';
}

}  // namespace grep_tree
