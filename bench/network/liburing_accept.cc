// Accepting and closing on liburing.

#include "bench/network/liburing.h"

#include "bench/lib/twin_ring.h"

namespace eddy::bench::twin {
namespace {

void Close(TwinRing& ring, int fd) {
  io_uring_sqe* sqe = ring.Sqe();
  io_uring_prep_close(sqe, fd);
  io_uring_sqe_set_flags(sqe, IOSQE_CQE_SKIP_SUCCESS);
  io_uring_sqe_set_data64(sqe, kIgnored);
}

}  // namespace

int Accept(int argc, char** argv) {
  static TwinRing ring;
  return ServeTcp<AcceptKind::kOneShot>(
      ring, argc, argv, [](int fd) { Close(ring, fd); },
      [](const io_uring_cqe&) {});
}

int AcceptMultishot(int argc, char** argv) {
  static TwinRing ring;
  return ServeTcp(
      ring, argc, argv, [](int fd) { Close(ring, fd); },
      [](const io_uring_cqe&) {});
}

}  // namespace eddy::bench::twin
