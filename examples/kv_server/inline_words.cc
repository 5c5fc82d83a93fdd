#include "examples/kv_server/inline_words.h"

namespace kv_server {
namespace {

bool IsSpace(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\v' || c == '\f' ||
         c == '\r' || c == '\0';
}

// The value of a hexadecimal digit, or -1.
int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

char Unescaped(char c) {
  switch (c) {
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case 'b':
      return '\b';
    case 'a':
      return '\a';
    default:
      return c;
  }
}

// Reads words from a line, and writes them over it.
class WordReader {
 public:
  explicit WordReader(std::span<char> line) : line_(line) {}

  // Whether there is one more.
  bool SkipSpaces() {
    while (!AtEnd() && IsSpace(line_[from_])) ++from_;
    return !AtEnd();
  }

  // False where its quotes are wrong.
  bool Take(std::string_view& word) {
    const std::size_t begin = to_;
    while (!AtEnd() && !IsSpace(line_[from_])) {
      const char c = line_[from_++];
      if (c != '"' && c != '\'') {
        Put(c);
      } else if (!TakeQuoted(c) || (!AtEnd() && !IsSpace(line_[from_]))) {
        return false;
      }
    }
    word = {line_.data() + begin, to_ - begin};
    return true;
  }

 private:
  bool AtEnd() const { return from_ == line_.size(); }
  std::size_t left() const { return line_.size() - from_; }
  void Put(char c) { line_[to_++] = c; }

  // What follows an opening quote, to the closing one.
  bool TakeQuoted(char quote) {
    while (!AtEnd()) {
      const char c = line_[from_++];
      if (c == quote) return true;
      if (c != '\\' || AtEnd() || (quote == '\'' && line_[from_] != '\'')) {
        Put(c);
      } else if (line_[from_] == 'x' && left() >= 3 &&
                 HexDigit(line_[from_ + 1]) >= 0 &&
                 HexDigit(line_[from_ + 2]) >= 0) {
        Put(static_cast<char>(HexDigit(line_[from_ + 1]) * 16 +
                              HexDigit(line_[from_ + 2])));
        from_ += 3;
      } else {
        const char escaped = line_[from_++];
        Put(quote == '"' ? Unescaped(escaped) : escaped);
      }
    }
    return false;
  }

  std::span<char> line_;
  std::size_t from_ = 0;
  std::size_t to_ = 0;
};

}  // namespace

bool SplitWords(std::span<char> line, std::size_t most,
                std::vector<std::string_view>& words) {
  WordReader reader(line);
  for (std::size_t count = 0; reader.SkipSpaces(); ++count) {
    std::string_view word;
    if (count == most || !reader.Take(word)) return false;
    words.push_back(word);
  }
  return true;
}

}  // namespace kv_server
