// Copy: everything from one stream to another, until the first one ends.
//
// Of descriptors, or of any ByteSource to any ByteSink.
//
// Result: the bytes copied.
// Errors: those of the reads and writes; EINVAL for a buffer of no size;
// kCanceled.
// `copied`, if not null, gets the bytes that reached `to`, also on failure and
// after a stop, and is kept up to date meanwhile. At most `buffer_size` bytes
// more may have been read from `from` by then; they are lost to a stream that
// cannot be positioned.
// Lifetime: both ends and copied live until the await returns.
// Neither end is closed or shut down.
// Cost: one buffer from the heap, a read and a write for each part. See
// copy_with_splice.h for files, which may cost less without the buffer.
#ifndef EDDY_IO_COPY_H_
#define EDDY_IO_COPY_H_

#include <eddy/io/byte_stream.h>
#include <eddy/io/fd.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <system_error>

namespace eddy::io {

inline constexpr std::size_t kCopyBufferSize = 128 * 1024;

Task<Result<std::uint64_t>> Copy(const Fd& from, const Fd& to,
                                 std::uint64_t* copied = nullptr,
                                 std::size_t buffer_size = kCopyBufferSize);

template <ByteSource From, ByteSink To>
Task<Result<std::uint64_t>> Copy(From& from, To& to,
                                 std::uint64_t* copied = nullptr,
                                 std::size_t buffer_size = kCopyBufferSize) {
  std::uint64_t ignored = 0;
  std::uint64_t& total = copied != nullptr ? *copied : ignored;
  total = 0;
  if (buffer_size == 0) co_return Unexpected(std::errc::invalid_argument);
  const auto memory = std::make_unique_for_overwrite<std::byte[]>(buffer_size);
  const std::span buffer(memory.get(), buffer_size);
  while (true) {
    EDDY_CO_TRY(const std::size_t n, co_await from.Read(buffer));
    if (n == 0) co_return total;
    std::size_t written = 0;
    const Result<void> result = co_await to.Write(buffer.first(n), &written);
    total += written;
    if (!result) co_return Unexpected(result.error());
  }
}

}  // namespace eddy::io

#endif  // EDDY_IO_COPY_H_
