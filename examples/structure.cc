// The examples of docs/structured_concurrency.md, as one program.
// Run:  examples/run structure
// See:  a line for what each of them gives, within half a second.
#include <eddy/io/close.h>
#include <eddy/io/read.h>
#include <eddy/io/write_all.h>
#include <eddy/runtime/interval.h>
#include <eddy/runtime/stream.h>
#include <eddy/runtime/sync_wait.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/timeout.h>
#include <eddy/runtime/timer.h>
#include <eddy/runtime/until_stopped.h>
#include <eddy/runtime/when_all.h>
#include <eddy/runtime/when_any.h>
#include <eddy/runtime/with_stop.h>
#include <eddy/runtime/yield.h>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace eddy;                  // NOLINT: an example
using namespace std::chrono_literals;  // NOLINT: an example

// --- Scopes ------------------------------------------------------------------

Task<Result<int>> Price(std::string item) {
  EDDY_CO_CHECK(co_await Sleep(1ms));  // a question to a server, say
  if (item == "the moon") co_return Unexpected(std::errc::not_supported);
  co_return static_cast<int>(item.size());
}

// Asks for both prices at the same time. The sum, or the first error.
Task<Result<int>> PriceOfBoth(std::string one, std::string other) {
  const auto body = [&](TaskScope& scope) -> Task<Result<int>> {
    JoinHandle<Result<int>> first = scope.Spawn(Price, one);
    JoinHandle<Result<int>> second = scope.Spawn(Price, other);
    EDDY_CO_TRY(const int price, co_await first);
    EDDY_CO_TRY(const int price_of_other, co_await second);
    co_return price + price_of_other;
  };
  co_return co_await WithScope(body);
}

Task<Result<void>> FailAfter(Duration time, Error error) {
  static_cast<void>(co_await Sleep(time));  // or until it is stopped
  co_return Unexpected(error);
}

// EIO after 1 ms, which also stops the other task. What that fails with then
// goes to `later`.
Task<Result<void>> FirstAndLater(std::vector<Error>& later) {
  const auto body = [&](TaskScope& scope) -> Task<> {
    scope.set_later_failure_handler([&](const TaskFailure& failure) {
      if (failure.error) later.push_back(*failure.error);
    });
    scope.Spawn(FailAfter(1ms, std::errc::io_error));
    scope.Spawn(FailAfter(1h, std::errc::broken_pipe));
    co_return;
  };
  co_return co_await WithScope(body);
}

// The price, or `otherwise` where it cannot be had.
Task<int> PriceOr(std::string item, int otherwise) {
  const Result<int> price = co_await Price(std::move(item));
  co_return price.value_or(otherwise);
}

// Waits for the inner scope's end, whose failure is a value to the outer one.
Task<Result<int>> AttemptAndFallBack() {
  const auto attempt = [](TaskScope& scope) -> Task<int> {
    scope.Spawn(FailAfter(1ms, std::errc::host_unreachable));
    scope.Spawn(FailAfter(1h, std::errc::host_unreachable));
    co_return 1;
  };
  const auto body = [&](TaskScope& scope) -> Task<int> {
    JoinHandle<int> fallback = scope.Spawn(PriceOr, std::string("tea"), 0);
    const Result<int> attempted = co_await WithScope(attempt);
    if (attempted) co_return *attempted;
    co_return co_await fallback;
  };
  co_return co_await WithScope(body);
}

// What comes too late starts all the same: it can give back what it was given.
Task<Result<bool>> SpawnIntoAScopeThatStops() {
  bool canceled = false;
  const auto late = [&]() -> Task<> {
    const Result<void> slept = co_await Sleep(1h);
    canceled = !slept && slept.error() == kCanceled;
  };
  const auto body = [&](TaskScope& scope) -> Task<> {
    scope.RequestStop();
    scope.Spawn(late);
    co_return;
  };
  EDDY_CO_CHECK(co_await WithScope(body));
  co_return canceled;
}

// A service: jobs come from anywhere, for as long as it runs.
class Journal {
 public:
  // Runs until it is stopped, and then until its last job has ended.
  Task<Result<void>> Run() {
    const auto body = [this](TaskScope& scope) -> Task<> {
      scope_ = &scope;
      co_await UntilStopped();
      scope_ = nullptr;
    };
    co_return co_await WithScope(body);
  }

