// CopyBothWays: two streams, each of which gets what the other sends; what a
// proxy does.
//
//   io::CopyCounts counts;
//   Result<void> done = co_await io::CopyBothWays(client, server, &counts);
//
// Half-close: where one stream ends, the other is told with Shutdown, after all
// bytes before; the other direction goes on until it ends too. (A Shutdown that
// finds its peer gone, ENOTCONN, is no error.)
//
// Result: nothing; both directions have ended.
// Errors: the first one of either stream, which stops the other direction;
// kCanceled. `counts`, if not null, gets the bytes that reached each stream,
// also on failure and after a stop, and is kept up to date meanwhile: who looks
// at it now and then knows whether anything moves.
// Lifetime: both streams and counts live until the await returns. Neither is
// closed: close both where an error or a stop came, to tell their peers.
// Stop: ends both directions. Of each, up to buffer_size bytes may have been
// read by then that the other stream did not get.
// Cost: a buffer from the heap for each direction, a read and a write for each
// part.
#ifndef EDDY_IO_COPY_BOTH_WAYS_H_
#define EDDY_IO_COPY_BOTH_WAYS_H_

#include <eddy/io/byte_stream.h>
#include <eddy/io/copy.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>
#include <eddy/runtime/task_scope.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <system_error>

namespace eddy {
namespace io {

// Of each direction. (Measured on loopback: a fifth less CPU time for each byte
// than with 16 KiB, and the same as with 128 KiB.)
inline constexpr std::size_t kBothWaysBufferSize = 64 * 1024;

struct CopyCounts {
  std::uint64_t a_to_b = 0;
  std::uint64_t b_to_a = 0;
};

}  // namespace io

namespace internal {

// Until `from` ends, and the end too.
template <io::ByteSource From, io::ByteSink To>
Task<Result<void>> CopyOneWay(From& from, To& to, std::uint64_t& count,
                              std::size_t buffer_size) {
  EDDY_CO_CHECK(co_await io::Copy(from, to, &count, buffer_size));
  const Result<void> told = co_await to.Shutdown();
  if (!told && told.error() == std::errc::not_connected) {
    co_return Result<void>();
  }
  co_return told;
}

}  // namespace internal

namespace io {

template <ByteStream A, ByteStream B>
Task<Result<void>> CopyBothWays(A& a, B& b, CopyCounts* counts = nullptr,
                                std::size_t buffer_size = kBothWaysBufferSize) {
  CopyCounts ignored;
  CopyCounts& total = counts != nullptr ? *counts : ignored;
  total = CopyCounts();
  const auto body = [&](TaskScope& scope) -> Task<Result<void>> {
    scope.Spawn(eddy::internal::CopyOneWay(a, b, total.a_to_b, buffer_size));
    co_return co_await eddy::internal::CopyOneWay(b, a, total.b_to_a,
                                                  buffer_size);
  };
  co_return co_await WithScope(body);
}

}  // namespace io
}  // namespace eddy

#endif  // EDDY_IO_COPY_BOTH_WAYS_H_
