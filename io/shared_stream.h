// SharedStream: a descriptor that other processes have too, such as the
// standard streams and terminals, as a source and a sink of bytes.
//
//   io::SharedStream input = io::Stdin();        // standard_streams.h
//   io::BufferedReader lines(input);
//
// Others see nothing of it: no flag is changed (O_NONBLOCK would be theirs too,
// and outlives this process), and nothing is closed. What is written by several
// processes or tasks at once is mixed, line by line at best.
//
// Terminals: io::Write on one whose reader is slow, or where Ctrl-S was
// pressed, can hold up the loop, since the kernel knows no way to write to it
// without waiting. Here kernel workers wait instead. Reading in the
// background of a terminal is EIO, where a shell's "&" would have stopped a
// program that reads with read(2).
//
// Lifetime: refers to the Fd, which lives as long as it. It may be copied.
// REQUIRES: one Read and one Write at a time. Two streams of one open file, as
// Stdout and Stderr after a shell's 2>&1, are one here: where both are written
// at once, parts of what is written are mixed, and in a file may overwrite each
// other. A Mutex for both keeps them apart (examples/run_command).
#ifndef EDDY_IO_SHARED_STREAM_H_
#define EDDY_IO_SHARED_STREAM_H_

#include <eddy/io/byte_stream.h>
#include <eddy/io/fd.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>

#include <cstddef>
#include <span>

namespace eddy::io {

class SharedStream {
 public:
  // Cost: one system call, which tells whether it is a terminal.
  explicit SharedStream(const Fd& fd) noexcept;
  explicit SharedStream(const Fd&&) = delete;

  // Result, errors, stop: those of io::Read; EIO in the background of a
  // terminal.
  // Lifetime: the buffer lives until the await returns.
  // Cost: a frame and one operation; of a terminal two, the second by a kernel
  // worker when there is something to read.
  Task<Result<std::size_t>> Read(std::span<std::byte> buffer);

  // Writes all of it. `written`, if not null, gets the bytes that were, also on
  // failure and after a stop.
  // Errors: those of io::Write, such as EPIPE; kCanceled.
  // Stop: a part may have been written; `written` tells.
  // Lifetime: data and written live until the await returns.
  // Cost: a frame, and one operation for each part that the stream takes; on a
  // terminal two, the second by a kernel worker, which waits where it has to.
  Task<Result<void>> Write(std::span<const std::byte> data,
                           std::size_t* written = nullptr);

  // Does nothing: who else has it may go on writing.
  Task<Result<void>> Shutdown();

  bool is_terminal() const noexcept { return is_terminal_; }
  const Fd& fd() const noexcept { return *fd_; }

 private:
  const Fd* fd_;
  bool is_terminal_;
};

static_assert(ByteStream<SharedStream>);

}  // namespace eddy::io

#endif  // EDDY_IO_SHARED_STREAM_H_
