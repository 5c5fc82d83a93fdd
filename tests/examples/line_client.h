// LineClient: a client of a server that speaks in lines.
#ifndef EDDY_TESTS_EXAMPLES_LINE_CLIENT_H_
#define EDDY_TESTS_EXAMPLES_LINE_CLIENT_H_

#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "tests/examples/http_client.h"

namespace eddy::testing_examples {

class LineClient {
 public:
  explicit LineClient(const std::string& address, int receive_buffer = 0)
      : connection_(address, receive_buffer) {}

  // False if the server has closed the connection meanwhile.
  bool Say(std::string line) { return connection_.Send(line += '\n'); }
  bool Send(std::string_view text) { return connection_.Send(text); }

  // The next line; "" at the end.
  std::string Hear() {
    std::size_t end = 0;
    while ((end = text_.find('\n')) == text_.npos) {
      const std::string more = connection_.Read(64 * 1024);
      if (more.empty()) return "";
      text_ += more;
    }
    std::string line = text_.substr(0, end);
    text_.erase(0, end + 1);
    return line;
  }
  std::string Ask(const std::string& line) {
    return Say(line) ? Hear() : std::string();
  }

  HttpClient& connection() { return connection_; }

 private:
  HttpClient connection_;
  std::string text_;
};

}  // namespace eddy::testing_examples

#endif  // EDDY_TESTS_EXAMPLES_LINE_CLIENT_H_
