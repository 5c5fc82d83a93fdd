// The same with blocking system calls, one after the other on one thread, as
// one program (see modes.h and plans.h).

#include <fcntl.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "bench/files/measure.h"
#include "bench/files/plans.h"
#include "bench/files/twin_file.h"
#include "bench/lib/modes.h"

namespace eddy::bench {
namespace {

int Read(int argc, char** argv) {
  const ReadPlan plan(argc, argv);
  const int fd = OpenOrDie(plan.path, O_RDONLY | (plan.direct ? O_DIRECT : 0));
  Blocks blocks(BytesOf(fd));
  const Pages page(kBlock);
  Window window(plan.seconds);
  do {
    Expect(kBlock,
           ::pread(fd, page.get(), kBlock, static_cast<off_t>(blocks.Next())),
           "pread");
  } while (window.Another());
  window.Print();
  return 0;
}

int Create(int argc, char** argv) {
  const CreatePlan plan(argc, argv);
  const std::string folder = plan.folder;
  const std::vector<char> text(CreatePlan::kSize, 'x');
  const Span span;
  for (std::size_t i = 0; i < plan.files; ++i) {
    const std::string path = folder + "/" + std::to_string(i);
    const int fd = OpenOrDie(path.c_str(), O_WRONLY | O_CREAT | O_EXCL);
    Expect(CreatePlan::kSize, ::write(fd, text.data(), text.size()), "write");
    Expect(0, ::close(fd), "close");
  }
  span.Print(plan.files);
  return 0;
}

int Sync(int argc, char** argv) {
  const SyncPlan plan(argc, argv);
  const int fd = OpenOrDie(plan.path, O_WRONLY | O_CREAT | O_EXCL);
  const std::vector<char> records(plan.size(), 'x');
  Window window(plan.seconds, 1);
  do {
    Expect(static_cast<std::int64_t>(records.size()),
           ::write(fd, records.data(), records.size()), "write");
    Expect(0, ::fdatasync(fd), "fdatasync");
  } while (window.Another(plan.batch));
  window.Print();
  return 0;
}

}  // namespace
}  // namespace eddy::bench

int main(int argc, char** argv) {
  using namespace eddy::bench;  // NOLINT: a program
  return RunMode({{"read", Read}, {"create", Create}, {"sync", Sync}}, argc,
                 argv);
}
