// Durable records by hand on liburing: a write and the fdatasync that is linked
// to it go to the kernel together.

#include <vector>

#include "bench/files/liburing.h"
#include "bench/files/measure.h"
#include "bench/files/plans.h"
#include "bench/files/twin_file.h"
#include "bench/lib/twin_ring.h"

namespace eddy::bench::twin {

int Sync(int argc, char** argv) {
  const SyncPlan plan(argc, argv);
  const int fd = OpenOrDie(plan.path, O_WRONLY | O_CREAT | O_EXCL);
  const std::vector<char> records(plan.size(), 'x');
  enum : std::uint64_t { kWrite, kSync };
  TwinRing ring;
  std::uint64_t offset = 0;
  const auto append = [&] {
    // Both or none: a chain ends where it is submitted.
    if (io_uring_sq_space_left(ring.get()) < 2) io_uring_submit(ring.get());
    io_uring_sqe* write = ring.Sqe();
    io_uring_prep_write(write, fd, records.data(),
                        static_cast<unsigned>(records.size()), offset);
    write->flags |= IOSQE_IO_LINK;
    write->user_data = kWrite;
    io_uring_sqe* sync = ring.Sqe();
    io_uring_prep_fsync(sync, fd, IORING_FSYNC_DATASYNC);
    sync->user_data = kSync;
    offset += records.size();
  };
  Window window(plan.seconds, 1);
  for (std::size_t i = 0; i < plan.writers; ++i) append();
  std::size_t under_way = plan.writers;
  ring.Loop([&](const io_uring_cqe& cqe) {
    if (cqe.user_data == kWrite) {
      Expect(static_cast<std::int64_t>(records.size()), cqe.res, "write");
      return true;
    }
    Expect(0, cqe.res, "fdatasync");
    if (window.Another(plan.batch)) {
      append();
    } else {
      --under_way;
    }
    return under_way > 0;
  });
  window.Print();
  return 0;
}

}  // namespace eddy::bench::twin
