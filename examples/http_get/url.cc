#include "examples/http_get/url.h"

#include <strings.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <system_error>

namespace http_get {
namespace {

using eddy::Result;
using eddy::Unexpected;

constexpr std::string_view kScheme = "http://";

bool IsGraphic(char c) { return c > ' ' && c < 0x7f; }

bool ParsePort(std::string_view text, std::uint16_t& port) {
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, port);
  return error == std::errc() && stop == end && port != 0;
}

// Where the host ends and ":port" begins, or the end.
std::size_t EndOfHost(std::string_view authority) {
  const std::size_t from = authority.starts_with('[') ? authority.find(']') : 0;
  if (from == authority.npos) return authority.npos;
  return std::min(authority.find(':', from), authority.size());
}

}  // namespace

Result<Url> ParseUrl(std::string_view text) {
  const auto invalid = Unexpected(std::errc::invalid_argument);
  if (!std::all_of(text.begin(), text.end(), IsGraphic)) return invalid;
  if (text.size() < kScheme.size() ||
      strncasecmp(text.data(), kScheme.data(), kScheme.size()) != 0) {
    return Unexpected(text.find("://") == text.npos
                          ? std::errc::invalid_argument
                          : std::errc::protocol_not_supported);
  }
  text.remove_prefix(kScheme.size());
  text = text.substr(0, text.find('#'));
  const std::size_t end = std::min(text.find_first_of("/?"), text.size());
  const std::string_view authority = text.substr(0, end);
  const std::string_view target = text.substr(end);
  const std::size_t colon = EndOfHost(authority);
  if (authority.find('@') != authority.npos || colon == authority.npos) {
    return invalid;
  }
  Url url;
  url.host = authority.substr(0, colon);
  if (colon < authority.size() &&
      !ParsePort(authority.substr(colon + 1), url.port)) {
    return invalid;
  }
  if (url.host.starts_with('[') && url.host.ends_with(']')) {
    url.host = url.host.substr(1, url.host.size() - 2);
  }
  if (url.host.empty()) return invalid;
  url.authority = authority;
  url.target =
      target.starts_with('/') ? std::string(target) : "/" + std::string(target);
  return url;
}

}  // namespace http_get
