#include <eddy/io/testing/duplex.h>

#include <eddy/runtime/misuse.h>
#include <eddy/runtime/reactor.h>
#include <eddy/runtime/suspension.h>
#include <eddy/runtime/timer_wheel.h>
#include <eddy/runtime/yield.h>

#include <algorithm>
#include <coroutine>
#include <utility>

namespace eddy {
namespace internal {

// Waits until something moves, or until a time. Result: kCanceled when stopped.
class [[nodiscard]] DuplexWait final : public Suspension, private Timer {
 public:
  // `place` is where the pipe finds it. Not to wait is only to see a stop.
  DuplexWait(bool waits, DuplexWait*& place, TimePoint until) noexcept
      : waits_(waits), place_(place), until_(until) {}
  DuplexWait(DuplexWait&& other) noexcept
      : waits_(other.waits_), place_(other.place_), until_(other.until_) {}

  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> waiter) noexcept {
    PromiseBase& promise = waiter.promise();
    canceled_ = promise.context->stop_requested();
    if (canceled_ || !waits_) return AwaitBudget::Spend(promise);
    if (place_ != nullptr) {
      Misuse(
          "two reads or two writes at a time on one end of a Duplex; await one "
          "before the next");
    }
    Reactor& reactor = promise.context->reactor();
    reactor.AssertCurrent();
    place_ = this;
    if (until_ != kNoDeadline) reactor.timers().Add(*this, until_);
    Suspend(promise);
    return true;
  }
  Result<void> await_resume() const noexcept {
    if (canceled_) return Unexpected(kCanceled);
    return {};
  }

  const char* name() const noexcept override { return "Duplex"; }

  void SomethingMoved() noexcept {
    if (pending()) waiter()->context->reactor().timers().Remove(*this);
    place_ = nullptr;
    Wake();
  }

 private:
  void Expire() noexcept override { SomethingMoved(); }
  void Cancel() noexcept override {
    canceled_ = true;
    SomethingMoved();
  }

  const bool waits_;
  DuplexWait*& place_;
  const TimePoint until_;
  bool canceled_ = false;
};

namespace {

void Tell(DuplexWait* waiting) noexcept {
  if (waiting != nullptr) waiting->SomethingMoved();
}

TimePoint ArrivalAfter(Duration delay) noexcept {
  // What is not delayed has arrived, whatever the clock says.
  return delay > Duration::zero() ? After(Clock::now(), delay) : TimePoint();
}

bool HasCome(TimePoint time) noexcept {
  return time == TimePoint() || time <= Clock::now();
}

}  // namespace

DuplexPipe::~DuplexPipe() {
  if (reader != nullptr || writer != nullptr) {
    Misuse(
        "a Duplex was destroyed while a read or a write waits on it; stop its "
        "tasks and await their end before");
  }
}

std::size_t DuplexPipe::Arrived() const noexcept {
  std::size_t count = 0;
  for (const OnItsWay& part : parts_) {
    if (!HasCome(part.arrives)) break;
    count += part.count;
  }
  return count;
}

TimePoint DuplexPipe::NextArrival() const noexcept {
  if (!parts_.empty()) return parts_.front().arrives;
  return end_arrives_.value_or(kNoDeadline);
}

bool DuplexPipe::AtEnd() const noexcept {
  return parts_.empty() && end_arrives_ && HasCome(*end_arrives_);
}

void DuplexPipe::Put(std::span<const std::byte> data, Duration delay) {
  bytes_.insert(bytes_.end(), data.begin(), data.end());
  parts_.push_back({data.size(), ArrivalAfter(delay)});
  Tell(reader);
}

std::size_t DuplexPipe::Take(std::span<std::byte> to) {
  const std::size_t count = std::min(to.size(), Arrived());
  const auto end = bytes_.begin() + static_cast<std::ptrdiff_t>(count);
  std::copy(bytes_.begin(), end, to.begin());
  bytes_.erase(bytes_.begin(), end);
  for (std::size_t left = count; left != 0;) {
    OnItsWay& part = parts_.front();
    const std::size_t taken = std::min(part.count, left);
    part.count -= taken;
    left -= taken;
    if (part.count == 0) parts_.pop_front();
  }
  Tell(writer);
  return count;
}

void DuplexPipe::EndWriting(Duration delay) {
  if (!end_arrives_) end_arrives_ = ArrivalAfter(delay);
  Tell(reader);
}

void DuplexPipe::EndReading() {
  reading_ended_ = true;
  bytes_.clear();
  parts_.clear();
  Tell(writer);
}

}  // namespace internal

