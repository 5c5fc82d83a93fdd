// Copy: everything from one stream to another, until the first one ends.
//
// Result: the bytes copied.
// Errors: those of Read and Write; kCanceled.
// `copied`, if not null, gets the bytes that reached `to`, also on failure and
// after a stop. At most `buffer_size` bytes more may have been read from `from`
// by then; they are lost to a stream that cannot be positioned.
// Lifetime: both Fds and copied live until the await returns.
// Neither end is closed or shut down.
// Cost: one buffer from the heap, a Read and a Write for each part.
#ifndef EDDY_IO_COPY_H_
#define EDDY_IO_COPY_H_

#include <eddy/io/fd.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>

#include <cstddef>
#include <cstdint>

namespace eddy::io {

inline constexpr std::size_t kCopyBufferSize = 128 * 1024;

Task<Result<std::uint64_t>> Copy(const Fd& from, const Fd& to,
                                 std::uint64_t* copied = nullptr,
                                 std::size_t buffer_size = kCopyBufferSize);

}  // namespace eddy::io

#endif  // EDDY_IO_COPY_H_
