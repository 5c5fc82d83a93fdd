#include "examples/kv_server/input.h"

#include <algorithm>
#include <utility>

namespace kv_server {
namespace {

// What is kept for the next request in parts.
constexpr std::size_t kKept = std::size_t{16} << 10;

}  // namespace

void Input::Release() {
  if (!bytes().empty()) return;
  buffer_.Reset();
  begin_ = 0;
  if (kept_.capacity() > kKept) {
    kept_ = {};
  } else {
    kept_.clear();
  }
}

bool Input::Add(eddy::io::Buffer buffer, std::size_t expected) {
  const std::span<char> left = bytes();
  if (left.empty()) {
    Release();
    buffer_ = std::move(buffer);
    return true;
  }
  if (buffer.size() > most_bytes_ - std::min(most_bytes_, left.size())) {
    return false;
  }
  if (kept_.empty()) {
    kept_.assign(left.data(), left.size());
    buffer_.Reset();
  } else {
    kept_.erase(0, begin_);
    begin_ = 0;
  }
  // What a client announces is believed only as far as it has sent as much.
  const std::size_t credible = 2 * kept_.size() + kKept;
  if (expected > kept_.capacity()) kept_.reserve(std::min(expected, credible));
  const std::span<const std::byte> more = buffer.bytes();
  kept_.append(reinterpret_cast<const char*>(more.data()), more.size());
  return true;
}

}  // namespace kv_server
