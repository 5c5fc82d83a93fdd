#include <eddy/runtime/blocking_guard/watch.h>

#include <eddy/runtime/blocking_guard/descriptor.h>
#include <eddy/runtime/blocking_guard/report.h>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <string_view>

namespace eddy::internal::guard {
namespace {

std::int64_t Now() noexcept {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000'000L + now.tv_nsec;
}

bool IsOfKernel(std::string_view path) noexcept {
  return path.substr(0, 6) == "/proc/" || path.substr(0, 5) == "/sys/";
}

bool IsExempt(const Argument& argument) noexcept {
  return argument.kind == Argument::Kind::kWrite &&
         (argument.fd == STDOUT_FILENO || argument.fd == STDERR_FILENO) &&
         !settings.standard_streams.load(std::memory_order_relaxed);
}

bool TransferCanBlock(const Argument& argument) noexcept {
  const Descriptor descriptor = Examine(argument.fd);
  switch (descriptor.kind) {
    case DescriptorKind::kBad:
    case DescriptorKind::kMemoryFile:
      return false;
    case DescriptorKind::kFile:
    case DescriptorKind::kRemoteFile:
      return true;
    case DescriptorKind::kEvent:
      // Its counter has room for 2^64 - 2.
      if (argument.kind == Argument::Kind::kWrite) return false;
      break;
    case DescriptorKind::kSocket:
    case DescriptorKind::kStream:
    case DescriptorKind::kOther:
      break;
  }
  return !descriptor.nonblocking;
}

bool CanBlock(const Argument& argument) noexcept {
  if (!argument.waits) return false;
  switch (argument.kind) {
    case Argument::Kind::kNone:
    case Argument::Kind::kText:
      return true;
    case Argument::Kind::kPath:
      return argument.text != nullptr && !IsOfKernel(argument.text);
    case Argument::Kind::kRead:
    case Argument::Kind::kWrite:
      return !IsExempt(argument) && TransferCanBlock(argument);
    case Argument::Kind::kFile: {
      const DescriptorKind kind = Examine(argument.fd).kind;
      return kind == DescriptorKind::kFile ||
             kind == DescriptorKind::kRemoteFile;
    }
    case Argument::Kind::kAttributes:
      return Examine(argument.fd).kind == DescriptorKind::kRemoteFile;
    case Argument::Kind::kLock:
    case Argument::Kind::kAny:
      return Examine(argument.fd).kind != DescriptorKind::kBad;
    case Argument::Kind::kSeconds:
      return argument.seconds != 0;
  }
  return true;
}

void Describe(const Argument& argument, char* text, std::size_t size) noexcept {
  text[0] = '\0';
  switch (argument.kind) {
    case Argument::Kind::kNone:
      break;
    case Argument::Kind::kText:
      std::snprintf(text, size, "%s",
                    argument.text == nullptr ? "" : argument.text);
      break;
    case Argument::Kind::kPath: {
      std::size_t used = 0;
      if (argument.fd != AT_FDCWD && argument.text[0] != '/') {
        used = guard::Describe(argument.fd, text, size);
        if (argument.text[0] == '\0') break;
      }
      std::snprintf(text + used, size - used, "%s\"%s\"", used != 0 ? ", " : "",
                    argument.text);
      break;
    }
    case Argument::Kind::kRead:
    case Argument::Kind::kWrite:
    case Argument::Kind::kFile:
    case Argument::Kind::kAttributes:
    case Argument::Kind::kLock:
    case Argument::Kind::kAny:
      guard::Describe(argument.fd, text, size);
      break;
    case Argument::Kind::kSeconds:
      if (argument.seconds < 0) {
        std::snprintf(text, size, "without a limit of time");
      } else {
        std::snprintf(text, size, "%g s", argument.seconds);
      }
      break;
  }
}

}  // namespace

void Watch::Begin(const char* name, const char* instead,
                  const Argument& argument, bool known_later) noexcept {
  const KeepErrno keep_errno;
  thread.busy = true;
  if (!CanBlock(argument)) {
    thread.busy = false;
    return;
  }
  watching_ = true;
  Stack stack;
  stack.Take(thread.stack_end);
  const std::uint64_t place = PlaceOf(name, stack);
  if (PlaceIsKnown(place)) return;
  report_ = TakeReport();
  if (report_ == nullptr) return;
  report_->name = name;
  report_->instead = instead;
  report_->place = place;
  report_->known_later = known_later;
  report_->duration_ns = -1;
  report_->stack = stack;
  if (thread.task != nullptr) {
    report_->task = *thread.task;
  } else {
    report_->task.count = 0;
    report_->task.more = false;
  }
  Describe(argument, report_->argument, sizeof report_->argument);
  if (settings.mode.load(std::memory_order_relaxed) ==
          BlockingGuardMode::kAbort &&
      settings.at_least_ns.load(std::memory_order_relaxed) == 0 &&
      !known_later) {
    PrintAndAbort(*report_);
  }
  report_->begin_ns = Now();
}

void Watch::End() noexcept {
  const KeepErrno keep_errno;
  thread.busy = false;
  if (report_ == nullptr) return;
  report_->duration_ns = Now() - report_->begin_ns;
  if (report_->duration_ns <
      settings.at_least_ns.load(std::memory_order_relaxed)) {
    FreeReport(*report_);
  } else if (settings.mode.load(std::memory_order_relaxed) ==
             BlockingGuardMode::kAbort) {
    PrintAndAbort(*report_);
  } else if (AddPlace(report_->place)) {
    Keep(*report_);
  } else {
    FreeReport(*report_);
  }
}

void Watch::Discard() noexcept {
  if (!watching_) return;
  watching_ = false;
  thread.busy = false;
  if (report_ != nullptr) FreeReport(*report_);
}

}  // namespace eddy::internal::guard
