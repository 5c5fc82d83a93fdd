// Small files made, and a tree walked, as a user of eddy does it.

#include <eddy/fs/directory.h>
#include <eddy/fs/file.h>
#include <eddy/fs/walk.h>
#include <eddy/io/statx.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/when_all.h>

#include <fcntl.h>
#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "bench/files/eddy.h"
#include "bench/files/measure.h"
#include "bench/files/plans.h"

namespace eddy::bench::subject {
namespace {

Task<Result<void>> MakeFiles(const std::string& folder, std::size_t& next,
                             std::size_t files,
                             std::span<const std::byte> text) {
  while (next < files) {
    std::string path = folder + "/" + std::to_string(next++);
    fs::OpenOptions options = fs::OpenOptions::Rewrite();
    options.exclusive = true;
    EDDY_CO_TRY(fs::File file, co_await fs::File::Open(path, options));
    EDDY_CO_CHECK(co_await file.WriteAllAt(0, text));
    EDDY_CO_CHECK(co_await file.Close());
  }
  co_return Result<void>();
}

Task<Result<void>> MakeAll(CreatePlan plan) {
  const std::string folder = plan.folder;
  const std::vector<std::byte> text(CreatePlan::kSize);
  std::size_t next = 0;
  const Span span;
  EDDY_CO_CHECK(co_await WithScope([&](TaskScope& scope) -> Task<Result<void>> {
    for (std::size_t i = 0; i < plan.writers; ++i) {
      scope.Spawn(MakeFiles(folder, next, plan.files, text));
    }
    co_return Result<void>();
  }));
  span.Print(plan.files);
  co_return Result<void>();
}

// Files that are asked for their size at once.
constexpr std::size_t kAtOnce = 64;

Task<Result<std::uint64_t>> SizeOf(const fs::WalkEntry& entry) {
  EDDY_CO_TRY(const struct statx info,
              co_await io::Statx(entry.parent->fd(), entry.name(),
                                 AT_SYMLINK_NOFOLLOW, STATX_SIZE));
  co_return info.stx_size;
}

Task<Result<std::uint64_t>> SizeOfAll(std::vector<fs::WalkEntry> entries) {
  std::vector<Task<Result<std::uint64_t>>> tasks;
  for (const fs::WalkEntry& entry : entries) tasks.push_back(SizeOf(entry));
  std::uint64_t sum = 0;
  for (const Result<std::uint64_t>& size : co_await WhenAll(std::move(tasks))) {
    EDDY_CO_CHECK(size);
    sum += *size;
  }
  co_return sum;
}

Task<Result<void>> WalkAll(WalkPlan plan) {
  std::uint64_t sum = 0;
  std::vector<fs::WalkEntry> entries;
  auto walk = fs::Walk(plan.folder);
  while (auto next = co_await walk.Next()) {
    EDDY_CO_TRY(fs::WalkEntry entry, *std::move(next));
    if (entry.error) co_return Unexpected(*entry.error);
    if (!plan.sizes) continue;
    entries.push_back(std::move(entry));
    if (entries.size() == kAtOnce) {
      EDDY_CO_TRY(const std::uint64_t some,
                  co_await SizeOfAll(std::exchange(entries, {})));
      sum += some;
    }
  }
  EDDY_CO_TRY(const std::uint64_t rest, co_await SizeOfAll(std::move(entries)));
  sum += rest;
  std::printf("%llu bytes\n", static_cast<unsigned long long>(sum));
  co_return Result<void>();
}

}  // namespace

int Walk(int argc, char** argv) {
  return RunToEnd(WalkAll(WalkPlan(argc, argv)));
}
int Create(int argc, char** argv) {
  return RunToEnd(MakeAll(CreatePlan(argc, argv)));
}

}  // namespace eddy::bench::subject
