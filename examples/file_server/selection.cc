#include "examples/file_server/selection.h"

#include <strings.h>

#include <algorithm>
#include <charconv>
#include <ctime>
#include <limits>
#include <optional>
#include <string_view>

#include "examples/file_server/http_date.h"

namespace file_server {
namespace {

// Digits only, at least one; a number that is too large becomes the largest.
std::optional<std::uint64_t> ParseNumber(std::string_view text) {
  std::uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (stop != end || error == std::errc::invalid_argument) return std::nullopt;
  if (error == std::errc::result_out_of_range) {
    return std::numeric_limits<std::uint64_t>::max();
  }
  return number;
}

Selection Whole(const OpenFile& file) { return {Status::kOk, 0, file.size}; }

Selection Part(std::uint64_t first, std::uint64_t last, const OpenFile& file) {
  if (first >= file.size) return {Status::kRangeNotSatisfiable, 0, 0};
  last = std::min(last, file.size - 1);
  return {Status::kPartialContent, first, last - first + 1};
}

// "bytes=0-99", "bytes=100-" or "bytes=-100".
Selection SelectRange(std::string_view range, const OpenFile& file) {
  constexpr std::string_view kUnit = "bytes=";
  if (range.size() < kUnit.size() ||
      strncasecmp(range.data(), kUnit.data(), kUnit.size()) != 0) {
    return Whole(file);
  }
  range.remove_prefix(kUnit.size());
  const std::size_t hyphen = range.find('-');
  if (hyphen == range.npos) return Whole(file);
  const std::string_view before = range.substr(0, hyphen);
  const std::string_view after = range.substr(hyphen + 1);
  const std::optional<std::uint64_t> first = ParseNumber(before);
  const std::optional<std::uint64_t> last = ParseNumber(after);
  if (before.empty() && last) {
    const std::uint64_t length = std::min(*last, file.size);
    return Part(file.size - length, file.size, file);
  }
  if (first && after.empty()) return Part(*first, file.size, file);
  if (first && last && *first <= *last) return Part(*first, *last, file);
  return Whole(file);
}

bool ClientHasIt(const Request& request, const OpenFile& file) {
  if (!request.if_none_match.empty()) {
    // A list of tags, "W/" before them or not. The quotes are part of the tag,
    // and no tag contains one.
    return request.if_none_match == "*" ||
           request.if_none_match.find(file.etag) != request.if_none_match.npos;
  }
  if (request.if_modified_since.empty()) return false;
  if (request.if_modified_since == file.last_modified) return true;
  const std::optional<std::time_t> since =
      ParseHttpDate(request.if_modified_since);
  return since && file.modified <= *since;
}

}  // namespace

Selection Select(const Request& request, const OpenFile& file) {
  if (ClientHasIt(request, file)) return {Status::kNotModified, 0, 0};
  const bool ranged =
      request.method == Request::Method::kGet && !request.range.empty() &&
      (request.if_range.empty() || request.if_range == file.etag ||
       request.if_range == file.last_modified);
  return ranged ? SelectRange(request.range, file) : Whole(file);
}

}  // namespace file_server
