// Pipe: bytes from one end to the other, between tasks, threads or processes.
//
//   EDDY_CO_TRY(io::Pipe pipe, io::Pipe::Create());
//   EDDY_CO_CHECK(co_await pipe.writer.Write(data));
//   EDDY_CO_TRY(std::size_t n, co_await pipe.reader.Read(buffer));
//
// PipeReader is a ByteSource and PipeWriter a ByteSink, so BufferedReader, Copy
// and the like take them. Both ends are closed on exec: a child process has
// only what it is given (see command.h).
//
// Named pipes: a FIFO that is opened with O_RDONLY | O_NONBLOCK (OpenAt) is
// open at once. A Poll for POLLIN waits until somebody has written, or has
// opened it and left; before that a read finds the end of the stream. Opened
// with O_WRONLY it is ENXIO while nobody has it open for reading.
#ifndef EDDY_IO_PIPE_H_
#define EDDY_IO_PIPE_H_

#include <eddy/io/byte_stream.h>
#include <eddy/io/close.h>
#include <eddy/io/fd.h>
#include <eddy/io/read.h>
#include <eddy/io/write_all.h>
#include <eddy/runtime/attributes.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>

#include <cstddef>
#include <span>
#include <utility>

namespace eddy::io {

struct PipeOptions {
  // How many bytes wait in it before a write waits, rounded up to pages by the
  // kernel; 0: what the kernel gives, 64 KiB.
  std::size_t capacity = 0;
};

// What is read from. Without a descriptor all verbs answer EBADF.
class PipeReader {
 public:
  PipeReader() noexcept = default;
  explicit PipeReader(Fd fd) noexcept : fd_(std::move(fd)) {}

  // Result: 1 to buffer.size() bytes; 0 when all writers have closed, or for an
  // empty buffer. Otherwise as io::Read.
  io::Read Read(std::span<std::byte> buffer) noexcept {
    return io::Read(fd_, buffer);
  }
  // Who writes then gets EPIPE. As Fd::Close.
  io::Close Close() noexcept { return fd_.Close(); }

  bool valid() const noexcept { return fd_.valid(); }
  const Fd& fd() const noexcept { return fd_; }

 private:
  Fd fd_;
};
static_assert(ByteSource<PipeReader>);

// What is written to. Without a descriptor all verbs answer EBADF.
class PipeWriter {
 public:
  PipeWriter() noexcept = default;
  explicit PipeWriter(Fd fd) noexcept : fd_(std::move(fd)) {}

  // All of `data`. `written`, if not null, gets the bytes that were, also on
  // failure and after a stop.
  // Errors: EPIPE when all readers have closed; those of io::Write; kCanceled.
  // Lifetime: data and written live until the await returns.
  EDDY_CORO_WRAPPER Task<Result<void>> Write(std::span<const std::byte> data,
                                             std::size_t* written = nullptr) {
    return WriteAll(fd_, data, written);
  }
  // Closes this end: the reader finds the end of the stream after what was
  // written. As Fd::Close.
  io::Close Shutdown() noexcept { return fd_.Close(); }

  bool valid() const noexcept { return fd_.valid(); }
  const Fd& fd() const noexcept { return fd_; }

 private:
  Fd fd_;
};
static_assert(ByteSink<PipeWriter>);

struct Pipe {
  // Errors: EMFILE, ENFILE; of the capacity: EINVAL (2 GiB and more), ENOMEM,
  // EPERM (beyond /proc/sys/fs/pipe-max-size, without CAP_SYS_RESOURCE; or this
  // user's pipes hold too much, see pipe(7)).
  // Cost: one system call, which does not block; two with a capacity. See
  // pipe(7).
  static Result<Pipe> Create(const PipeOptions& options = {});

  PipeReader reader;
  PipeWriter writer;
};

}  // namespace eddy::io

#endif  // EDDY_IO_PIPE_H_
