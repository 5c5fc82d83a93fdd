// What is searched for.
#ifndef EDDY_EXAMPLES_GREP_TREE_PATTERN_H_
#define EDDY_EXAMPLES_GREP_TREE_PATTERN_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace grep_tree {

class Pattern {
 public:
  virtual ~Pattern() = default;
  // Where the first match in `lines` begins. Lines are parted by '\n', also at
  // `lines`' end only where another, empty one follows; no match has one in it.
  virtual std::optional<std::size_t> Find(std::string_view lines) const = 0;
};

// A fixed string. Null where it has a line's end in it.
std::unique_ptr<Pattern> MakeFixedPattern(std::string text);

// A regular expression, of bytes, as RE2 reads it. Null where it is none, or
// where this program was built without RE2; `problem` says which.
std::unique_ptr<Pattern> MakeRegexPattern(const std::string& text,
                                          std::string& problem);

}  // namespace grep_tree

#endif  // EDDY_EXAMPLES_GREP_TREE_PATTERN_H_
