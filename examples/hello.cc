// Tasks and timers: three greeters that take turns, a deadline, and a stop.
// Run:  examples/run hello
// See:  greetings at different paces for a second, then how each one ended.
#include <eddy/runtime/sync_wait.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/timeout.h>
#include <eddy/runtime/timer.h>

#include <chrono>
#include <cstdio>
#include <string>

using namespace eddy;                  // NOLINT: an example
using namespace std::chrono_literals;  // NOLINT: an example

// Greets until it is stopped, and says how often it did.
Task<int> Greet(std::string name, std::chrono::milliseconds pace) {
  int greetings = 0;
  while (Result<void> slept = co_await Sleep(pace)) {
    std::printf("%-6s says hello (%d)\n", name.c_str(), ++greetings);
  }
  co_return greetings;  // Sleep answered kCanceled: somebody requested a stop
}

// A slow answer, for a deadline to cut short.
Task<Result<int>> AskTheOracle() {
  EDDY_CO_CHECK(co_await Sleep(1h));
  co_return 42;
}

Task<Result<int>> Main() {
  co_return co_await WithScope([](TaskScope& scope) -> Task<Result<int>> {
    // All three run at once, on this one thread.
    JoinHandle<int> quick = scope.Spawn(Greet("quick", 150ms));
    JoinHandle<int> calm = scope.Spawn(Greet("calm", 300ms));
    JoinHandle<int> slow = scope.Spawn(Greet("slow", 450ms));

    // The greeters go on while this waits; the oracle is stopped after 1 s.
    Result<int> answer = co_await WithTimeout(1s, AskTheOracle());
    std::printf("the oracle: %s\n", answer.error().message().c_str());

    scope.RequestStop();
    const int sum = co_await quick + co_await calm + co_await slow;
    std::printf("%d greetings\n", sum);
    co_return 0;
  });
}

int main() { return SyncWait(Main()).value_or(1); }
