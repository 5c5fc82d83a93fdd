// Random reads as one writes them by hand on liburing.

#include <algorithm>

#include "bench/files/liburing.h"
#include "bench/files/measure.h"
#include "bench/files/plans.h"
#include "bench/files/twin_file.h"
#include "bench/lib/twin_ring.h"

namespace eddy::bench::twin {

int Read(int argc, char** argv) {
  const ReadPlan plan(argc, argv);
  int fd = OpenOrDie(plan.path, O_RDONLY | (plan.direct ? O_DIRECT : 0));
  Blocks blocks(BytesOf(fd));
  const Pages pages(plan.depth * kBlock);
  TwinRing ring;
  if (plan.buffers) {
    const iovec all{pages.get(), plan.depth * kBlock};
    TwinRing::Check(io_uring_register_buffers(ring.get(), &all, 1),
                    "io_uring_register_buffers");
  }
  if (plan.files) {
    TwinRing::Check(io_uring_register_files(ring.get(), &fd, 1),
                    "io_uring_register_files");
    fd = 0;  // its place in the table
  }
  const auto read = [&](std::uint64_t slot) {
    io_uring_sqe* sqe = ring.Sqe();
    std::byte* buffer = pages.get() + (slot * kBlock);
    if (plan.buffers) {
      io_uring_prep_read_fixed(sqe, fd, buffer, kBlock, blocks.Next(), 0);
    } else {
      io_uring_prep_read(sqe, fd, buffer, kBlock, blocks.Next());
    }
    if (plan.files) sqe->flags |= IOSQE_FIXED_FILE;
    sqe->user_data = slot;
  };
  Window window(plan.seconds);
  for (std::size_t slot = 0; slot < plan.depth; ++slot) read(slot);
  std::size_t under_way = plan.depth;
  const std::size_t most =
      plan.patient ? std::max<std::size_t>(plan.depth / 2, 1) : 1;
  ring.Loop(
      [&](const io_uring_cqe& cqe) {
        Expect(kBlock, cqe.res, "read");
        if (window.Another()) {
          read(cqe.user_data);
        } else {
          --under_way;
        }
        return under_way > 0;
      },
      [&] { return static_cast<unsigned>(std::min(most, under_way)); });
  window.Print();
  return 0;
}

}  // namespace eddy::bench::twin
