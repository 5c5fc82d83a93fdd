// Dates as HTTP writes them: "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, 5.6.7).
#ifndef EDDY_EXAMPLES_FILE_SERVER_HTTP_DATE_H_
#define EDDY_EXAMPLES_FILE_SERVER_HTTP_DATE_H_

#include <ctime>
#include <optional>
#include <string>
#include <string_view>

namespace file_server {

std::string FormatHttpDate(std::time_t time);

// Reads the form above and the two older ones. Nothing if it is none of them.
std::optional<std::time_t> ParseHttpDate(std::string_view text);

// The current date; formatted once a second, and not for every response.
class DateClock {
 public:
  // Valid until the next call.
  std::string_view Now();

 private:
  std::time_t second_ = -1;
  std::string text_;
};

}  // namespace file_server

#endif  // EDDY_EXAMPLES_FILE_SERVER_HTTP_DATE_H_
