#include "examples/kv_server/glob.h"

#include <algorithm>
#include <cstddef>

namespace kv_server {
namespace {

// Whether `c` is in the set that `pattern` begins with, behind its '['. Takes
// the set off the pattern; one without an end ends with the pattern.
bool TakeSet(std::string_view& pattern, char c) {
  const auto byte = [](char x) { return static_cast<unsigned char>(x); };
  bool found = false;
  const bool negated = pattern.starts_with('^');
  if (negated) pattern.remove_prefix(1);
  while (!pattern.empty() && pattern.front() != ']') {
    if (pattern.front() == '\\' && pattern.size() >= 2) {
      found = found || pattern[1] == c;
      pattern.remove_prefix(2);
    } else if (pattern.size() >= 3 && pattern[1] == '-') {
      const auto low = std::min(byte(pattern[0]), byte(pattern[2]));
      const auto high = std::max(byte(pattern[0]), byte(pattern[2]));
      found = found || (byte(c) >= low && byte(c) <= high);
      pattern.remove_prefix(3);
    } else {
      found = found || pattern.front() == c;
      pattern.remove_prefix(1);
    }
  }
  if (!pattern.empty()) pattern.remove_prefix(1);
  return found != negated;
}

// Whether `c` is what `pattern` begins with, which is no '*'. Takes that off.
bool TakeOne(std::string_view& pattern, char c) {
  const char first = pattern.front();
  pattern.remove_prefix(1);
  switch (first) {
    case '?':
      return true;
    case '[':
      return TakeSet(pattern, c);
    case '\\':
      if (!pattern.empty()) {
        const char escaped = pattern.front();
        pattern.remove_prefix(1);
        return escaped == c;
      }
      return c == first;
    default:
      return c == first;
  }
}

}  // namespace

bool MatchesGlob(std::string_view pattern, std::string_view text) {
  // Where to go on after a mismatch: behind the last '*', with one byte more
  // for it. What an earlier '*' took need not be tried again.
  bool starred = false;
  std::string_view star_pattern;
  std::string_view star_text;
  while (true) {
    if (!pattern.empty() && pattern.front() == '*') {
      pattern.remove_prefix(1);
      starred = true;
      star_pattern = pattern;
      star_text = text;
      continue;
    }
    if (text.empty() && pattern.empty()) return true;
    if (!text.empty() && !pattern.empty() && TakeOne(pattern, text.front())) {
      text.remove_prefix(1);
      continue;
    }
    if (!starred || star_text.empty()) return false;
    star_text.remove_prefix(1);
    pattern = star_pattern;
    text = star_text;
  }
}

}  // namespace kv_server
