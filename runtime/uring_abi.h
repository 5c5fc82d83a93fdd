// Constants of the kernel's io_uring interface that Debian 12's liburing does
// not have yet. The only place where that difference shows.
#ifndef EDDY_RUNTIME_URING_ABI_H_
#define EDDY_RUNTIME_URING_ABI_H_

#include <liburing.h>

#include <cstdint>

// Linux 6.6: the submission queue has no index array.
#ifndef IORING_SETUP_NO_SQARRAY
#define IORING_SETUP_NO_SQARRAY (1U << 16)
#endif

// Linux 6.2: the notification of a zero-copy send tells whether the kernel had
// to copy.
#ifndef IORING_SEND_ZC_REPORT_USAGE
#define IORING_SEND_ZC_REPORT_USAGE (1U << 3)
#endif
#ifndef IORING_NOTIF_USAGE_ZC_COPIED
#define IORING_NOTIF_USAGE_ZC_COPIED (1U << 31)
#endif

// Linux 6.10: a receive or send may use several provided buffers at once.
#ifndef IORING_FEAT_RECVSEND_BUNDLE
#define IORING_FEAT_RECVSEND_BUNDLE (1U << 14)
#endif
#ifndef IORING_RECVSEND_BUNDLE
#define IORING_RECVSEND_BUNDLE (1U << 4)
#endif

// Linux 6.12: a provided buffer may be used part by part. In the flags of
// io_uring_register_buf_ring(3), and of a completion.
#ifndef IORING_CQE_F_BUF_MORE
#define IORING_CQE_F_BUF_MORE (1U << 4)
#endif

namespace eddy::internal {

// An enumerator, so that no macro tells whether liburing has it.
inline constexpr unsigned kBufferRingIncremental = 2;

// Linux 6.7 and 6.9: opcodes.
inline constexpr std::uint8_t kOpReadMultishot = 49;
inline constexpr std::uint8_t kOpFtruncate = 55;

// Linux 6.17: the bytes after which a multishot receive ends, in a field that
// liburing 2.3 does not name: it shares its place with file_index.
inline void SetReceiveLimit(io_uring_sqe* sqe, unsigned bytes) noexcept {
  sqe->file_index = bytes;
}

}  // namespace eddy::internal

#endif  // EDDY_RUNTIME_URING_ABI_H_
