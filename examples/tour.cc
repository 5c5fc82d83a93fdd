// The listings of README.md's tour, as one program that runs them all.
// Run:  examples/run tour
// See:  one line for each stop of the tour, within half a second.
#include <eddy/fs/file.h>
#include <eddy/fs/read_file.h>
#include <eddy/fs/unlink.h>
#include <eddy/fs/write_file.h>
#include <eddy/io/read.h>
#include <eddy/io/read_exactly.h>
#include <eddy/io/run_process.h>
#include <eddy/io/signals.h>
#include <eddy/io/write_all.h>
#include <eddy/net/tcp.h>
#include <eddy/runtime/blocking.h>
#include <eddy/runtime/channel.h>
#include <eddy/runtime/mutex.h>
#include <eddy/runtime/reactor_thread.h>
#include <eddy/runtime/status.h>
#include <eddy/runtime/sync_wait.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/timeout.h>
#include <eddy/runtime/timer.h>
#include <eddy/runtime/with_stop.h>
#include <eddy/runtime/yield.h>

#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <span>
#include <string>
#include <string_view>
#include <utility>

using namespace eddy;                  // NOLINT: an example
using namespace std::chrono_literals;  // NOLINT: an example

// --- Tasks -------------------------------------------------------------------

Task<int> Twice(int x) { co_return 2 * x; }

Task<int> SumOfEven(int n) {
  int sum = 0;
  for (int i = 1; i <= n; ++i) sum += co_await Twice(i);
  co_return sum;
}

// --- Scopes and failure ------------------------------------------------------

Task<Result<int>> TwoAtOnce() {
  co_return co_await WithScope([](TaskScope& scope) -> Task<int> {
    JoinHandle<int> small = scope.Spawn(SumOfEven(10));
    JoinHandle<int> large = scope.Spawn(SumOfEven(100));
    const int sum = co_await small;
    co_return sum + co_await large;
  });
}

Task<Result<void>> Fail() {
  EDDY_CO_CHECK(co_await Sleep(10ms));
  co_return Unexpected(std::errc::io_error);
}

// Ends after 10 ms with EIO: the failure of one task stops the other.
Task<Result<void>> FirstFailureStopsTheRest() {
  co_return co_await WithScope([](TaskScope& scope) -> Task<> {
    scope.Spawn([]() -> Task<Result<void>> { co_return co_await Sleep(1h); });
    scope.Spawn(Fail());
    co_return;
  });
}

// --- Stop, timeouts, shield --------------------------------------------------

// kTimedOut after 20 ms; the read has ended by then, and left `buffer` alone.
Task<Result<std::size_t>> ReadSoon(net::TcpStream& stream,
                                   std::span<std::byte> buffer) {
  co_return co_await WithTimeout(20ms, stream.Read(buffer));
}

// Says goodbye even if the task is being stopped, but not for ever.
Task<Result<void>> Goodbye(net::TcpStream& stream) {
  EDDY_CO_CHECK(co_await Shield(WithTimeout(1s, stream.Shutdown())));
  co_return co_await stream.Close();
}

// A long computation asks for itself whether it should go on.
Task<long> CountUntilStopped() {
  const StopToken token = co_await CurrentStopToken();
  long n = 0;
  for (; !token.stop_requested(); ++n) co_await Yield();
  co_return n;
}

// Stops it with a token, which any other part of the program could do.
Task<Result<long>> CountFor(Duration time) {
  StopSource source;
  co_return co_await WithScope([&](TaskScope& scope) -> Task<long> {
    scope.Spawn([&]() -> Task<> {
      const Result<void> slept = co_await Sleep(time);
      if (slept) source.RequestStop();
    });
    co_return co_await WithStop(source.token(), CountUntilStopped());
  });
}

// --- I/O verbs ---------------------------------------------------------------

Task<Result<std::string>> ThroughAPipe(std::string_view text) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0)
    co_return Unexpected(Error::FromErrno(errno));
  const io::Fd reader(ends[0]);
  io::Fd writer(ends[1]);
  EDDY_CO_CHECK(co_await io::WriteAll(writer, std::as_bytes(std::span(text))));
  EDDY_CO_CHECK(co_await writer.Close());
  std::string got(text.size(), '\0');
  EDDY_CO_CHECK(
      co_await io::ReadExactly(reader, std::as_writable_bytes(std::span(got))));
  co_return got;
}

// --- net ---------------------------------------------------------------------

