#include "examples/file_server/http_date.h"

#include <array>

namespace file_server {

std::string FormatHttpDate(std::time_t time) {
  std::tm utc{};
  gmtime_r(&time, &utc);
  std::array<char, 64> text;
  // The names of days and months are English: the program sets no locale.
  const std::size_t size = std::strftime(text.data(), text.size(),
                                         "%a, %d %b %Y %H:%M:%S GMT", &utc);
  return std::string(text.data(), size);
}

std::optional<std::time_t> ParseHttpDate(std::string_view text) {
  const std::string terminated(text);
  for (const char* format :
       {"%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT",
        "%a %b %d %H:%M:%S %Y"}) {
    std::tm utc{};
    const char* end = strptime(terminated.c_str(), format, &utc);
    if (end != nullptr && end == terminated.c_str() + terminated.size()) {
      return timegm(&utc);
    }
  }
  return std::nullopt;
}

std::string_view DateClock::Now() {
  const std::time_t now = std::time(nullptr);
  if (now != second_) {
    second_ = now;
    text_ = FormatHttpDate(now);
  }
  return text_;
}

}  // namespace file_server
