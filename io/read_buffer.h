// ReadBuffer: the memory of a BufferedReader, and where in it the bytes are
// that were read and not yet consumed.
#ifndef EDDY_IO_READ_BUFFER_H_
#define EDDY_IO_READ_BUFFER_H_

#include <eddy/runtime/result.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

namespace eddy::internal {

class ReadBuffer {
 public:
  // REQUIRES: capacity > 0; aborts otherwise.
  explicit ReadBuffer(std::size_t capacity);
  // (The one moved from is empty and without room.)
  ReadBuffer(ReadBuffer&& other) noexcept;
  ReadBuffer& operator=(ReadBuffer&& other) noexcept;

  std::size_t capacity() const noexcept { return capacity_; }
  std::size_t size() const noexcept { return end_ - begin_; }

  // What was read and not consumed.
  std::span<const std::byte> data() const noexcept {
    return {memory_.get() + begin_, size()};
  }

  // Room for more, behind data(); empty if there is none. May move data().
  std::span<std::byte> Room() noexcept;
  // So many bytes were read into Room().
  void Add(std::size_t count) noexcept { end_ += count; }

  // These are the first bytes that were read. REQUIRES: none was yet, and they
  // fit; aborts otherwise.
  void StartWith(std::span<const std::byte> bytes) noexcept;

  // The first bytes of data() are done with. Their memory stays as it is until
  // Room(). REQUIRES: count <= size(); aborts otherwise.
  void Consume(std::size_t count) noexcept;

  // Consumes as many bytes as there are and fit, into `to`; how many.
  std::size_t TakeInto(std::span<std::byte> to) noexcept;

  // Consumes all up to and with the first delimiter; nothing if that has to be
  // read first. `searched` is 0 at first, and kept from call to call.
  // Errors: EMSGSIZE where that is, or has to become, more than `limit` bytes.
  // REQUIRES: a delimiter that is not empty; aborts otherwise.
  Result<std::optional<std::span<const std::byte>>> TakeUntil(
      std::string_view delimiter, std::size_t limit, std::size_t& searched);

 private:
  std::size_t capacity_;
  std::unique_ptr<std::byte[]> memory_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

// A line without the "\n" or "\r\n" that it ends with.
std::string_view WithoutLineEnd(std::span<const std::byte> line) noexcept;

}  // namespace eddy::internal

#endif  // EDDY_IO_READ_BUFFER_H_
