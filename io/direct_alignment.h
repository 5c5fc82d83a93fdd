// DirectAlignment: what direct I/O (O_DIRECT) demands of a transfer.
//
// Offsets and lengths are multiples of `offset`, addresses of `memory`; both
// are powers of two, in bytes. Zeros: nothing is demanded, or it is not known.
// See open(2), NOTES, "O_DIRECT", and statx(2), STATX_DIOALIGN.
#ifndef EDDY_IO_DIRECT_ALIGNMENT_H_
#define EDDY_IO_DIRECT_ALIGNMENT_H_

#include <eddy/runtime/error.h>

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <span>

namespace eddy::io {

struct DirectAlignment {
  std::uint32_t memory = 0;
  std::uint32_t offset = 0;

  bool known() const noexcept { return offset != 0; }

  // Which of the demands a transfer does not meet: the code of
  // kMisalignedOffset, kMisalignedLength or kMisalignedMemory, or 0.
  int Missed(std::uint64_t at, const void* data,
             std::size_t size) const noexcept {
    if (!known()) return 0;
    if ((at & (offset - 1)) != 0) return kMisalignedOffset.code();
    if ((size & (offset - 1)) != 0) return kMisalignedLength.code();
    const auto address = reinterpret_cast<std::uintptr_t>(data);
    if (memory != 0 && (address & (memory - 1)) != 0) {
      return kMisalignedMemory.code();
    }
    return 0;
  }
  // The same for several buffers, one after the other.
  int Missed(std::uint64_t at, std::span<const iovec> buffers) const noexcept {
    if (!known()) return 0;
    const std::size_t mask = memory == 0 ? 0 : memory - 1;
    std::size_t size = 0;
    for (const iovec& buffer : buffers) {
      if ((reinterpret_cast<std::uintptr_t>(buffer.iov_base) & mask) != 0) {
        return kMisalignedMemory.code();
      }
      if ((buffer.iov_len & mask) != 0) return kMisalignedLength.code();
      size += buffer.iov_len;
    }
    return Missed(at, nullptr, size);
  }
};

}  // namespace eddy::io

#endif  // EDDY_IO_DIRECT_ALIGNMENT_H_