  // False where the service does not run.
  bool Post(std::string line) {
    if (scope_ == nullptr) return false;
    scope_->Spawn(std::bind_front(&Journal::Write, this), std::move(line));
    return true;
  }

  int written() const { return written_; }

 private:
  // A job that fails must not stop the others: it returns no Result.
  Task<> Write(std::string line) {
    const Result<void> synced = co_await Shield(Sleep(1ms));
    if (synced && !line.empty()) ++written_;
  }

  TaskScope* scope_ = nullptr;
  int written_ = 0;
};

Task<Result<int>> UseTheJournal() {
  Journal journal;  // outlives the scope, and so all that refers to it
  const auto body = [&](TaskScope& scope) -> Task<> {
    JoinHandle<Result<void>> running = scope.Spawn(journal.Run());
    co_await Yield();  // from here on it runs
    journal.Post("one");
    journal.Post("two");
    running.RequestStop();
    static_cast<void>(co_await running);
  };
  EDDY_CO_CHECK(co_await WithScope(body));
  co_return journal.written();
}

// `words` are copied into the task, which may refer to its copy.
Task<std::size_t> Longest(const std::vector<std::string>& words) {
  co_await Yield();
  std::size_t longest = 0;
  for (const std::string& word : words) {
    longest = std::max(longest, word.size());
  }
  co_return longest;
}

JoinHandle<std::size_t> StartLongest(TaskScope& scope) {
  const std::vector<std::string> words = {"a", "concurrent", "program"};
  return scope.Spawn(Longest, words);  // not Longest(words): words end here
}

Task<Result<std::size_t>> KeepArguments() {
  const auto body = [](TaskScope& scope) -> Task<std::size_t> {
    co_return co_await StartLongest(scope);
  };
  co_return co_await WithScope(body);
}

// --- WhenAll, WhenAny --------------------------------------------------------

// Of different types, and of as many of one type as there are.
Task<Result<int>> AllAtOnce(std::vector<std::string> items) {
  auto [bread, slept] = co_await WhenAll(Price("bread"), Sleep(2ms));
  EDDY_CO_CHECK(slept);

  std::vector<Task<Result<int>>> questions;
  for (std::string& item : items) questions.push_back(Price(std::move(item)));
  const auto prices = co_await WhenAll(std::move(questions));
  EDDY_CO_TRY(int sum, bread);
  for (const Result<int>& price : prices) sum += price.value_or(0);
  co_return sum;
}

// Appends what a read gave. False at the end of the stream.
bool Append(std::string& text, std::span<const std::byte> buffer,
            const Result<std::size_t>& n) {
  if (!n || *n == 0) return false;
  text.append(reinterpret_cast<const char*>(buffer.data()), *n);
  return true;
}

// What comes from either of two pipes, until one ends. Each round stops one of
// the two reads, and yet no byte is lost.
Task<std::string> Merge(const io::Fd& left, const io::Fd& right) {
  std::array<std::byte, 64> from_left;
  std::array<std::byte, 64> from_right;
  std::string text;
  for (bool open = true; open;) {
    const auto first = co_await WhenAny(io::Read(left, from_left),
                                        io::Read(right, from_right));
    // The one that ended first, and the other where it had read already.
    const Result<std::size_t>* n = first.value<0>();
    if (n != nullptr) open = Append(text, from_left, *n);
    n = first.value<1>();
    if (n != nullptr) open = Append(text, from_right, *n) && open;
  }
  co_return text;
}

Task<Result<std::string>> Ask(std::string server, Duration time) {
  EDDY_CO_CHECK(co_await Sleep(time));
  co_return server;
}

// The first answer counts. One that came nevertheless is in late<I>(), and goes
// with `first`.
Task<Result<std::string>> Fastest() {
  auto first = co_await WhenAny(Ask("far", 1h), Ask("near", 1ms));
  if (first.late<0>()) std::printf("far has answered, too\n");
  if (first.index() == 1) co_return std::get<1>(std::move(first));
  co_return std::get<0>(std::move(first));
}

