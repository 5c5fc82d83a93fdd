// Whole files read and written by hand on liburing: a few large transfers under
// way at once.

#include <algorithm>

#include "bench/files/liburing.h"
#include "bench/files/measure.h"
#include "bench/files/plans.h"
#include "bench/files/twin_file.h"
#include "bench/lib/twin_ring.h"

namespace eddy::bench::twin {
namespace {

constexpr std::size_t kDepth = StreamPlan::kDepth;

// prepare(sqe, buffer, size, offset) for each piece of `bytes`.
template <typename Prepare>
void TransferAll(TwinRing& ring, std::uint64_t bytes, std::size_t transfer,
                 Prepare&& prepare) {
  const Pages pages(kDepth * transfer);
  std::uint64_t offset = 0;
  std::size_t under_way = 0;
  std::size_t sizes[kDepth];
  const auto next = [&](std::uint64_t slot) {
    if (offset == bytes) return;
    sizes[slot] = std::min<std::uint64_t>(transfer, bytes - offset);
    io_uring_sqe* sqe = ring.Sqe();
    prepare(sqe, pages.get() + (slot * transfer),
            static_cast<unsigned>(sizes[slot]), offset);
    sqe->user_data = slot;
    offset += sizes[slot];
    ++under_way;
  };
  for (std::uint64_t slot = 0; slot < kDepth; ++slot) next(slot);
  ring.Loop([&](const io_uring_cqe& cqe) {
    Expect(static_cast<std::int64_t>(sizes[cqe.user_data]), cqe.res,
           "transfer");
    --under_way;
    next(cqe.user_data);
    return under_way > 0;
  });
}

}  // namespace

int Load(int argc, char** argv) {
  const StreamPlan plan(argc, argv, 1);
  const int fd = OpenOrDie(plan.path, O_RDONLY | (plan.direct ? O_DIRECT : 0));
  TwinRing ring;
  TransferAll(ring, BytesOf(fd), StreamPlan::kTransfer,
              [fd](io_uring_sqe* sqe, std::byte* buffer, unsigned size,
                   std::uint64_t offset) {
                io_uring_prep_read(sqe, fd, buffer, size, offset);
              });
  return 0;
}

int Store(int argc, char** argv) {
  const StreamPlan plan(argc, argv, 2);
  const int fd = OpenOrDie(
      plan.path, O_WRONLY | O_CREAT | O_EXCL | (plan.direct ? O_DIRECT : 0));
  TwinRing ring;
  if (plan.allocated) {
    Expect(0, ::fallocate(fd, 0, 0, static_cast<off_t>(plan.bytes)),
           "fallocate");
  }
  TransferAll(
      ring, plan.bytes,
      plan.allocated ? StreamPlan::kLargeTransfer : StreamPlan::kTransfer,
      [fd](io_uring_sqe* sqe, std::byte* buffer, unsigned size,
           std::uint64_t offset) {
        io_uring_prep_write(sqe, fd, buffer, size, offset);
      });
  Expect(0, ::fdatasync(fd), "fdatasync");
  return 0;
}

}  // namespace eddy::bench::twin
