#include "examples/kv_server/request_parser.h"

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <cstring>

#include "examples/kv_server/inline_words.h"
#include "examples/kv_server/number.h"

namespace kv_server {
namespace {

// A type, a number of 64 bits, and the end of the line.
constexpr std::size_t kLongestLength = 1 + 20 + 2;
// What one large request leaves reserved for the next ones.
constexpr std::size_t kKeptArguments = 1024;

}  // namespace

void RequestParser::Begin() {
  begun_ = true;
  position_ = 0;
  expected_ = 0;
  length_.reset();
  if (pieces_.capacity() > kKeptArguments) {
    pieces_ = {};
    arguments_ = {};
  }
  pieces_.clear();
  arguments_.clear();
}

RequestParser::Outcome RequestParser::Parse(std::span<char> bytes) {
  if (!begun_) {
    if (bytes.empty()) return NeedMore(1);
    Begin();
  }
  if (bytes.front() != '*') return ParseLine(bytes);
  const std::string_view text(bytes.data(), bytes.size());
  if (position_ == 0) {
    if (const auto outcome = ParseHead(text)) return *outcome;
  }
  while (expected_ > 0) {
    if (const auto outcome = ParseArgument(text)) return *outcome;
  }
  return Finish(text);
}

// "*2\r\n"
std::optional<RequestParser::Outcome> RequestParser::ParseHead(
    std::string_view bytes) {
  const auto line = LengthLine(bytes);
  if (!line) return NeedMore(bytes.size() + 1);
  const auto count = ParseInteger(bytes.substr(1, *line - 1));
  if (!count || (*count > 0 &&
                 static_cast<std::uint64_t>(*count) > limits_.most_arguments)) {
    return Malformed("invalid multibulk length");
  }
  position_ = *line + 2;
  expected_ = *count > 0 ? static_cast<std::size_t>(*count) : 0;
  return {};
}

// "$3\r\nGET\r\n"
std::optional<RequestParser::Outcome> RequestParser::ParseArgument(
    std::string_view bytes) {
  if (!length_) {
    const std::string_view rest = bytes.substr(position_);
    if (rest.empty()) return NeedMore(position_ + 1);
    if (rest.front() != '$') {
      std::string what = "expected '$', got '";
      what += rest.front();
      return Malformed(what += "'");
    }
    const auto line = LengthLine(rest);
    if (!line) return NeedMore(bytes.size() + 1);
    const auto length = ParseInteger(rest.substr(1, *line - 1));
    if (!length || *length < 0 ||
        static_cast<std::uint64_t>(*length) > limits_.longest_argument) {
      return Malformed("invalid bulk length");
    }
    position_ += *line + 2;
    length_ = static_cast<std::size_t>(*length);
  }
  const std::size_t end = position_ + *length_;
  if (bytes.size() < end + 2) return NeedMore(end + 2);
  if (bytes[end] != '\r' || bytes[end + 1] != '\n') {
    return Malformed("expected the end of a bulk string");
  }
  pieces_.push_back({position_, *length_});
  position_ = end + 2;
  length_.reset();
  --expected_;
  return {};
}

// The length of a line without its end, which is not there yet, or longer than
// a number's line if this gives none. (One that is too long is cut off there,
// so that it is no number.)
std::optional<std::size_t> RequestParser::LengthLine(std::string_view bytes) {
  const std::string_view begin = bytes.substr(0, kLongestLength);
  const std::size_t end = begin.find('\r');
  if (end == begin.npos) {
    if (begin.size() == kLongestLength) return kLongestLength;
    return {};
  }
  if (end + 1 == bytes.size()) return {};
  // A lone '\r' is part of what is no number, as well.
  return bytes[end + 1] == '\n' ? end : end + 1;
}

// "GET a\r\n", or with "\n".
RequestParser::Outcome RequestParser::ParseLine(std::span<char> bytes) {
  const std::string_view text(bytes.data(), bytes.size());
  const std::size_t end =
      text.substr(0, limits_.longest_line).find('\n', position_);
  if (end == text.npos) {
    position_ = std::min(text.size(), limits_.longest_line);
    if (text.size() >= limits_.longest_line) {
      return Malformed("too big inline request");
    }
    return NeedMore(text.size() + 1);
  }
  const std::size_t size = end > 0 && text[end - 1] == '\r' ? end - 1 : end;
  if (!SplitWords(bytes.first(size), limits_.most_arguments, arguments_)) {
    return Malformed("unbalanced quotes in request");
  }
  position_ = end + 1;
  begun_ = false;
  return Outcome::kRequest;
}

RequestParser::Outcome RequestParser::Finish(std::string_view bytes) {
  for (const Piece& piece : pieces_) {
    arguments_.push_back(bytes.substr(piece.begin, piece.size));
  }
  begun_ = false;
  return Outcome::kRequest;
}

RequestParser::Outcome RequestParser::NeedMore(std::size_t least_size) {
  least_size_ = least_size;
  return Outcome::kIncomplete;
}

RequestParser::Outcome RequestParser::Malformed(std::string_view what) {
  error_ = "ERR Protocol error: ";
  error_ += what;
  return Outcome::kMalformed;
}

}  // namespace kv_server
