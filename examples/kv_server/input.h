// Input: what a client has sent and nobody has understood yet.
//
// Whole requests are looked at in the buffer that the kernel put them into.
// Only of a request that comes in parts a copy is made, so that a connection
// that has said nothing holds no memory.
#ifndef EDDY_EXAMPLES_KV_SERVER_INPUT_H_
#define EDDY_EXAMPLES_KV_SERVER_INPUT_H_

#include <eddy/io/buffer.h>

#include <cstddef>
#include <span>
#include <string>

namespace kv_server {

class Input {
 public:
  explicit Input(std::size_t most_bytes) : most_bytes_(most_bytes) {}

  std::span<char> bytes() {
    if (!kept_.empty()) return std::span(kept_).subspan(begin_);
    const std::span<std::byte> lent = buffer_.bytes();
    return {reinterpret_cast<char*>(lent.data()), lent.size()};
  }

  // The first bytes are understood; they stay in place until Add.
  void Consume(std::size_t size) {
    if (kept_.empty()) {
      // (Not RemovePrefix alone: one without bytes is lent all the same.)
      buffer_.RemovePrefix(size);
    } else {
      begin_ += size;
    }
  }

  // Gives memory back where nothing is left.
  void Release();

  // More bytes, behind what is left; `expected` is the size that this may come
  // to. False where it would be too much.
  bool Add(eddy::io::Buffer buffer, std::size_t expected);

 private:
  const std::size_t most_bytes_;
  eddy::io::Buffer buffer_;
  // If it has bytes, those from begin_ on are what is left, and buffer_ has
  // none.
  std::string kept_;
  std::size_t begin_ = 0;
};

}  // namespace kv_server

#endif  // EDDY_EXAMPLES_KV_SERVER_INPUT_H_