// Sends a question, and reads the answer until the server closes.
Task<Result<std::string>> Ask(net::SocketAddress server, std::string question) {
  EDDY_CO_TRY(net::TcpStream stream,
              co_await WithTimeout(5s, net::TcpStream::Connect(server)));
  EDDY_CO_CHECK(co_await stream.Write(std::as_bytes(std::span(question))));
  EDDY_CO_CHECK(co_await stream.Shutdown());
  std::string answer;
  std::array<std::byte, 256> buffer;
  while (true) {
    EDDY_CO_TRY(const std::size_t n, co_await stream.Read(buffer));
    if (n == 0) co_return answer;
    answer.append(reinterpret_cast<const char*>(buffer.data()), n);
  }
}

// --- fs ----------------------------------------------------------------------

Task<Result<std::string>> WriteAndReadBack(std::string path,
                                           std::string_view text) {
  EDDY_CO_TRY(fs::File file,
              co_await fs::File::Open(path, fs::OpenOptions::Rewrite()));
  EDDY_CO_CHECK(co_await file.WriteAllAt(0, std::as_bytes(std::span(text))));
  EDDY_CO_CHECK(co_await file.DataSync());
  EDDY_CO_CHECK(co_await file.Close());
  co_return co_await fs::ReadFile(path, /*limit=*/1 << 20);
}

// --- Blocking ----------------------------------------------------------------

// getpwnam_r(3) may ask a server; so a thread of the pool runs it.
Result<std::string> HomeOf(const std::string& user) {
  std::array<char, 4096> text;
  passwd entry;
  passwd* found = nullptr;
  const int error =
      getpwnam_r(user.c_str(), &entry, text.data(), text.size(), &found);
  if (error != 0) return Unexpected(Error::FromErrno(error));
  if (found == nullptr) return Unexpected(std::errc::no_such_file_or_directory);
  return std::string(found->pw_dir);
}

Task<Result<std::string>> FindHome(std::string user) {
  co_return co_await Blocking(HomeOf, std::move(user));
}

// --- Locks and channels ------------------------------------------------------

// Two tasks write a record in two parts each; no part comes in between.
Task<Result<void>> WriteRecord(Mutex& mutex, std::string& log, char name) {
  const Mutex::Guard guard = co_await mutex.Lock();
  log += name;
  EDDY_CO_CHECK(co_await Sleep(1ms));  // the other task waits for the mutex
  log += name;
  co_return Result<void>();
}

Task<Result<std::string>> WriteRecords() {
  Mutex mutex;
  std::string log;
  EDDY_CO_CHECK(co_await WithScope([&](TaskScope& scope) -> Task<> {
    scope.Spawn(WriteRecord(mutex, log, 'a'));
    scope.Spawn(WriteRecord(mutex, log, 'b'));
    co_return;
  }));
  co_return log;
}

// Two workers share the numbers from 1 to n; 8 of them wait at the most.
Task<Result<int>> SumByWorkers(int n) {
  Channel<int> numbers(8);
  int sum = 0;
  const auto worker = [&]() -> Task<> {
    while (auto number = co_await numbers.Receive()) sum += *number;
  };
  const auto body = [&](TaskScope& scope) -> Task<Result<void>> {
    scope.Spawn(worker);
    scope.Spawn(worker);
    for (int i = 1; i <= n; ++i) EDDY_CO_CHECK(co_await numbers.Send(i));
    numbers.Close();
    co_return Result<void>();
  };
  EDDY_CO_CHECK(co_await WithScope(body));
  co_return sum;
}

// --- Threads beside it -------------------------------------------------------

// A thread without coroutines calls a task on a reactor's thread.
Result<int> AskFromAThread() {
  Result<ReactorThread> reactor = ReactorThread::Start();
  if (!reactor) return Unexpected(reactor.error());
  return reactor->remote().Spawn(SumOfEven, 10).Wait();
}

// --- Processes ---------------------------------------------------------------

Task<Result<std::string>> Sorted(std::string lines) {
  io::RunOptions options;
  options.input = lines;
  EDDY_CO_TRY(io::ProcessOutput sort,
              co_await io::RunProcess(io::Command("sort"), options));
  if (!sort.status.success()) co_return Unexpected(std::errc::io_error);
  co_return sort.output;
}

// --- Signals -----------------------------------------------------------------

Task<Result<int>> NextHangup() {
  EDDY_CO_TRY(io::Signals signals, io::Signals::Block({SIGHUP}));
  raise(SIGHUP);  // what `kill -HUP` does from outside
  co_return co_await signals.Next();
}

// --- Errors ------------------------------------------------------------------

