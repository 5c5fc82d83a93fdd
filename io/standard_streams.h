// Stdin, Stdout, Stderr: the standard streams of this process, for tasks.
//
//   io::SharedStream output = io::Stdout();
//   EDDY_CO_CHECK(co_await output.Write(std::as_bytes(std::span(text))));
//
// They may be a terminal, a pipe, a file, a socket, or /dev/null: SharedStream
// says what holds for all. They are never closed, and no flag of theirs is
// changed. Where this process was started without one of them its number may be
// any other descriptor's, as everywhere; else EBADF.
//
// The C and C++ library's buffers know nothing of them: what was printed with
// printf or std::cout comes when those are flushed. Both wait in write(2) where
// the reader is slow, and hold up the loop then.
//
// Lifetime: until the thread ends. Thread safety: each thread has its own.
// Cost: one system call.
#ifndef EDDY_IO_STANDARD_STREAMS_H_
#define EDDY_IO_STANDARD_STREAMS_H_

#include <eddy/io/shared_stream.h>

namespace eddy::io {

SharedStream Stdin() noexcept;
SharedStream Stdout() noexcept;
SharedStream Stderr() noexcept;

}  // namespace eddy::io

#endif  // EDDY_IO_STANDARD_STREAMS_H_
