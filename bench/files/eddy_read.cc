// Random reads as a user of eddy writes them: a task for each that is under
// way.

#include <eddy/fs/aligned_buffer.h>
#include <eddy/fs/file.h>
#include <eddy/runtime/task_scope.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <system_error>

#include "bench/files/eddy.h"
#include "bench/files/measure.h"
#include "bench/files/plans.h"

namespace eddy::bench::subject {
namespace {

Task<Result<void>> ReadOn(const fs::File& file, io::RegisteredSpan buffer,
                          Blocks& blocks, Window& window) {
  do {
    EDDY_CO_TRY(const std::size_t n,
                co_await file.ReadAt(blocks.Next(), buffer));
    if (n != kBlock) co_return Unexpected(std::errc::io_error);
  } while (window.Another());
  co_return Result<void>();
}

Task<Result<void>> ReadAll(ReadPlan plan) {
  fs::OpenOptions options;
  options.direct = plan.direct;
  EDDY_CO_TRY(const fs::File file, co_await fs::File::Open(plan.path, options));
  EDDY_CO_TRY(const std::uint64_t size, co_await file.Size());
  Blocks blocks(size);
  fs::AlignedBuffer buffer(plan.depth * kBlock);
  std::ranges::fill(buffer.bytes(), std::byte{1});
  if (plan.buffers) EDDY_CO_CHECK(buffer.Register());
  Window window(plan.seconds);
  EDDY_CO_CHECK(co_await WithScope([&](TaskScope& scope) -> Task<Result<void>> {
    for (std::size_t i = 0; i < plan.depth; ++i) {
      scope.Spawn(
          ReadOn(file, buffer.Part(i * kBlock, kBlock), blocks, window));
    }
    co_return Result<void>();
  }));
  window.Print();
  co_return Result<void>();
}

}  // namespace

int Read(int argc, char** argv) {
  return RunToEnd(ReadAll(ReadPlan(argc, argv)));
}

}  // namespace eddy::bench::subject
