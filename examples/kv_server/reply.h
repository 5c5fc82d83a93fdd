// Reply: writes answers to a client, in RESP2 or RESP3, one behind the other.
//
// The answer to one request has a limit: what would be more than that is not
// written, and overflown() tells so, for ever. Then the text is no whole
// answer, and the client is left.
#ifndef EDDY_EXAMPLES_KV_SERVER_REPLY_H_
#define EDDY_EXAMPLES_KV_SERVER_REPLY_H_

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace kv_server {

class Reply {
 public:
  explicit Reply(std::size_t most_bytes) : most_bytes_(most_bytes) {}

  // 2 or 3.
  int protocol() const { return protocol_; }
  void set_protocol(int protocol) { protocol_ = protocol; }

  // What follows answers another request.
  void Begin() { begin_ = text_.size(); }

  // "OK", "PONG".
  void Simple(std::string_view text) { Line('+', text); }
  // `text` begins with a code: "ERR that is no number". Ends of lines in it
  // become spaces.
  void Error(std::string_view text);
  void Integer(std::int64_t number) { NumberLine(':', number); }
  void Bulk(std::string_view bytes) {
    if (!Fits(bytes.size())) return;
    NumberLine('$', static_cast<std::int64_t>(bytes.size()));
    text_.append(bytes);
    text_.append("\r\n", 2);
  }
  // Text for people.
  void Verbatim(std::string_view text);
  void Null() {
    if (protocol_ == 2) {
      text_.append("$-1\r\n", 5);
    } else {
      text_.append("_\r\n", 3);
    }
  }

  // The heads of what consists of several; that many replies follow.
  void Array(std::size_t size) { Head('*', size); }
  void Map(std::size_t pairs) {
    if (protocol_ == 2) return Array(2 * pairs);
    Head('%', pairs);
  }
  // What comes without having been asked for.
  void Push(std::size_t size) { Head(protocol_ == 2 ? '*' : '>', size); }

  // Replies that were written elsewhere, in the same protocol.
  void Append(std::string_view replies) {
    if (Fits(replies.size())) text_.append(replies);
  }

  const std::string& text() const { return text_; }
  std::size_t size() const { return text_.size(); }
  bool empty() const { return text_.empty(); }
  // Keeps a little room for the next ones.
  void Clear();

  bool overflown() const { return overflown_; }
  // A part of it, which was written elsewhere, was too much.
  void Overflow() { overflown_ = true; }

 private:
  bool Fits(std::size_t more) {
    if (more > most_bytes_ - std::min(most_bytes_, text_.size() - begin_)) {
      overflown_ = true;
      return false;
    }
    return true;
  }
  void Head(char type, std::size_t size) {
    NumberLine(type, static_cast<std::int64_t>(size));
  }
  void Line(char type, std::string_view text) {
    text_.push_back(type);
    text_.append(text);
    text_.append("\r\n", 2);
  }
  void NumberLine(char type, std::int64_t number) {
    std::array<char, 24> line;
    line[0] = type;
    char* end =
        std::to_chars(line.data() + 1, line.data() + line.size(), number).ptr;
    *end++ = '\r';
    *end++ = '\n';
    text_.append(line.data(), static_cast<std::size_t>(end - line.data()));
  }

  const std::size_t most_bytes_;
  std::string text_;
  std::size_t begin_ = 0;
  int protocol_ = 2;
  bool overflown_ = false;
};

}  // namespace kv_server

#endif  // EDDY_EXAMPLES_KV_SERVER_REPLY_H_
