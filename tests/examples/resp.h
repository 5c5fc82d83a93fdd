// What tests need of the Redis protocol: requests, and where replies end.
#ifndef EDDY_TESTS_EXAMPLES_RESP_H_
#define EDDY_TESTS_EXAMPLES_RESP_H_

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace eddy::testing_examples {

// An array of bulk strings.
inline std::string RespRequest(const std::vector<std::string>& words) {
  std::string text = "*" + std::to_string(words.size()) + "\r\n";
  for (const std::string& word : words) {
    text += "$" + std::to_string(word.size()) + "\r\n" + word + "\r\n";
  }
  return text;
}

// The size of the reply that some bytes begin with; none where it is not whole,
// npos where it is none.
inline std::optional<std::size_t> RespReplySize(std::string_view bytes) {
  constexpr std::size_t kWrong = std::string_view::npos;
  // Replies that are still to come.
  std::uint64_t left = 1;
  std::size_t at = 0;
  while (left > 0) {
    const std::size_t end = bytes.find("\r\n", at);
    if (end == bytes.npos) return {};
    const std::string_view line = bytes.substr(at, end - at);
    if (line.empty()) return kWrong;
    at = end + 2;
    --left;
    if (line.find_first_of("\r\n") != line.npos) return kWrong;
    if (line[0] == '+' || line[0] == '-' || line == "_") continue;
    std::int64_t number = 0;
    const auto [stop, error] =
        std::from_chars(line.data() + 1, line.data() + line.size(), number);
    if (error != std::errc() || stop != line.data() + line.size()) {
      return kWrong;
    }
    const auto size =
        static_cast<std::uint64_t>(std::max<std::int64_t>(number, 0));
    switch (line[0]) {
      case ':':
        break;
      case '$':
      case '=':
        if (number < 0) break;
        if (bytes.size() - at < size + 2) return {};
        if (bytes.substr(at + size, 2) != "\r\n") return kWrong;
        at += size + 2;
        break;
      case '*':
      case '>':
      case '~':
        left += size;
        break;
      case '%':
        left += 2 * size;
        break;
      default:
        return kWrong;
    }
  }
  return at;
}

}  // namespace eddy::testing_examples

#endif  // EDDY_TESTS_EXAMPLES_RESP_H_
