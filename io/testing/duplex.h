// Duplex: two connected ByteStreams in memory, for tests, which fail as told.
//
//   io::Duplex duplex;                         // or io::Duplex
//   duplex(capacity) duplex.a().script().max_read = 1;          // bytes come
//   one at a time duplex.b().script().write_limit = 100;     // its connection
//   breaks then
//   ... Serve(duplex.a()), and a client that uses duplex.b() ...
//
// What is written to one end is read from the other, in order. Where the
// capacity is used up, Write waits. There is no kernel in between: a test does
// the same each time, and takes no time with a VirtualClock.
//
// A script may be changed at any moment; a Read or Write that waits sees it
// when next something moves.
//
// Lifetime: the Duplex stays where it is and outlives every await on its ends;
// destroying it before that aborts.
// REQUIRES: one Read and one Write at a time on each end; violations abort.
// Cost: a coroutine frame for each call, and memory from the heap.
#ifndef EDDY_IO_TESTING_DUPLEX_H_
#define EDDY_IO_TESTING_DUPLEX_H_

#include <eddy/io/byte_stream.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>
#include <eddy/runtime/time.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <optional>
#include <span>
#include <system_error>

namespace eddy {
namespace io {

// What one end of a Duplex does that a perfect stream does not.
struct DuplexScript {
  static constexpr std::uint64_t kNever =
      std::numeric_limits<std::uint64_t>::max();

  // The most that one Read gives, and the most that Write hands over before
  // others have a turn. 0 counts as 1.
  std::size_t max_read = std::numeric_limits<std::size_t>::max();
  std::size_t max_write = std::numeric_limits<std::size_t>::max();

  // After so many bytes in all, Read gives this error; the end of the stream
  // where there is none.
  std::uint64_t read_limit = kNever;
  std::optional<Error> read_error;

  // After so many bytes in all, Write fails with this error.
  std::uint64_t write_limit = kNever;
  Error write_error = std::errc::broken_pipe;

  // Shutdown fails with this error, and does nothing.
  std::optional<Error> shutdown_error;

  // How long what this end writes is on its way; the end of the stream too.
  Duration delay = Duration::zero();
};

}  // namespace io

namespace internal {

// A Read or a Write that waits for something to move.
class DuplexWait;

// The way from one end of a Duplex to the other.
class DuplexPipe {
 public:
  explicit DuplexPipe(std::size_t capacity) noexcept : capacity_(capacity) {}
  ~DuplexPipe();
  DuplexPipe(const DuplexPipe&) = delete;
  DuplexPipe& operator=(const DuplexPipe&) = delete;

  std::size_t room() const noexcept { return capacity_ - bytes_.size(); }
  // What has arrived by now, and when the next will; kNoDeadline where nothing
  // is on its way.
  std::size_t Arrived() const noexcept;
  TimePoint NextArrival() const noexcept;
  // Whether the end of the stream is all that is left.
  bool AtEnd() const noexcept;

  void Put(std::span<const std::byte> data, Duration delay);
  std::size_t Take(std::span<std::byte> to);
  // Nothing more comes / is wanted.
  void EndWriting(Duration delay);
  void EndReading();

  bool writing_ended() const noexcept { return end_arrives_.has_value(); }
  bool reading_ended() const noexcept { return reading_ended_; }

  // Who waits; null where nobody does.
  DuplexWait* reader = nullptr;
  DuplexWait* writer = nullptr;

 private:
  struct OnItsWay {
    std::size_t count;
    TimePoint arrives;
  };

  const std::size_t capacity_;
  std::deque<std::byte> bytes_;
  // The same bytes, by when they arrive.
  std::deque<OnItsWay> parts_;
  std::optional<TimePoint> end_arrives_;
  bool reading_ended_ = false;
};

}  // namespace internal

namespace io {

class DuplexEnd {
 public:
  DuplexEnd(const DuplexEnd&) = delete;
  DuplexEnd& operator=(const DuplexEnd&) = delete;

  // As a ByteStream.
  // Errors: those of the script; EPIPE of a Write after Shutdown or where the
  // other end was closed; ECONNRESET after Reset; EBADF after Close; kCanceled.
  Task<Result<std::size_t>> Read(std::span<std::byte> buffer);
  Task<Result<void>> Write(std::span<const std::byte> data,
                           std::size_t* transferred = nullptr);
  Task<Result<void>> Shutdown();

  // The other end reads what was written and then the end of the stream; its
  // writes fail. REQUIRES: no Read or Write waits on this end.
  void Close();
  // Both ends fail from here on, also what waits. What was under way is lost.
  void Reset();

  DuplexScript& script() noexcept { return script_; }

  // So far, in all.
  std::uint64_t bytes_read() const noexcept { return bytes_read_; }
  std::uint64_t bytes_written() const noexcept { return bytes_written_; }
  bool shut_down() const noexcept { return out_.writing_ended(); }
  bool closed() const noexcept { return closed_; }

 private:
  friend class Duplex;
  DuplexEnd(eddy::internal::DuplexPipe& in, eddy::internal::DuplexPipe& out,
            bool& reset) noexcept
      : in_(in), out_(out), reset_(reset) {}

  // What Read and Write give now; nothing where they have to wait.
  std::optional<Result<std::size_t>> TryRead(std::span<std::byte> buffer);
  std::optional<Result<std::size_t>> TryWrite(std::span<const std::byte> data);

  eddy::internal::DuplexPipe& in_;
  eddy::internal::DuplexPipe& out_;
  bool& reset_;
  DuplexScript script_;
  std::uint64_t bytes_read_ = 0;
  std::uint64_t bytes_written_ = 0;
  bool closed_ = false;
};
static_assert(ByteStream<DuplexEnd>);

class Duplex {
 public:
  static constexpr std::size_t kDefaultCapacity = 64 * 1024;

  // The bytes that each direction takes before they are read; 0 counts as 1.
  explicit Duplex(std::size_t capacity = kDefaultCapacity) noexcept;

  DuplexEnd& a() noexcept { return a_; }
  DuplexEnd& b() noexcept { return b_; }

 private:
  eddy::internal::DuplexPipe to_a_;
  eddy::internal::DuplexPipe to_b_;
  bool reset_ = false;
  DuplexEnd a_;
  DuplexEnd b_;
};

}  // namespace io
}  // namespace eddy

#endif  // EDDY_IO_TESTING_DUPLEX_H_
