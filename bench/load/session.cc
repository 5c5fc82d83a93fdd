#include "bench/load/session.h"

#include <eddy/net/connect_options.h>
#include <eddy/runtime/timer.h>

#include <algorithm>
#include <span>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace eddy::bench {
namespace {

constexpr std::size_t kBufferSize = std::size_t{16} * 1024;
constexpr std::size_t kFillBatch = 100;

std::uint64_t Nanoseconds(Duration duration) {
  return static_cast<std::uint64_t>(
      std::max<Duration::rep>(0, duration.count()));
}

}  // namespace

Session::Session(const LoadOptions& options, std::size_t index, Totals& totals)
    : options_(options),
      index_(index),
      totals_(totals),
      schedule_(options.rate.value_or(1), index, options.connections),
      buffer_(std::make_unique_for_overwrite<char[]>(kBufferSize)),
      outstanding_(options.pipeline) {}

Task<Result<void>> Session::Open() {
  net::ConnectOptions options;
  options.timeout = options_.timeout;
  options.tcp.no_delay = true;
  // Leaves nothing behind in TIME_WAIT, which would slow down runs to come.
  options.tcp.reset_on_close = true;
  EDDY_CO_TRY(stream_, co_await net::TcpStream::Connect(options_.target.address,
                                                        std::move(options)));
  dialogue_ = MakeDialogue(options_, index_);
  co_return Result<void>();
}

Task<Result<void>> Session::FillRedis() {
  const std::unique_ptr<Dialogue> dialogue =
      MakeRedisDialogue(options_, index_);
  for (std::size_t key = 0; key < options_.keys;) {
    out_.clear();
    std::uint64_t asked = 0;
    for (; asked < kFillBatch && key < options_.keys; ++asked, ++key) {
      AppendRedisFill(options_, key, out_);
    }
    EDDY_CO_CHECK(co_await Send());
    Answers answers;
    while (answers.complete < asked) {
      EDDY_CO_TRY(const std::size_t n,
                  co_await stream_.Read(std::as_writable_bytes(
                      std::span(buffer_.get(), kBufferSize))));
      if (n == 0) co_return Unexpected(kEndOfStream);
      const absl::Status heard = dialogue->Hear({buffer_.get(), n}, answers);
      if (!heard.ok() || answers.refused > 0) {
        co_return Unexpected(std::errc::protocol_error);
      }
    }
  }
  co_return Result<void>();
}

Task<void> Session::Run(Course course) {
  course_ = course;
  count_ = schedule_.CountBefore(course.end - course.start);
  while (true) {
    Outcome outcome = Outcome::kOver;
    if (options_.rate) {
      outcome = co_await RunOpen();
    } else {
      outcome = co_await RunClosed();
    }
    if (outcome == Outcome::kOver || Clock::now() >= course_.end) break;
    const Result<void> opened = co_await Open();
    if (!opened) {
      FailedToOpen(opened.error());
      break;
    }
    ++totals_.reconnects;
  }
  if (options_.rate) CountUnsent();
}

Task<Session::Outcome> Session::RunClosed() {
  while (true) {
    const TimePoint now = Clock::now();
    if (now >= course_.end) co_return Outcome::kOver;
    out_.clear();
    while (!outstanding_.full()) {
      dialogue_->Ask(out_);
      outstanding_.Push(now);
      ++totals_.sent;
    }
    const Result<void> sent = co_await Send();
    if (!sent) co_return Ended(sent.error());
    while (outstanding_.size() > 0) {
      const Result<void> heard = co_await Hear();
      if (!heard) co_return Ended(heard.error());
    }
  }
}

Task<Session::Outcome> Session::RunOpen() {
  all_sent_ = false;
  Outcome outcome = Outcome::kOver;
  const auto body = [&](TaskScope& scope) -> Task<void> {
    scope.Spawn(SendOnTime(scope));
    outcome = co_await HearAnswers();
    scope.RequestStop();
  };
  static_cast<void>(co_await WithScope(body));
  // What was sent while the connection ended.
  LoseOutstanding();
  co_return outcome;
}

