#include "examples/kv_server/reply.h"

#include <algorithm>

namespace kv_server {
namespace {

constexpr std::size_t kKept = std::size_t{16} << 10;

}  // namespace

void Reply::Error(std::string_view text) {
  const std::size_t begin = text_.size() + 1;
  Line('-', text);
  std::replace_if(
      text_.begin() + static_cast<std::ptrdiff_t>(begin), text_.end() - 2,
      [](char c) { return c == '\r' || c == '\n'; }, ' ');
}

void Reply::Verbatim(std::string_view text) {
  if (protocol_ == 2) return Bulk(text);
  if (!Fits(text.size())) return;
  constexpr std::string_view kPlain = "txt:";
  Head('=', kPlain.size() + text.size());
  text_.append(kPlain).append(text).append("\r\n");
}

void Reply::Clear() {
  begin_ = 0;
  if (text_.capacity() > kKept) {
    text_ = {};
  } else {
    text_.clear();
  }
}

}  // namespace kv_server
