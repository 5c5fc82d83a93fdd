// Small files made by hand on liburing: three operations one after the other
// for each, many files at a time.

#include <cstdio>
#include <string>
#include <vector>

#include "bench/files/liburing.h"
#include "bench/files/measure.h"
#include "bench/files/plans.h"
#include "bench/files/twin_file.h"
#include "bench/lib/twin_ring.h"

namespace eddy::bench::twin {

int Create(int argc, char** argv) {
  const CreatePlan plan(argc, argv);
  struct Slot {
    enum : std::uint64_t { kOpen, kWrite, kClose };
    std::string path;
    int fd;
  };
  const std::vector<char> text(CreatePlan::kSize, 'x');
  std::vector<Slot> slots(plan.writers);
  TwinRing ring;
  std::size_t begun = 0;
  std::size_t made = 0;
  const auto open = [&](Slot& slot) {
    if (begun == plan.files) return;
    slot.path = plan.folder;
    slot.path += "/" + std::to_string(begun++);
    io_uring_sqe* sqe = ring.Sqe();
    io_uring_prep_openat(sqe, AT_FDCWD, slot.path.c_str(),
                         O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    Tag(sqe, &slot, Slot::kOpen);
  };
  const Span span;
  for (Slot& slot : slots) open(slot);
  ring.Loop([&](const io_uring_cqe& cqe) {
    Slot& slot = *ObjectOf<Slot>(cqe);
    TwinRing::Check(cqe.res, slot.path.c_str());
    switch (cqe.user_data & kKindMask) {
      case Slot::kOpen: {
        slot.fd = cqe.res;
        io_uring_sqe* sqe = ring.Sqe();
        io_uring_prep_write(sqe, slot.fd, text.data(), CreatePlan::kSize, 0);
        Tag(sqe, &slot, Slot::kWrite);
        break;
      }
      case Slot::kWrite: {
        Expect(CreatePlan::kSize, cqe.res, "write");
        io_uring_sqe* sqe = ring.Sqe();
        io_uring_prep_close(sqe, slot.fd);
        Tag(sqe, &slot, Slot::kClose);
        break;
      }
      default:
        ++made;
        open(slot);
    }
    return made < plan.files;
  });
  span.Print(made);
  return 0;
}

}  // namespace eddy::bench::twin
