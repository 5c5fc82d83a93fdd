// What the canned servers of the HTTP benchmark answer: the text of a file,
// with a head, made once.

#ifndef EDDY_BENCH_HTTP_CANNED_H_
#define EDDY_BENCH_HTTP_CANNED_H_

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

#include "bench/lib/die.h"

namespace eddy::bench {

// The answer, several times over: requests that came together are answered
// together.
class CannedAnswers {
 public:
  static constexpr std::size_t kTogether = 16;

  // Ends the program if the file cannot be read.
  explicit CannedAnswers(const char* path) {
    std::ostringstream body;
    errno = 0;
    body << std::ifstream(path).rdbuf();
    if (!body) Die(path);
    const std::string answer =
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: " +
        std::to_string(body.str().size()) + "\r\n\r\n" + body.str();
    size_ = answer.size();
    for (std::size_t i = 0; i < kTogether; ++i) text_ += answer;
  }

  // The answers to `owed` requests, or to the first kTogether of them.
  std::string_view To(std::size_t owed) const {
    return {text_.data(), std::min(owed, kTogether) * size_};
  }

 private:
  std::string text_;
  std::size_t size_ = 0;
};

}  // namespace eddy::bench

#endif  // EDDY_BENCH_HTTP_CANNED_H_
