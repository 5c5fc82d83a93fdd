// WriteAll: writes all of a buffer, or of several one after the other, to a
// stream.
//
// Result: nothing; all was written.
// Errors: those of Write; kCanceled.
// `transferred`, if not null, gets the bytes that were written, also on failure
// and after a stop: they are the data's beginning.
// Lifetime: fd, the data, the array of buffers, and transferred live until the
// await returns.
// Cost: a coroutine frame, and a Write for each part that the stream takes. Of
// several buffers a WriteVector for up to 1024; where the stream takes a part
// of one, a Write for the rest of that.
#ifndef EDDY_IO_WRITE_ALL_H_
#define EDDY_IO_WRITE_ALL_H_

#include <eddy/io/fd.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>

#include <sys/uio.h>

#include <cstddef>
#include <span>

namespace eddy::io {

Task<Result<void>> WriteAll(const Fd& fd, std::span<const std::byte> data,
                            std::size_t* transferred = nullptr);

// See iovec.h for making them of spans.
Task<Result<void>> WriteAll(const Fd& fd, std::span<const iovec> buffers,
                            std::size_t* transferred = nullptr);

}  // namespace eddy::io

#endif  // EDDY_IO_WRITE_ALL_H_