// An error needs no word here: the connection's other side, HearAnswers, gets
// it too.
Task<void> Session::SendOnTime(TaskScope& scope) {
  while (next_ < count_) {
    const TimePoint due = Due(next_);
    if (Clock::now() < due) {
      const Result<void> slept = co_await SleepUntil(due);
      if (!slept) co_return;
    }
    while (outstanding_.full()) {
      const Result<void> room = co_await room_.Wait();
      if (!room) co_return;
    }
    const TimePoint now = Clock::now();
    if (now >= course_.end) break;
    out_.clear();
    for (; next_ < count_ && !outstanding_.full(); ++next_) {
      const TimePoint its = Due(next_);
      if (its > now) break;
      dialogue_->Ask(out_);
      outstanding_.Push(its);
      ++totals_.sent;
      if (now - its > Totals::kLate) ++totals_.late;
    }
    const Result<void> sent = co_await Send();
    if (!sent) co_return;
  }
  all_sent_ = true;
  if (outstanding_.size() == 0) scope.RequestStop();
}

Task<Session::Outcome> Session::HearAnswers() {
  while (!all_sent_ || outstanding_.size() > 0) {
    const Result<void> heard = co_await Hear();
    if (!heard) {
      if (all_sent_ && outstanding_.size() == 0) break;
      co_return Ended(heard.error());
    }
    room_.Set();
  }
  co_return Outcome::kOver;
}

Task<Result<void>> Session::Send() {
  co_return co_await stream_.Write(std::as_bytes(std::span(out_)));
}

Task<Result<void>> Session::Hear() {
  EDDY_CO_TRY(const std::size_t n, co_await stream_.Read(std::as_writable_bytes(
                                       std::span(buffer_.get(), kBufferSize))));
  if (n == 0) co_return Unexpected(kEndOfStream);
  const TimePoint now = Clock::now();
  Answers answers;
  absl::Status heard = dialogue_->Hear({buffer_.get(), n}, answers);
  totals_.refused += answers.refused;
  totals_.misses += answers.misses;
  for (; answers.complete > 0; --answers.complete) {
    if (outstanding_.size() == 0) {
      heard = absl::InternalError("more answers came than requests were sent");
      break;
    }
    Answered(outstanding_.Pop(), now);
  }
  if (!heard.ok()) {
    Fail(std::string(heard.message()));
    co_return Unexpected(std::errc::protocol_error);
  }
  if (!dialogue_->stays_open()) co_return Unexpected(kEndOfStream);
  co_return Result<void>();
}

void Session::Answered(TimePoint since, TimePoint now) {
  ++totals_.answered;
  if (Measured(now)) ++totals_.answers;
  // A closed loop's last request may be answered after the end.
  if (Measured(options_.rate ? since : now)) {
    totals_.latencies.Add(Nanoseconds(now - since));
  }
}

Session::Outcome Session::Ended(Error error) {
  const bool over = error == kCanceled || error == std::errc::protocol_error;
  if (outstanding_.size() > 0) {
    if (error == kCanceled) {
      Fail("the server left requests without an answer (see --timeout)");
    } else if (error == kEndOfStream) {
      Fail(
          "the server closed a connection before it had answered all requests");
    } else {
      Fail(absl::StrCat("a connection broke: ", error.message()));
    }
  }
  LoseOutstanding();
  return over ? Outcome::kOver : Outcome::kConnectAgain;
}

void Session::LoseOutstanding() {
  const TimePoint now = Clock::now();
  while (outstanding_.size() > 0) {
    const TimePoint since = outstanding_.Pop();
    ++totals_.unanswered;
    if (Measured(since)) totals_.latencies.Add(Nanoseconds(now - since));
  }
}

void Session::CountUnsent() {
  for (; next_ < count_; ++next_) {
    ++totals_.unsent;
    const TimePoint due = Due(next_);
    if (Measured(due)) totals_.latencies.Add(Nanoseconds(course_.end - due));
  }
}

// The server may be gone: that tells more than how a connection ended.
void Session::FailedToOpen(Error error) {
  constexpr absl::string_view kWhat = "connecting anew: ";
  std::string& failure = totals_.failure;
  if (absl::StrContains(failure, kWhat)) return;
  absl::StrAppend(&failure, failure.empty() ? "" : "; ", kWhat,
                  error.message());
}

void Session::Fail(std::string what) {
  if (totals_.failure.empty()) totals_.failure = std::move(what);
}

}  // namespace eddy::bench
