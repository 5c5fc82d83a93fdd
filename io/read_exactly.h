// ReadExactly: fills a buffer from a stream.
//
// Result: nothing; the buffer is full.
// Errors: kEndOfStream if the stream ends before; those of Read; kCanceled.
// `transferred`, if not null, gets the bytes that were read, also on failure
// and after a stop: they are at the buffer's beginning and not in the stream.
// Lifetime: fd, buffer and transferred live until the await returns.
// Cost: a coroutine frame, and a Read for each part that arrives.
#ifndef EDDY_IO_READ_EXACTLY_H_
#define EDDY_IO_READ_EXACTLY_H_

#include <eddy/io/fd.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>

#include <cstddef>
#include <span>

namespace eddy::io {

Task<Result<void>> ReadExactly(const Fd& fd, std::span<std::byte> buffer,
                               std::size_t* transferred = nullptr);

}  // namespace eddy::io

#endif  // EDDY_IO_READ_EXACTLY_H_
