#include <eddy/io/read_buffer.h>

#include <eddy/runtime/misuse.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace eddy::internal {
namespace {

std::string_view AsText(std::span<const std::byte> bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

ReadBuffer::ReadBuffer(std::size_t capacity) : capacity_(capacity) {
  if (capacity == 0) {
    Misuse("the buffer of a BufferedReader has no bytes");
  }
  memory_ = std::make_unique_for_overwrite<std::byte[]>(capacity);
}

ReadBuffer::ReadBuffer(ReadBuffer&& other) noexcept
    : capacity_(std::exchange(other.capacity_, 0)),
      memory_(std::move(other.memory_)),
      begin_(std::exchange(other.begin_, 0)),
      end_(std::exchange(other.end_, 0)) {}

ReadBuffer& ReadBuffer::operator=(ReadBuffer&& other) noexcept {
  capacity_ = std::exchange(other.capacity_, 0);
  memory_ = std::move(other.memory_);
  begin_ = std::exchange(other.begin_, 0);
  end_ = std::exchange(other.end_, 0);
  return *this;
}

std::span<std::byte> ReadBuffer::Room() noexcept {
  // Moved only where there is little room behind: the bytes of a part of a line
  // then move once, however many lines there are.
  if (begin_ == end_) {
    begin_ = end_ = 0;
  } else if (begin_ != 0 && capacity_ - end_ < capacity_ / 2) {
    std::copy(memory_.get() + begin_, memory_.get() + end_, memory_.get());
    end_ -= std::exchange(begin_, 0);
  }
  return {memory_.get() + end_, capacity_ - end_};
}

void ReadBuffer::StartWith(std::span<const std::byte> bytes) noexcept {
  if (end_ != 0 || bytes.size() > capacity_) [[unlikely]] {
    Misuse(
        "a BufferedReader was to start with %zu bytes where it has begun or "
        "has "
        "room for no more than %zu; make one with a larger capacity for them",
        bytes.size(), capacity_);
  }
  std::copy(bytes.begin(), bytes.end(), memory_.get());
  end_ = bytes.size();
}

void ReadBuffer::Consume(std::size_t count) noexcept {
  if (count > size()) [[unlikely]] {
    Misuse(
        "%zu bytes of a BufferedReader were consumed where it had %zu; "
        "consume no more than buffered() has",
        count, size());
  }
  begin_ += count;
}

std::size_t ReadBuffer::TakeInto(std::span<std::byte> to) noexcept {
  const std::size_t count = std::min(to.size(), size());
  if (count != 0) std::memcpy(to.data(), memory_.get() + begin_, count);
  begin_ += count;
  return count;
}

Result<std::optional<std::span<const std::byte>>> ReadBuffer::TakeUntil(
    std::string_view delimiter, std::size_t limit, std::size_t& searched) {
  if (delimiter.empty()) [[unlikely]] {
    Misuse("ReadUntil was given an empty delimiter");
  }
  const std::string_view text = AsText(data());
  const std::size_t found = text.find(delimiter, searched);
  if (found == text.npos) {
    limit = std::min(limit, capacity_);
    if (size() >= limit) return Unexpected(std::errc::message_size);
    // The delimiter may have begun.
    searched = size() - std::min(size(), delimiter.size() - 1);
    return std::nullopt;
  }
  const std::size_t count = found + delimiter.size();
  if (count > limit) return Unexpected(std::errc::message_size);
  const std::span<const std::byte> taken = data().first(count);
  begin_ += count;
  return taken;
}

std::string_view WithoutLineEnd(std::span<const std::byte> line) noexcept {
  std::string_view text = AsText(line);
  text.remove_suffix(1);
  if (text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

}  // namespace eddy::internal