// --- Timeouts and stops ------------------------------------------------------

// 2 ms for each attempt.
Task<Result<std::string>> AskUpTo(int attempts) {
  for (int i = 0; i < attempts; ++i) {
    Result<std::string> answer = co_await WithTimeout(2ms, Ask("far", 1h));
    if (answer || answer.error() != kTimedOut) co_return answer;
  }
  co_return Unexpected(std::errc::host_unreachable);
}

// 5 ms for all of them, which the third attempt meets.
Task<Result<std::string>> AskForAWhile() {
  co_return co_await WithTimeout(5ms, AskUpTo(1000));
}

// Works until it is stopped; says goodbye even then, but not for ever.
Task<Result<void>> Session(std::string& said) {
  const Result<void> worked = co_await Sleep(1h);
  const auto goodbye = [&]() -> Task<Result<void>> {
    EDDY_CO_CHECK(co_await Sleep(1ms));  // would answer kCanceled, unshielded
    said = "goodbye";
    co_return Result<void>();
  };
  EDDY_CO_CHECK(co_await Shield(WithTimeout(1s, goodbye())));
  co_return worked;
}

// A button that stops what it was made for, and nothing else.
Task<Result<std::string>> PressTheButton() {
  StopSource button;
  std::string said;
  const auto body = [&](TaskScope& scope) -> Task<> {
    scope.Spawn([&]() -> Task<> {
      static_cast<void>(co_await WithStop(button.token(), Session(said)));
    });
    const Result<void> slept = co_await Sleep(1ms);
    if (slept) button.RequestStop();
  };
  EDDY_CO_CHECK(co_await WithScope(body));
  co_return said;
}

// --- Interval, Stream --------------------------------------------------------

// Five ticks of 1 ms; one takes 3 ms, and its successors are not late for it.
Task<Result<std::uint64_t>> CountSkippedTicks() {
  Interval interval(1ms);
  std::uint64_t skipped = 0;
  for (int i = 0; i < 5; ++i) {
    EDDY_CO_TRY(const Interval::Tick tick, co_await interval.Next());
    skipped += tick.skipped;
    if (i == 2) EDDY_CO_CHECK(co_await Sleep(3ms));
  }
  co_return skipped;
}

// The lines that come from a pipe. An error is an element like a line; after a
// kCanceled it goes on where it was, with what it has of a line.
Stream<Result<std::string>> Lines(const io::Fd& from) {
  std::array<std::byte, 64> buffer;
  std::string line;
  while (true) {
    const Result<std::size_t> n = co_await io::Read(from, buffer);
    if (!n) {
      co_yield Unexpected(n.error());
      if (n.error() == kCanceled) continue;
      co_return;
    }
    if (*n == 0) co_return;
    for (const std::byte byte : std::span(buffer).first(*n)) {
      if (static_cast<char>(byte) != '\n') {
        line += static_cast<char>(byte);
      } else {
        co_yield std::exchange(line, std::string());
      }
    }
  }
}

// Their number, without the empty ones.
Task<Result<int>> CountLines(const io::Fd& from) {
  Stream<Result<std::string>> lines = Lines(from);
  int count = 0;
  while (auto line = co_await lines.Next()) {
    EDDY_CO_CHECK(*line);
    if (!(*line)->empty()) ++count;
  }
  co_return count;
}

// --- Fairness ----------------------------------------------------------------

Task<int> Next(int number) { co_return number + 1; }

// Awaits and never waits. The timer of the other task expires all the same.
Task<Result<bool>> SpinBesideATimer() {
  bool rang = false;
  const auto ring = [&]() -> Task<> {
    const Result<void> slept = co_await Sleep(1ms);
    rang = slept.has_value();
  };
  const auto body = [&](TaskScope& scope) -> Task<int> {
    scope.Spawn(ring);
    int number = 0;
    while (!rang) number = co_await Next(number);
    co_return number;
  };
  EDDY_CO_TRY(const int number, co_await WithScope(body));
  co_return number > 0;
}

