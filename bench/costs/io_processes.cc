// Processes, signals, terminals.
#include <eddy/io/process.h>
#include <eddy/io/run_process.h>
#include <eddy/io/signals.h>
#include <eddy/io/terminal.h>
#include <eddy/io/until_signal.h>
#include <eddy/runtime/timer.h>

#include <fcntl.h>
#include <sys/types.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>

#include "bench/costs/costs.h"
#include "bench/costs/files.h"

using namespace std::chrono_literals;

namespace costs {
namespace {

namespace io = eddy::io;

// --- Processes ---------------------------------------------------------------

io::Command Quick() { return io::Command("/bin/true"); }
io::Command Slow() { return io::Command("/bin/sleep", "60"); }

Task<Result<void>> StartAndWait(State& state) {
  for (auto _ : state) {
    EDDY_CO_TRY(auto process, co_await io::Process::Start(Quick()));
    EDDY_CO_CHECK(co_await process.Wait());
  }
  co_return Result<void>();
}
EDDY_BENCHMARK(StartAndWait)
    ->Name("io/Process::Start, and Wait for its end")
    ->UseRealTime();
Task<Result<void>> StartAndKill(State& state) {
  for (auto _ : state) {
    EDDY_CO_TRY(auto process, co_await io::Process::Start(Slow()));
    EDDY_CO_CHECK(process.Kill());
    EDDY_CO_CHECK(co_await process.Wait());
  }
  co_return Result<void>();
}
EDDY_BENCHMARK(StartAndKill)
    ->Name("io/Process::Start, Kill, and Wait")
    ->UseRealTime();
Task<Result<void>> StartAndTerminate(State& state) {
  for (auto _ : state) {
    EDDY_CO_TRY(auto process, co_await io::Process::Start(Slow()));
    EDDY_CO_CHECK(co_await process.Terminate(1s));
  }
  co_return Result<void>();
}
EDDY_BENCHMARK(StartAndTerminate)
    ->Name("io/Process::Start, and Terminate")
    ->UseRealTime();
Task<Result<void>> Run(State& state) {
  for (auto _ : state) EDDY_CO_CHECK(co_await io::RunProcess(Quick()));
  co_return Result<void>();
}
EDDY_BENCHMARK(Run)->Name("io/RunProcess, without output")->UseRealTime();

// --- Signals -----------------------------------------------------------------

Task<Result<void>> BlockSignals(State& state) {
  for (auto _ : state) EDDY_CO_CHECK(io::Signals::Block({SIGUSR1}));
  co_return Result<void>();
}
EDDY_BENCHMARK(BlockSignals)->Name("io/Signals::Block, and its end");
Task<Result<void>> NextSignal(State& state) {
  EDDY_CO_TRY(auto signals, io::Signals::Block({SIGUSR1}));
  for (auto _ : state) {
    std::raise(SIGUSR1);
    EDDY_CO_CHECK(co_await signals.Next());
  }
  co_return Result<void>();
}
EDDY_BENCHMARK(NextSignal)->Name("io/Signals::Next, and the raise before it");
Task<Result<void>> NextSignalInfo(State& state) {
  EDDY_CO_TRY(auto signals, io::Signals::Block({SIGUSR1}));
  for (auto _ : state) {
    std::raise(SIGUSR1);
    EDDY_CO_CHECK(co_await signals.NextInfo());
  }
  co_return Result<void>();
}
EDDY_BENCHMARK(NextSignalInfo)
    ->Name("io/Signals::NextInfo, and the raise before it");

Task<Result<void>> RunUntilSignal(State& state) {
  for (auto _ : state) {
    EDDY_CO_CHECK(co_await io::UntilSignal(eddy::Sleep(0s), SIGUSR1));
  }
  co_return Result<void>();
}
EDDY_BENCHMARK(RunUntilSignal)->Name("io/UntilSignal of a Sleep(0)");

// --- Terminals ---------------------------------------------------------------

Result<io::Fd> OpenTerminal() {
  Result<io::Fd> terminal = Checked(posix_openpt(O_RDWR | O_NOCTTY));
  if (terminal) unlockpt(terminal->get());
  return terminal;
}
Task<Result<void>> GetSize(State& state) {
  EDDY_CO_TRY(const io::Fd terminal, OpenTerminal());
  for (auto _ : state) EDDY_CO_CHECK(io::GetTerminalSize(terminal));
  co_return Result<void>();
}
EDDY_BENCHMARK(GetSize)->Name("io/GetTerminalSize");
Task<Result<void>> OpenSizes(State& state) {
  EDDY_CO_TRY(const io::Fd terminal, OpenTerminal());
  for (auto _ : state) EDDY_CO_CHECK(io::TerminalSizes::Open(terminal));
  co_return Result<void>();
}
EDDY_BENCHMARK(OpenSizes)->Name("io/TerminalSizes::Open, and its end");
Task<Result<void>> MakeRaw(State& state) {
  EDDY_CO_TRY(const io::Fd terminal, OpenTerminal());
  for (auto _ : state) EDDY_CO_CHECK(io::TerminalMode::Raw(terminal));
  co_return Result<void>();
}
EDDY_BENCHMARK(MakeRaw)->Name("io/TerminalMode::Raw, and its end");

}  // namespace
}  // namespace costs
