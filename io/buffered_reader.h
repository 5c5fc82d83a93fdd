// BufferedReader: lines, and other parts that a protocol has, of any
// ByteSource.
//
//   io::BufferedReader reader(stream);
//   while (true) {
//     EDDY_CO_TRY(std::string_view line, co_await reader.ReadLine());
//     ...                                    // valid until the next call
//   }
//
// It reads as much as its buffer takes at once and hands it out in parts, most
// of them without asking the source.
//
// Stop: no byte that was read from the source is ever lost. What a call has
// read when it is stopped, fails, or meets the end of the stream is in
// buffered(), and the next call finds it there: a ReadLine that was stopped, by
// a WithTimeout say, can be called again. Only ReadExactly and Read, which fill
// a buffer of the caller, leave bytes there; they say how many. A line that is
// in the buffer already is given also to a task that is stopped.
//
// End of the stream: Read and Fill give 0, as every source does. The others
// answer kEndOfStream where the stream ends before what was asked for; what
// came before is in buffered(). So a last line without an end is not taken for
// a whole one:
//
//   if (line.error() == kEndOfStream && !reader.buffered().empty()) ...
//
// Limits: what has to be in one piece (a line, a Peek) has to fit the buffer,
// and a caller may set a lower limit. What is longer is EMSGSIZE, however it
// arrives, and nothing is consumed: Consume() what is in the way, or give up.
//
// Lifetime: the source lives as long as the reader, and others do not read from
// it meanwhile. A span or string_view that a call gives is valid until the next
// call. REQUIRES: one call at a time; it is not moved while one is awaited.
// Cost: one buffer from the heap; a coroutine frame for each call, and the
// source's Read where more has to be read.
#ifndef EDDY_IO_BUFFERED_READER_H_
#define EDDY_IO_BUFFERED_READER_H_

#include <eddy/io/byte_stream.h>
#include <eddy/io/read_buffer.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>

#include <cstddef>
#include <limits>
#include <optional>
#include <span>
#include <string_view>
#include <system_error>

namespace eddy::io {

template <ByteSource Source>
class BufferedReader {
 public:
  static constexpr std::size_t kDefaultCapacity = 16 * 1024;
  // What the buffer takes.
  static constexpr std::size_t kNoLimit =
      std::numeric_limits<std::size_t>::max();

  // REQUIRES: capacity > 0; aborts otherwise.
  explicit BufferedReader(Source& source,
                          std::size_t capacity = kDefaultCapacity)
      : source_(&source), buffer_(capacity) {}

  // All up to and with the first delimiter; `limit` counts it in.
  // Errors: kEndOfStream, EMSGSIZE, those of the source; kCanceled. In all
  // cases nothing is consumed.
  // Lifetime: the delimiter lives until the await returns.
  // REQUIRES: a delimiter that is not empty; aborts otherwise.
  Task<Result<std::span<const std::byte>>> ReadUntil(
      std::string_view delimiter, std::size_t limit = kNoLimit) {
    std::size_t searched = 0;
    while (true) {
      EDDY_CO_TRY(const std::optional<std::span<const std::byte>> taken,
                  buffer_.TakeUntil(delimiter, limit, searched));
      if (taken) co_return *taken;
      EDDY_CO_TRY(const std::size_t n, co_await source_->Read(buffer_.Room()));
      if (n == 0) co_return Unexpected(kEndOfStream);
      buffer_.Add(n);
    }
  }

  // The next line, without the LF or CRLF that ends it; `limit` counts that in.
  // Errors: as ReadUntil.
  Task<Result<std::string_view>> ReadLine(std::size_t limit = kNoLimit) {
    EDDY_CO_TRY(const std::span<const std::byte> line,
                co_await ReadUntil("\n", limit));
    co_return eddy::internal::WithoutLineEnd(line);
  }

  // Fills `to`, which may be larger than the buffer.
  // Errors: kEndOfStream, those of the source; kCanceled. `transferred`, if not
  // null, gets the bytes that are in `to`, also then: they are consumed.
  // Lifetime: to and transferred live until the await returns.
  Task<Result<void>> ReadExactly(std::span<std::byte> to,
                                 std::size_t* transferred = nullptr) {
    std::size_t ignored = 0;
    std::size_t& done = transferred != nullptr ? *transferred : ignored;
    done = 0;
    while (done < to.size()) {
      EDDY_CO_TRY(const std::size_t n, co_await Read(to.subspan(done)));
      if (n == 0) co_return Unexpected(kEndOfStream);
      done += n;
    }
    co_return Result<void>();
  }

  // Some bytes; 0 at the end, or for an empty `to`. So a reader is a source
  // too.
  // Errors: those of the source; kCanceled, after which nothing is consumed.
  Task<Result<std::size_t>> Read(std::span<std::byte> to) {
    if (buffer_.size() == 0 && !to.empty()) {
      // What does not fit the buffer anyway need not pass through it.
      if (to.size() >= buffer_.capacity()) {
        co_return co_await source_->Read(to);
      }
      EDDY_CO_TRY(const std::size_t n, co_await source_->Read(buffer_.Room()));
      buffer_.Add(n);
    }
    co_return buffer_.TakeInto(to);
  }

  // At least `count` bytes, without consuming them; all that is there.
  // Errors: kEndOfStream, EMSGSIZE (more than the capacity), those of the
  // source; kCanceled.
  Task<Result<std::span<const std::byte>>> Peek(std::size_t count) {
    if (count > buffer_.capacity()) {
      co_return Unexpected(std::errc::message_size);
    }
    while (buffer_.size() < count) {
      EDDY_CO_TRY(const std::size_t n, co_await source_->Read(buffer_.Room()));
      if (n == 0) co_return Unexpected(kEndOfStream);
      buffer_.Add(n);
    }
    co_return buffer_.data();
  }

  // Reads once from the source, behind what is there; how much, 0 at the end.
  // Errors: EMSGSIZE (the buffer is full), those of the source; kCanceled.
  Task<Result<std::size_t>> Fill() {
    const std::span<std::byte> room = buffer_.Room();
    if (room.empty()) co_return Unexpected(std::errc::message_size);
    EDDY_CO_TRY(const std::size_t n, co_await source_->Read(room));
    buffer_.Add(n);
    co_return n;
  }

  // Bytes that were read from the source already, such as by the reader of the
  // core that the source came from: they are read first.
  // REQUIRES: nothing was read yet; bytes.size() <= capacity(); aborts
  // otherwise.
  void StartWith(std::span<const std::byte> bytes) noexcept {
    buffer_.StartWith(bytes);
  }

  // What was read and is not consumed yet.
  std::span<const std::byte> buffered() const noexcept {
    return buffer_.data();
  }
  // The first bytes of buffered() are done with. What they were stays valid
  // until the next call. REQUIRES: count <= buffered().size(); aborts
  // otherwise.
  void Consume(std::size_t count) noexcept { buffer_.Consume(count); }

  std::size_t capacity() const noexcept { return buffer_.capacity(); }

 private:
  Source* source_;
  eddy::internal::ReadBuffer buffer_;
};

}  // namespace eddy::io

#endif  // EDDY_IO_BUFFERED_READER_H_
