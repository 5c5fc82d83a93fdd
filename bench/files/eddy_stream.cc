// Whole files read, written and copied as a user of eddy does it.

#include <eddy/fs/copy_file.h>
#include <eddy/fs/file.h>
#include <eddy/fs/reader.h>
#include <eddy/fs/writer.h>

#include <algorithm>
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

Task<Result<void>> LoadAll(StreamPlan plan) {
  fs::OpenOptions options;
  options.direct = plan.direct;
  EDDY_CO_TRY(fs::File file, co_await fs::File::Open(plan.path, options));
  fs::Reader reader(std::move(file));
  while (true) {
    EDDY_CO_TRY(const std::span<const std::byte> bytes, co_await reader.Next());
    if (bytes.empty()) co_return Result<void>();
  }
}

Task<Result<void>> StoreAll(StreamPlan plan) {
  fs::OpenOptions options = fs::OpenOptions::Rewrite();
  options.direct = plan.direct;
  EDDY_CO_TRY(fs::File file, co_await fs::File::Open(plan.path, options));
  fs::WriterOptions writing;
  if (plan.allocated) {
    EDDY_CO_CHECK(co_await file.Allocate(0, plan.bytes));
    writing.chunk_size = StreamPlan::kLargeTransfer;
  }
  fs::Writer writer(std::move(file), writing);
  const std::vector<std::byte> data(StreamPlan::kPiece, std::byte{1});
  for (std::uint64_t left = plan.bytes; left != 0;) {
    const std::size_t size = std::min<std::uint64_t>(data.size(), left);
    EDDY_CO_CHECK(co_await writer.Write(std::span(data).first(size)));
    left -= size;
  }
  EDDY_CO_CHECK(co_await writer.Sync(io::SyncKind::kData));
  co_return co_await writer.Close();
}

Task<Result<void>> CopyIt(CopyPlan plan) {
  EDDY_CO_CHECK(co_await fs::CopyFile(plan.from, plan.to));
  co_return Result<void>();
}

}  // namespace

int Load(int argc, char** argv) {
  return RunToEnd(LoadAll(StreamPlan(argc, argv, 1)));
}
int Store(int argc, char** argv) {
  return RunToEnd(StoreAll(StreamPlan(argc, argv, 2)));
}
int Copy(int argc, char** argv) {
  return RunToEnd(CopyIt(CopyPlan(argc, argv)));
}

}  // namespace eddy::bench::subject
