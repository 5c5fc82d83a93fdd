// FdSource: a pipe, a terminal, or a file at its current position as a
// ByteSource, for BufferedReader and other code that takes one.
//
//   io::FdSource input(standard_input);
//   io::BufferedReader lines(input);
//
// Lifetime: refers to the Fd, which lives as long as it.
// Result, errors, stop and cost of Read: those of io::Read.
#ifndef EDDY_IO_FD_SOURCE_H_
#define EDDY_IO_FD_SOURCE_H_

#include <eddy/io/byte_stream.h>
#include <eddy/io/fd.h>
#include <eddy/io/read.h>

#include <cstddef>
#include <span>

namespace eddy::io {

class FdSource {
 public:
  explicit FdSource(const Fd& fd) noexcept : fd_(&fd) {}

  io::Read Read(std::span<std::byte> buffer) noexcept {
    return io::Read(*fd_, buffer);
  }

 private:
  const Fd* fd_;
};
static_assert(ByteSource<FdSource>);

}  // namespace eddy::io

#endif  // EDDY_IO_FD_SOURCE_H_
