#include "examples/kv_server/log_reader.h"

#include <array>
#include <string_view>
#include <utility>

#include "examples/kv_server/log_format.h"

namespace kv_server {
namespace {

using eddy::Result;
using eddy::Task;

eddy::fs::ReaderOptions BehindTheHead() {
  eddy::fs::ReaderOptions options;
  options.offset = kLogHead;
  return options;
}

}  // namespace

LogReader::LogReader(eddy::fs::File file, std::uint64_t seed,
                     std::uint64_t file_size)
    : seed_(seed),
      file_size_(file_size),
      reader_(std::move(file), BehindTheHead()),
      end_(kLogHead) {}

Task<Result<bool>> LogReader::Next() {
  std::array<char, kFrameHead> bytes;
  EDDY_CO_TRY(const bool has_head, co_await Fill(std::span(bytes)));
  if (!has_head) co_return false;
  const auto head = ParseFrameHead({bytes.data(), bytes.size()}, end_, seed_);
  if (!head || head->size > file_size_ - end_ - kFrameHead) co_return false;
  body_.resize(head->size);
  EDDY_CO_TRY(const bool has_body, co_await Fill(std::span(body_)));
  if (!has_body || Checksum(body_) != head->checksum) co_return false;
  end_ += kFrameHead + head->size;
  co_return true;
}

Task<Result<bool>> LogReader::Fill(std::span<char> bytes) {
  std::span<std::byte> left = std::as_writable_bytes(bytes);
  while (!left.empty()) {
    EDDY_CO_TRY(const std::size_t n, co_await reader_.Read(left));
    if (n == 0) co_return false;
    left = left.subspan(n);
  }
  co_return true;
}

Task<Result<std::optional<std::uint64_t>>> FindFrameHead(
    const eddy::fs::File& file, std::uint64_t seed, std::uint64_t from,
    std::uint64_t file_size) {
  constexpr std::size_t kPiece = std::size_t{1} << 20;
  std::string piece;
  for (std::uint64_t offset = from + 1; offset + kFrameHead <= file_size;
       offset += kPiece) {
    piece.resize(kPiece + kFrameHead - 1);
    EDDY_CO_TRY(const std::size_t size,
                co_await file.ReadAllAt(
                    offset, std::as_writable_bytes(std::span(piece))));
    const std::string_view bytes(piece.data(), size);
    for (std::size_t i = 0; i + kFrameHead <= size; ++i) {
      const auto head = ParseFrameHead(bytes.substr(i), offset + i, seed);
      if (head && head->size <= file_size - offset - i - kFrameHead) {
        co_return offset + i;
      }
    }
  }
  co_return std::nullopt;
}

}  // namespace kv_server
