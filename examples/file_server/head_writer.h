// HeadWriter: puts a file's response head into the buffer that the file's bytes
// then follow in, so that head and content are one send.
#ifndef EDDY_EXAMPLES_FILE_SERVER_HEAD_WRITER_H_
#define EDDY_EXAMPLES_FILE_SERVER_HEAD_WRITER_H_

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "examples/file_server/file_cache.h"
#include "examples/file_server/selection.h"
#include "examples/file_server/status.h"

namespace file_server {

class HeadWriter {
 public:
  // REQUIRES: room for what is appended; a head is never near 4 KiB.
  explicit HeadWriter(std::span<std::byte> buffer) noexcept : buffer_(buffer) {}

  std::size_t size() const noexcept { return size_; }

  HeadWriter& Append(std::string_view text) noexcept {
    assert(text.size() <= buffer_.size() - size_);
    std::memcpy(buffer_.data() + size_, text.data(), text.size());
    size_ += text.size();
    return *this;
  }

  // The status line, and what the selected part of the file is.
  void Begin(const Selection& selected, const OpenFile& file) {
    if (selected.status == Status::kOk) {
      Append(file.whole_head);
      return;
    }
    Append("HTTP/1.1 ").Append(StatusText(selected.status));
    Append("\r\nServer: eddy\r\n");
    if (selected.status == Status::kNotModified) {
      Append(file.validators);
      return;
    }
    const std::uint64_t last = selected.offset + selected.length - 1;
    Append("Content-Range: bytes ").Append(std::to_string(selected.offset));
    Append("-").Append(std::to_string(last));
    Append("/").Append(std::to_string(file.size));
    Append("\r\nContent-Length: ").Append(std::to_string(selected.length));
    Append("\r\n").Append(file.fields);
  }

 private:
  std::span<std::byte> buffer_;
  std::size_t size_ = 0;
};

}  // namespace file_server

#endif  // EDDY_EXAMPLES_FILE_SERVER_HEAD_WRITER_H_
