// ToIovec: a span as one of the buffers of ReadVector, WriteVector, SendMessage
// and ReceiveMessage.
//
//   const iovec parts[] = {io::ToIovec(head), io::ToIovec(body)};
//   EDDY_CO_CHECK(co_await stream.Write(parts));
//
// Lifetime: refers to the bytes of the span. Of constant bytes it is for
// operations that only read them; the type cannot tell.
#ifndef EDDY_IO_IOVEC_H_
#define EDDY_IO_IOVEC_H_

#include <limits.h>
#include <sys/uio.h>

#include <algorithm>
#include <cstddef>
#include <span>

namespace eddy::io {

inline iovec ToIovec(std::span<const std::byte> bytes) noexcept {
  return {const_cast<std::byte*>(bytes.data()), bytes.size()};
}

// The most buffers that one operation takes, at the front of a list.
inline std::span<const iovec> ClampCount(
    std::span<const iovec> buffers) noexcept {
  return buffers.first(std::min<std::size_t>(buffers.size(), IOV_MAX));
}

}  // namespace eddy::io

#endif  // EDDY_IO_IOVEC_H_