// Decides by Error; what is not handled here goes to the caller as it is.
Task<Result<std::string>> Greeting(std::string path) {
  Result<std::string> text = co_await fs::ReadFile(std::move(path));
  if (!text && text.error() == std::errc::no_such_file_or_directory) {
    co_return "hello";
  }
  co_return text;
}

// At the border of an application that speaks absl::Status.
Task<absl::Status> Check(std::string path) {
  const Result<fs::File> file = co_await fs::File::Open(path);
  if (!file) co_return ToStatus(file.error(), "opening " + path);
  co_return absl::OkStatus();
}

// --- Seeing what waits -------------------------------------------------------

Task<Result<std::string>> WhatWaits() {
  co_return co_await WithScope([](TaskScope& scope) -> Task<std::string> {
    scope.Spawn([]() -> Task<> { static_cast<void>(co_await Sleep(1h)); });
    co_await Yield();
    std::string dump = Reactor::Current()->DumpTasks();
    scope.RequestStop();
    co_return dump;
  });
}

// --- The tour ----------------------------------------------------------------

std::string Text(const Result<std::string>& result) {
  return result ? *result : result.error().message();
}
std::string Text(const Result<void>& result) {
  return result ? "well" : result.error().message();
}

// Answers one question of Ask, and then lets a read time out.
Task<Result<void>> Answer(net::TcpListener& listener) {
  EDDY_CO_TRY(net::TcpStream client, co_await listener.Accept());
  std::array<std::byte, 256> buffer;
  EDDY_CO_TRY(const std::size_t n, co_await client.Read(buffer));
  EDDY_CO_CHECK(co_await client.Write(std::span(buffer).first(n)));
  co_return co_await Goodbye(client);
}

Task<Result<void>> Network() {
  EDDY_CO_TRY(net::TcpListener listener,
              net::TcpListener::Bind(net::SocketAddress::LoopbackV4(0)));
  EDDY_CO_TRY(const net::SocketAddress here, listener.local_address());
  co_return co_await WithScope([&](TaskScope& scope) -> Task<Result<void>> {
    scope.Spawn(Answer(listener));
    const Result<std::string> answer = co_await Ask(here, "as ever");
    std::printf("net: the server answers \"%s\"\n", Text(answer).c_str());
    EDDY_CO_TRY(net::TcpStream silent, co_await net::TcpStream::Connect(here));
    std::array<std::byte, 16> buffer;
    const Result<std::size_t> n = co_await ReadSoon(silent, buffer);
    std::printf("timeout: %s\n", n ? "" : n.error().message().c_str());
    co_return Result<void>();
  });
}

Task<Result<void>> Tour() {
  std::printf("tasks: %d\n", co_await SumOfEven(10));
  std::printf("scope: %d\n", (co_await TwoAtOnce()).value_or(-1));
  std::printf("failure: %s\n",
              Text(co_await FirstFailureStopsTheRest()).c_str());
  const bool counted = (co_await CountFor(10ms)).value_or(0) > 0;
  std::printf("stop: the count %s\n",
              counted ? "went on for a while" : "failed");
  std::printf("verbs: %s\n", Text(co_await ThroughAPipe("a pipe")).c_str());
  EDDY_CO_CHECK(co_await Network());

  const std::string path = "/tmp/eddy_tour_" + std::to_string(getpid());
  std::printf("fs: %s\n",
              Text(co_await WriteAndReadBack(path, "a file")).c_str());
  EDDY_CO_CHECK(co_await fs::Unlink(path));
  std::printf("blocking: %s\n", Text(co_await FindHome("root")).c_str());
  std::printf("mutex: %s\n", Text(co_await WriteRecords()).c_str());
  std::printf("channel: %d\n", (co_await SumByWorkers(100)).value_or(-1));
  std::printf("thread: %d\n", (co_await Blocking(AskFromAThread)).value_or(-1));
  std::printf("process:\n%s", Text(co_await Sorted("one\ntwo\nall\n")).c_str());
  std::printf("signals: %d\n", (co_await NextHangup()).value_or(-1));
  std::printf("errors: %s\n", Text(co_await Greeting(path)).c_str());
  std::printf("status: %s\n", (co_await Check(path)).ToString().c_str());
  std::printf("what waits:\n%s", Text(co_await WhatWaits()).c_str());
  co_return Result<void>();
}

int main() {
  const Result<void> toured = SyncWait(Tour());
  if (!toured) std::fprintf(stderr, "%s\n", toured.error().message().c_str());
  return toured ? 0 : 1;
}
