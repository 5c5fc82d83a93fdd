#include "examples/grep_tree/pattern.h"

#ifdef GREP_TREE_HAS_RE2
#include <re2/re2.h>
#endif

#include <cstring>
#include <utility>

namespace grep_tree {
namespace {

class FixedPattern final : public Pattern {
 public:
  explicit FixedPattern(std::string text) : text_(std::move(text)) {}

  // memmem: several times as fast as std::string_view::find.
  std::optional<std::size_t> Find(std::string_view lines) const override {
    const void* found =
        memmem(lines.data(), lines.size(), text_.data(), text_.size());
    if (found == nullptr) return std::nullopt;
    return static_cast<std::size_t>(static_cast<const char*>(found) -
                                    lines.data());
  }

 private:
  std::string text_;
};

#ifdef GREP_TREE_HAS_RE2
re2::RE2::Options Options() {
  re2::RE2::Options options;
  options.set_encoding(re2::RE2::Options::EncodingLatin1);
  options.set_log_errors(false);
  options.set_never_nl(true);
  return options;
}

class RegexPattern final : public Pattern {
 public:
  // ^ and $ are the ends of a line.
  explicit RegexPattern(const std::string& text)
      : regex_("(?m)" + text, Options()) {}

  const re2::RE2& regex() const { return regex_; }

  std::optional<std::size_t> Find(std::string_view lines) const override {
    const re2::StringPiece text(lines.data(), lines.size());
    re2::StringPiece match;
    if (!regex_.Match(text, 0, text.size(), re2::RE2::UNANCHORED, &match, 1)) {
      return std::nullopt;
    }
    return static_cast<std::size_t>(match.data() - text.data());
  }

 private:
  re2::RE2 regex_;
};
#endif

}  // namespace

std::unique_ptr<Pattern> MakeFixedPattern(std::string text) {
  if (text.find('\n') != std::string::npos) return nullptr;
  return std::make_unique<FixedPattern>(std::move(text));
}

std::unique_ptr<Pattern> MakeRegexPattern(const std::string& text,
                                          std::string& problem) {
#ifdef GREP_TREE_HAS_RE2
  auto pattern = std::make_unique<RegexPattern>(text);
  if (pattern->regex().ok()) return pattern;
  problem = pattern->regex().error();
#else
  static_cast<void>(text);
  problem = "built without RE2; install libre2-dev and build again";
#endif
  return nullptr;
}

}  // namespace grep_tree
