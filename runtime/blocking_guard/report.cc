#include <eddy/runtime/blocking_guard/report.h>

#include <eddy/runtime/blocking_guard/symbols.h>

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <new>
#include <string>
#include <vector>

namespace eddy::internal::guard {
namespace {

constexpr std::size_t kMostReports = 64;
constinit std::array<Report, kMostReports> reports;

// Open addressing; nothing is ever taken out but all of it.
constexpr std::size_t kMostPlaces = 8192;
constinit std::array<std::atomic<std::uint64_t>, kMostPlaces> places;

// Of symbols and of printing.
constinit std::mutex printing;

class Hash {
 public:
  void Add(const void* data, std::size_t size) noexcept {
    const auto* bytes = static_cast<const unsigned char*>(data);
    for (std::size_t i = 0; i < size; ++i) {
      value_ = (value_ ^ bytes[i]) * 0x100000001b3U;
    }
  }
  void Add(const std::string& text) noexcept { Add(text.data(), text.size()); }
  std::uint64_t value() const noexcept { return value_ | 1U; }

 private:
  std::uint64_t value_ = 0xcbf29ce484222325U;
};

// The slot of a place, or the free one where it belongs; null: full.
std::atomic<std::uint64_t>* Slot(std::uint64_t place) noexcept {
  for (std::size_t i = 0; i < kMostPlaces; ++i) {
    auto& slot = places[(place + i) % kMostPlaces];
    const std::uint64_t there = slot.load(std::memory_order_relaxed);
    if (there == place || there == 0) return &slot;
  }
  return nullptr;
}

// The line that the user would call his: the innermost of no library. Two
// stacks below one line, in a library, are one place.
std::uint64_t PlaceOf(const Report& report, const std::vector<Frame>& frames) {
  Hash hash;
  hash.Add(CallName(report.name));
  for (const Frame& frame : frames) {
    if (frame.of_library) continue;
    hash.Add(frame.function);
    hash.Add(frame.where);
    break;
  }
  return hash.value();
}

std::string Milliseconds(std::int64_t ns) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3f ms", static_cast<double>(ns) / 1e6);
  return text;
}

void AddTask(const ResumedTask& task, std::string& text) {
  const char* before = "  task:     ";
  const char* word = "resumed";
  for (std::size_t i = 0; i < task.count; ++i) {
    const ResumedTask::Await& await = task.awaits[i];
    text += before;
    text += word;
    if (await.line == 0) {
      text += " at its beginning\n";
    } else {
      text += std::string(" at ") + await.file + ":" +
              std::to_string(await.line) + " in " +
              WithoutFrame(await.function) + "\n";
    }
    before = "            ";
    word = "awaited";
  }
  if (task.more) text += "            ...\n";
}

void AddStack(const std::vector<Frame>& frames, std::string& text) {
  std::size_t number = 0;
  for (const Frame& frame : frames) {
    text += number == 0 ? "  stack:    #" : "            #";
    text += std::to_string(number++) + " ";
    text += frame.function.empty() ? "?" : frame.function;
    if (!frame.where.empty()) text += " at " + frame.where;
    text += '\n';
  }
}

std::string Text(const Report& report, const std::vector<Frame>& frames) {
  std::string text = "eddy: " + CallName(report.name) + "()";
  if (report.duration_ns < 0) {
    text += " would block the loop of a reactor\n";
  } else {
    text += " blocked the loop of a reactor for " +
            Milliseconds(report.duration_ns) + "\n";
  }
  if (report.argument[0] != '\0') {
    text += std::string("  argument: ") + report.argument + "\n";
  }
  text += std::string("  instead:  ") + report.instead + "\n";
  AddTask(report.task, text);
  AddStack(frames, text);
  return text;
}

void WriteAll(int fd, const char* data, std::size_t size) noexcept {
  while (size != 0) {
    const ssize_t written = write(fd, data, size);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    data += written;
    size -= static_cast<std::size_t>(written);
  }
}

// One write, if it is taken whole: what other threads and processes write does
// not come between. A report that the file does not get is seen all the same.
void Write(const char* text) noexcept {
  const int file = settings.file == nullptr
                       ? -1
                       : open(settings.file,
                              O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
  WriteAll(file < 0 ? STDERR_FILENO : file, text, std::strlen(text));
  if (file >= 0) close(file);
}

void Deliver(const BlockingCall& call) noexcept {
  const auto handler = settings.handler.load(std::memory_order_relaxed);
  if (handler != nullptr) {
    handler(call);
  } else {
    Write(call.report);
  }
}

// Under the lock.
void Print(const Report& report, bool once) noexcept {
  const std::vector<Frame> frames = Symbolize(report.stack);
  if (once && !AddPlace(PlaceOf(report, frames))) return;
  const std::string name = CallName(report.name);
  const std::string text = Text(report, frames);
  Deliver({name.c_str(), report.argument, report.instead,
           std::chrono::nanoseconds(report.duration_ns), text.c_str()});
}

// Under the lock. The thread that made it and the program's end may both come
// here: one of them takes it.
void PrintIfReady(Report& report) noexcept {
  Report::State ready = Report::kReady;
  // Acquire: pairs with the release in Keep().
  if (!report.state.compare_exchange_strong(ready, Report::kTaken,
                                            std::memory_order_acquire,
                                            std::memory_order_relaxed)) {
    return;
  }
  Print(report, true);
  FreeReport(report);
}

}  // namespace

Report* TakeReport() noexcept {
  for (Report& report : reports) {
    Report::State free = Report::kFree;
    // Acquire: pairs with the release of who has freed it.
    if (report.state.compare_exchange_strong(free, Report::kTaken,
                                             std::memory_order_acquire,
                                             std::memory_order_relaxed)) {
      report.owner.store(&thread, std::memory_order_relaxed);
      return &report;
    }
  }
  return nullptr;
}

void FreeReport(Report& report) noexcept {
  report.state.store(Report::kFree, std::memory_order_release);
}

std::uint64_t PlaceOf(const char* name, const Stack& stack) noexcept {
  Hash hash;
  hash.Add(name, std::strlen(name));
  hash.Add(stack.frames.data(), stack.count * sizeof stack.frames[0]);
  return hash.value();
}

// Relaxed, as in AddPlace: a place that two threads find at once is reported
// by one, and nothing else is read through it.
bool PlaceIsKnown(std::uint64_t place) noexcept {
  const auto* slot = Slot(place);
  return slot == nullptr || slot->load(std::memory_order_relaxed) == place;
}

bool AddPlace(std::uint64_t place) noexcept {
  while (auto* slot = Slot(place)) {
    std::uint64_t there = 0;
    if (slot->compare_exchange_strong(there, place,
                                      std::memory_order_relaxed)) {
      return true;
    }
    if (there == place) return false;
  }
  return false;
}

void ForgetPlaces() noexcept {
  for (auto& place : places) place.store(0, std::memory_order_relaxed);
}

void Keep(Report& report) noexcept {
  ++thread.pending;
  // Release: pairs with the acquire of who prints it, at the program's end.
  report.state.store(Report::kReady, std::memory_order_release);
}

void PrintReports() noexcept {
  const Busy busy;
  thread.pending = 0;
  for (Report& report : reports) {
    // Relaxed: it is this thread's own value, or not looked at.
    if (report.owner.load(std::memory_order_relaxed) != &thread) continue;
    const std::lock_guard lock(printing);
    PrintIfReady(report);
  }
}

void PrintAllReports() noexcept {
  const Busy busy;
  // Another thread that prints may never end: its handler may be waiting.
  const std::unique_lock lock(printing, std::try_to_lock);
  if (!lock.owns_lock()) return;
  for (Report& report : reports) PrintIfReady(report);
}

void PrintAndAbort(Report& report) noexcept {
  const Busy busy;
  const std::lock_guard lock(printing);
  Print(report, false);
  std::abort();
}

void ReportScope(const char* why, const ResumedTask& task) noexcept {
  const Busy busy;
  Hash hash;
  hash.Add(why, std::strlen(why));
  if (!AddPlace(hash.value())) return;
  std::string text = std::string("eddy: an AllowBlocking scope (") + why +
                     ") was open where its task suspended, and ends there\n" +
                     "  instead:  open one that no co_await is in\n";
  AddTask(task, text);
  const std::lock_guard lock(printing);
  Deliver({"AllowBlocking", why, "open one that no co_await is in",
           std::chrono::nanoseconds(0), text.c_str()});
  if (settings.mode.load(std::memory_order_relaxed) ==
      BlockingGuardMode::kAbort) {
    std::abort();
  }
}

void ForgetReports() noexcept {
  // The thread that held the lock is not in this process.
  new (&printing) std::mutex;
  ForgetSymbols();
  for (Report& report : reports) FreeReport(report);
}

}  // namespace eddy::internal::guard
