#include "examples/kv_server/core.h"

#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/timer.h>
#include <eddy/runtime/yield.h>

#include <chrono>
#include <cstdio>
#include <new>

#include "examples/kv_server/log_set.h"

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

// Whether there are more. Where memory is short, they have time.
bool ExpireSome(Shard& shard) {
  try {
    return shard.ExpireSome(Now(), kExpireAtOnce);
  } catch (const std::bad_alloc&) {
    return false;
  }
}

Task<Result<void>> ExpireForEver(Core& core) {
  while (true) {
    EDDY_CO_CHECK(co_await eddy::Sleep(kExpireEvery));
    bool more = true;
    while (more) {
      if (core.full()) {
        EDDY_CO_CHECK(co_await core.Room());
      }
      more = ExpireSome(core.shard());
      co_await eddy::Yield();
    }
  }
}

}  // namespace

Time Now() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

Task<Result<void>> Core::Recover(std::uint64_t seed) {
  if (options_.log.empty()) co_return Result<void>();
  const std::string path = LogPath(options_.log, index_);
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

Task<Result<void>> Core::WriteLog() {
  const Result<void> ended = co_await log_->Run();
  if (!ended && ended.error() != eddy::kCanceled) {
    std::fprintf(stderr,
                 "kv_server: %s cannot be written: the server ends; what was "
                 "answered is there after a restart\n",
                 LogPath(options_.log, index_).c_str());
  }
  co_return ended;
}

Task<Result<void>> Core::Room() {
  if (!full()) co_return Result<void>();
  co_return co_await log_->Room();
}

Task<Result<void>> Core::Durable() {
  if (durable()) co_return Result<void>();
  co_return co_await log_->Durable();
}

Task<Result<void>> Core::RunBackground() {
  const auto body = [this](TaskScope& scope) -> Task<Result<void>> {
    if (log_ != nullptr) {
      scope.Spawn(WriteLog());
    }
    co_return co_await ExpireForEver(*this);
  };
  co_return co_await eddy::WithScope(body);
}

}  // namespace kv_server
