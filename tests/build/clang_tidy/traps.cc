// The traps that docs/clang-tidy/.clang-tidy finds: the test build.clang_tidy
// wants each of them found, on the line after the comment that names its check,
// and nothing else.
#include <eddy/runtime/blocking.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/sync_wait.h>
#include <eddy/runtime/task.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/yield.h>

#include <cstring>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace {

using eddy::Result;
using eddy::Task;
using eddy::TaskScope;
using eddy::Yield;

// --- Traps -------------------------------------------------------------------

std::mutex mutex;
int shared = 0;

// The thread goes on with other tasks, and one of them wants the mutex.
Task<void> AwaitsUnderALock() {
  // trap: misc-coroutine-hostile-raii
  const std::lock_guard<std::mutex> lock(mutex);
  ++shared;
  // trap: cppcoreguidelines-no-suspend-with-lock
  co_await Yield();
}

// Of a lock with a deduced type, only one of the two checks knows.
Task<void> AwaitsUnderAnotherLock() {
  // trap: misc-coroutine-hostile-raii
  const std::scoped_lock lock(mutex);
  ++shared;
  co_await Yield();
}

// The string may have ended when the task starts.
// trap: cppcoreguidelines-avoid-reference-coroutine-parameters
Task<std::size_t> TakesAReference(const std::string& text) {
  co_await Yield();
  co_return text.size();
}

// The lambda, and its captures, end before the task that it has returned.
Task<int> ReturnsALambdaCoroutine(int number) {
  // trap: cppcoreguidelines-avoid-capturing-lambda-coroutines
  const auto add = [number]() -> Task<int> {
    co_await Yield();
    co_return number + 1;
  };
  return add();
}

Task<std::size_t> UsesWhatItHasMoved(std::string text) {
  const std::string moved = std::move(text);
  co_await Yield();
  // trap: bugprone-use-after-move
  co_return moved.size() + text.size();
}

// Not for two threads at once, and Blocking runs it on one of several.
Task<Result<std::string>> SplitsOnAnotherThread(std::string text) {
  co_return co_await eddy::Blocking([&] {
    // trap: concurrency-mt-unsafe
    return std::string(std::strtok(text.data(), " "));
  });
}

Result<void> Save() { return {}; }
void ForgetsAnError() {
  // trap: bugprone-unused-return-value
  Save();
}

// --- What is no trap ---------------------------------------------------------

// By value, as coroutines want it: no check says otherwise.
Task<std::size_t> TakesAValue(std::string text) {
  co_await Yield();
  co_return text.size();
}

// Let go before the await.
Task<void> AwaitsAfterALock() {
  {
    const std::lock_guard lock(mutex);
    ++shared;
  }
  co_await Yield();
}

// WithScope keeps its body, and Spawn what it is given, until they end; so does
// the scope itself.
Task<Result<void>> Scopes(std::vector<std::string> words) {
  std::size_t sum = 0;
  // NOLINTBEGIN(cppcoreguidelines-avoid-capturing-lambda-coroutines)
  // NOLINTBEGIN(cppcoreguidelines-avoid-reference-coroutine-parameters)
  const auto body = [&](TaskScope& scope) -> Task<void> {
    for (const std::string& word : words) {
      scope.Spawn([&]() -> Task<void> { sum += co_await TakesAValue(word); });
    }
    co_return;
  };
  // NOLINTEND(cppcoreguidelines-avoid-reference-coroutine-parameters)
  // NOLINTEND(cppcoreguidelines-avoid-capturing-lambda-coroutines)
  co_return co_await eddy::WithScope(body);
}

// A member function has no captures: `this` lives as long as its owner says.
class Counter {
 public:
  Task<Result<void>> Run() {
    co_return co_await eddy::WithScope(
        [this](TaskScope& scope) { return CountIn(scope); });
  }

 private:
  // The scope outlives its body.
  // NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
  Task<void> CountIn(TaskScope& scope) {
    scope.Spawn(&Counter::Count, this);
    co_return;
  }
  static Task<void> Count(Counter* counter) {
    co_await Yield();
    ++counter->count_;
  }

  int count_ = 0;
};

}  // namespace

// NOLINTNEXTLINE(bugprone-exception-escape)
int main() {
  eddy::SyncWait(AwaitsUnderALock());
  eddy::SyncWait(AwaitsUnderAnotherLock());
  eddy::SyncWait(AwaitsAfterALock());
  const std::string text = "a b";
  std::size_t sum = eddy::SyncWait(TakesAReference(text));
  sum += static_cast<std::size_t>(eddy::SyncWait(ReturnsALambdaCoroutine(1)));
  sum += eddy::SyncWait(UsesWhatItHasMoved(text));
  const auto first = eddy::SyncWait(SplitsOnAnotherThread(text));
  ForgetsAnError();
  const auto scopes = eddy::SyncWait(Scopes({text, text}));
  Counter counter;
  const auto counted = eddy::SyncWait(counter.Run());
  return first && scopes && counted && sum > 0 ? 0 : 1;
}
