#include "examples/kv_server/core.h"

#include <absl/strings/str_cat.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/timer.h>
#include <eddy/runtime/yield.h>

#include <chrono>
#include <cstdio>

namespace kv_server {
namespace {

using eddy::Result;
using eddy::Task;
using eddy::TaskScope;
using eddy::Unexpected;

// How often keys are looked for whose time is over, and how many are removed
// before others have a turn.
constexpr auto kExpireEvery = std::chrono::milliseconds(100);
constexpr std::size_t kExpireAtOnce = 1000;

Task<Result<void>> ExpireForEver(Shard& shard) {
  while (true) {
    EDDY_CO_CHECK(co_await eddy::Sleep(kExpireEvery));
    while (shard.ExpireSome(Now(), kExpireAtOnce)) {
      co_await eddy::Yield();
    }
  }
}

}  // namespace

Time Now() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

std::string LogPath(const Options& options, unsigned core) {
  return absl::StrCat(options.log, "/core-", core, ".log");
}

Task<Result<void>> Core::Recover(std::uint64_t seed) {
  if (options_.log.empty()) co_return Result<void>();
  const std::string path = LogPath(options_, index_);
  std::string problem;
  const auto replay = [this](const Mutation& mutation) {
    return shard_.Replay(mutation);
  };
  const LogOwner owner = {index_, cores_, seed};
  auto log = co_await AppendLog::Open(path, owner, options_.log_options, replay,
                                      problem);
  if (!log) {
    std::fprintf(stderr, "kv_server: %s\n", problem.c_str());
    co_return Unexpected(log.error());
  }
  log_ = *std::move(log);
  if (log_->stats().cut_off != 0) {
    std::fprintf(stderr, "kv_server: cut off %ju torn bytes at the end of %s\n",
                 std::uintmax_t{log_->stats().cut_off}, path.c_str());
  }
  shard_.set_journal(log_.get());
  co_return Result<void>();
}

Task<Result<void>> Core::RunBackground() {
  const auto body = [this](TaskScope& scope) -> Task<Result<void>> {
    if (log_ != nullptr) {
      // Its end is no end of the server: what is there can still be read.
      scope.Spawn(
          [this]() -> Task<> { static_cast<void>(co_await log_->Run()); });
    }
    co_return co_await ExpireForEver(shard_);
  };
  co_return co_await eddy::WithScope(body);
}

}  // namespace kv_server