namespace io {

using internal::DuplexWait;

Task<Result<std::size_t>> DuplexEnd::Read(std::span<std::byte> buffer) {
  // Not before the await: a stop comes first.
  bool waits = false;
  while (true) {
    EDDY_CO_CHECK(co_await DuplexWait(waits, in_.reader, in_.NextArrival()));
    const std::optional<Result<std::size_t>> result = TryRead(buffer);
    if (result) co_return *result;
    waits = true;
  }
}

std::optional<Result<std::size_t>> DuplexEnd::TryRead(
    std::span<std::byte> buffer) {
  if (closed_) return Unexpected(std::errc::bad_file_descriptor);
  if (reset_) return Unexpected(std::errc::connection_reset);
  if (buffer.empty()) return 0;
  const std::uint64_t left =
      script_.read_limit - std::min(bytes_read_, script_.read_limit);
  if (left == 0) {
    if (script_.read_error) return Unexpected(*script_.read_error);
    return 0;
  }
  if (in_.Arrived() == 0) {
    if (in_.AtEnd()) return 0;
    return std::nullopt;
  }
  const std::size_t most = std::max<std::size_t>(script_.max_read, 1);
  const std::size_t count = static_cast<std::size_t>(
      std::min<std::uint64_t>({buffer.size(), most, left}));
  const std::size_t taken = in_.Take(buffer.first(count));
  bytes_read_ += taken;
  return taken;
}

Task<Result<void>> DuplexEnd::Write(std::span<const std::byte> data,
                                    std::size_t* transferred) {
  std::size_t ignored = 0;
  std::size_t& done = transferred != nullptr ? *transferred : ignored;
  done = 0;
  bool waits = false;
  while (done < data.size()) {
    EDDY_CO_CHECK(co_await DuplexWait(waits, out_.writer, kNoDeadline));
    const std::optional<Result<std::size_t>> result =
        TryWrite(data.subspan(done));
    waits = !result;
    if (waits) continue;
    if (!*result) co_return Unexpected(result->error());
    done += **result;
    if (done < data.size()) co_await Yield();
  }
  co_return Result<void>();
}

std::optional<Result<std::size_t>> DuplexEnd::TryWrite(
    std::span<const std::byte> data) {
  if (closed_) return Unexpected(std::errc::bad_file_descriptor);
  if (reset_) return Unexpected(std::errc::connection_reset);
  if (out_.writing_ended() || out_.reading_ended()) {
    return Unexpected(std::errc::broken_pipe);
  }
  const std::uint64_t left =
      script_.write_limit - std::min(bytes_written_, script_.write_limit);
  if (left == 0) return Unexpected(script_.write_error);
  if (out_.room() == 0) return std::nullopt;
  const std::size_t most = std::max<std::size_t>(script_.max_write, 1);
  const std::size_t count = static_cast<std::size_t>(
      std::min<std::uint64_t>({data.size(), out_.room(), most, left}));
  out_.Put(data.first(count), script_.delay);
  bytes_written_ += count;
  return count;
}

Task<Result<void>> DuplexEnd::Shutdown() {
  EDDY_CO_CHECK(co_await DuplexWait(false, out_.writer, kNoDeadline));
  if (closed_) co_return Unexpected(std::errc::bad_file_descriptor);
  if (script_.shutdown_error) co_return Unexpected(*script_.shutdown_error);
  if (reset_) co_return Unexpected(std::errc::not_connected);
  out_.EndWriting(script_.delay);
  co_return Result<void>();
}

void DuplexEnd::Close() {
  if (in_.reader != nullptr || out_.writer != nullptr) {
    eddy::internal::Misuse(
        "an end of a Duplex was closed while a read or a write waits on it; "
        "stop it and await its end before");
  }
  if (std::exchange(closed_, true)) return;
  in_.EndReading();
  out_.EndWriting(script_.delay);
}

void DuplexEnd::Reset() {
  reset_ = true;
  for (eddy::internal::DuplexPipe* pipe : {&in_, &out_}) {
    pipe->EndReading();
    pipe->EndWriting(Duration::zero());
  }
}

Duplex::Duplex(std::size_t capacity) noexcept
    : to_a_(std::max<std::size_t>(capacity, 1)),
      to_b_(std::max<std::size_t>(capacity, 1)),
      a_(to_a_, to_b_, reset_),
      b_(to_b_, to_a_, reset_) {}

}  // namespace io
}  // namespace eddy
