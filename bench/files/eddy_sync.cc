// Durable records as a user of eddy writes them.

#include <eddy/fs/file.h>
#include <eddy/runtime/task_scope.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "bench/files/eddy.h"
#include "bench/files/measure.h"
#include "bench/files/plans.h"

namespace eddy::bench::subject {
namespace {

Task<Result<void>> Append(fs::File& file, std::uint64_t& end,
                          std::span<const std::byte> records, std::size_t batch,
                          Window& window) {
  do {
    const std::uint64_t offset = end;
    end += records.size();
    EDDY_CO_CHECK(co_await file.WriteAllAt(offset, records));
    EDDY_CO_CHECK(co_await file.DataSync());
  } while (window.Another(batch));
  co_return Result<void>();
}

Task<Result<void>> AppendAll(SyncPlan plan) {
  EDDY_CO_TRY(fs::File file,
              co_await fs::File::Open(plan.path, fs::OpenOptions::Rewrite()));
  const std::vector<std::byte> records(plan.size());
  std::uint64_t end = 0;
  Window window(plan.seconds, 1);
  EDDY_CO_CHECK(co_await WithScope([&](TaskScope& scope) -> Task<Result<void>> {
    for (std::size_t i = 0; i < plan.writers; ++i) {
      scope.Spawn(Append(file, end, records, plan.batch, window));
    }
    co_return Result<void>();
  }));
  window.Print();
  co_return Result<void>();
}

}  // namespace

int Sync(int argc, char** argv) {
  return RunToEnd(AppendAll(SyncPlan(argc, argv)));
}

}  // namespace eddy::bench::subject