// Has no await in its loop, so it makes room itself, now and then.
Task<std::uint64_t> Collatz(std::uint64_t n) {
  std::uint64_t steps = 0;
  for (; n != 1; ++steps) {
    n = n % 2 == 0 ? n / 2 : 3 * n + 1;
    if (steps % 100 == 99) co_await Yield();
  }
  co_return steps;
}

// --- All of them -------------------------------------------------------------

struct Pipe {
  io::Fd reader;
  io::Fd writer;
};

Result<Pipe> MakePipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return Unexpected(Error::FromErrno(errno));
  return Pipe{io::Fd(ends[0]), io::Fd(ends[1])};
}

Task<Result<void>> Say(io::Fd writer, std::vector<std::string> lines) {
  for (const std::string& line : lines) {
    EDDY_CO_CHECK(
        co_await io::WriteAll(writer, std::as_bytes(std::span(line))));
    EDDY_CO_CHECK(co_await Sleep(1ms));
  }
  co_return co_await writer.Close();
}

Task<Result<void>> WithPipes() {
  EDDY_CO_TRY(Pipe left, MakePipe());
  EDDY_CO_TRY(Pipe right, MakePipe());
  EDDY_CO_TRY(Pipe third, MakePipe());
  const auto body = [&](TaskScope& scope) -> Task<Result<void>> {
    const std::vector<std::string> words = {"one\nt", "wo\n\n", "three\n"};
    scope.Spawn(Say, std::move(left.writer), words);
    JoinHandle<Result<void>> saying =
        scope.Spawn(Say, std::move(right.writer), words);
    const std::string merged = co_await Merge(left.reader, right.reader);
    std::printf("merge: %s\n", merged.empty() ? "nothing" : "some bytes");
    // The other pipe's rest: nobody else takes it.
    EDDY_CO_CHECK(co_await saying);
    scope.Spawn(Say, std::move(third.writer), words);
    EDDY_CO_TRY(const int lines, co_await CountLines(third.reader));
    std::printf("lines: %d\n", lines);
    co_return Result<void>();
  };
  co_return co_await WithScope(body);
}

std::string Text(const Result<int>& result) {
  return result ? std::to_string(*result) : result.error().message();
}
std::string Text(const Result<void>& result) {
  return result ? "well" : result.error().message();
}
std::string Text(const Result<std::string>& result) {
  return result ? *result : result.error().message();
}
void Print(const char* what, const std::string& text) {
  std::printf("%s: %s\n", what, text.c_str());
}

Task<Result<void>> Main() {
  Print("both", Text(co_await PriceOfBoth("bread", "tea")));
  Print("one fails", Text(co_await PriceOfBoth("bread", "the moon")));
  std::vector<Error> later;
  Print("first failure", Text(co_await FirstAndLater(later)));
  for (const Error error : later) Print("a later one", error.message());
  Print("fallback", Text(co_await AttemptAndFallBack()));
  EDDY_CO_TRY(const bool canceled, co_await SpawnIntoAScopeThatStops());
  Print("too late", canceled ? "started, and stopped" : "was not started");
  Print("journal", Text(co_await UseTheJournal()));
  EDDY_CO_TRY(const std::size_t longest, co_await KeepArguments());
  Print("longest", std::to_string(longest));

  std::vector<std::string> items = {"tea", "salt"};
  Print("all", Text(co_await AllAtOnce(std::move(items))));
  Print("fastest", Text(co_await Fastest()));
  EDDY_CO_CHECK(co_await WithPipes());

  Print("for a while", Text(co_await AskForAWhile()));
  Print("stopped", Text(co_await PressTheButton()));
  EDDY_CO_TRY(const std::uint64_t skipped, co_await CountSkippedTicks());
  Print("ticks", skipped >= 2 ? "some were skipped" : "none was skipped");
  EDDY_CO_TRY(const bool fair, co_await SpinBesideATimer());
  Print("fair", fair ? "the timer came" : "it did not spin");
  Print("collatz", std::to_string(co_await Collatz(27)));
  co_return Result<void>();
}

int main() {
  const Result<void> ended = SyncWait(Main());
  if (!ended) std::fprintf(stderr, "%s\n", ended.error().message().c_str());
  return ended ? 0 : 1;
}
