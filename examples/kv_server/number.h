// ParseInteger: a whole number as Redis accepts it: no sign but '-', no leading
// zeros, no spaces, nothing behind it.
#ifndef EDDY_EXAMPLES_KV_SERVER_NUMBER_H_
#define EDDY_EXAMPLES_KV_SERVER_NUMBER_H_

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>
#include <system_error>

namespace kv_server {

inline std::optional<std::int64_t> ParseInteger(std::string_view text) {
  const std::string_view digits = text.starts_with('-') ? text.substr(1) : text;
  if (digits.empty() || (digits.front() == '0' && text.size() > 1)) return {};
  std::int64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stop != end) return {};
  return number;
}

}  // namespace kv_server

#endif  // EDDY_EXAMPLES_KV_SERVER_NUMBER_H_
