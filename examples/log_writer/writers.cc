#include "examples/log_writer/writers.h"

#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/when_all.h>

#include <absl/strings/str_cat.h>

#include <string>
#include <utility>
#include <vector>

namespace log_writer {
namespace {

using eddy::Result;
using eddy::Task;
using eddy::TaskScope;

Task<Result<void>> WriteOne(Log& log, const Load& load, unsigned writer) {
  for (std::uint64_t number = 0; number < load.records; ++number) {
    const std::string name =
        absl::StrCat(std::string(load.run), " ", writer, " ", number);
    std::string record = name + " ";
    if (record.size() < load.size) record.resize(load.size, '.');
    EDDY_CO_CHECK(co_await log.Append(record));
    if (load.acknowledged) load.acknowledged(name);
  }
  co_return Result<void>();
}

}  // namespace

Task<Result<void>> Write(Log& log, const Load& load) {
  Result<void> written;
  const auto body = [&](TaskScope& scope) -> Task<Result<void>> {
    scope.Spawn([&]() -> Task<Result<void>> {
      const Result<void> ended = co_await log.Run();
      // It was stopped because all is written.
      if (ended.error() == eddy::kCanceled) co_return Result<void>();
      co_return ended;
    });
    std::vector<Task<Result<void>>> writers;
    for (unsigned writer = 0; writer < load.writers; ++writer) {
      writers.push_back(WriteOne(log, load, writer));
    }
    for (const Result<void>& one : co_await eddy::WhenAll(std::move(writers))) {
      if (written && !one) written = one;
    }
    scope.RequestStop();
    co_return written;
  };
  co_return co_await eddy::WithScope(body);
}

}  // namespace log_writer
