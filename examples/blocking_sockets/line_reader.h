// LineReader: the lines that come from a blocking socket.
#ifndef EDDY_EXAMPLES_BLOCKING_SOCKETS_LINE_READER_H_
#define EDDY_EXAMPLES_BLOCKING_SOCKETS_LINE_READER_H_

#include <chrono>
#include <cstddef>
#include <cstring>
#include <string_view>
#include <vector>

#include "examples/blocking_sockets/socket.h"

namespace blocking_sockets {

class LineReader {
 public:
  enum class Status { kLine, kEnd, kTooLong, kTimedOut };

  // `longest` is of a line with its end.
  LineReader(Socket& socket, std::size_t longest, std::chrono::nanoseconds time)
      : socket_(socket), buffer_(longest), time_(time) {
    socket.SetReceiveTimeout(time);
  }

  // The next line, in line(), valid until the next call. A client that sends
  // byte by byte is given up after twice the time at the latest.
  Status Next() {
    const auto start = std::chrono::steady_clock::now();
    std::memmove(buffer_.data(), buffer_.data() + taken_, filled_ - taken_);
    filled_ -= taken_;
    taken_ = 0;
    std::size_t searched = 0;
    while (true) {
      const std::string_view text(buffer_.data(), filled_);
      const std::size_t end = text.find('\n', searched);
      if (end != text.npos) {
        taken_ = end + 1;
        line_ = text.substr(0, end);
        if (line_.ends_with('\r')) line_.remove_suffix(1);
        return Status::kLine;
      }
      if (filled_ == buffer_.size()) return Status::kTooLong;
      searched = filled_;
      const auto n =
          socket_.Receive(buffer_.data() + filled_, buffer_.size() - filled_);
      if (!n) return Status::kTimedOut;
      if (*n == 0) return Status::kEnd;
      filled_ += *n;
      if (std::chrono::steady_clock::now() - start > time_ &&
          std::memchr(buffer_.data() + searched, '\n', *n) == nullptr) {
        return Status::kTimedOut;
      }
    }
  }
  std::string_view line() const { return line_; }

 private:
  Socket& socket_;
  std::vector<char> buffer_;
  const std::chrono::nanoseconds time_;
  std::size_t filled_ = 0;
  std::size_t taken_ = 0;
  std::string_view line_;
};

}  // namespace blocking_sockets

#endif  // EDDY_EXAMPLES_BLOCKING_SOCKETS_LINE_READER_H_
