#include "examples/file_server/request_reader.h"

#include <eddy/io/poll.h>
#include <eddy/runtime/timeout.h>
#include <eddy/runtime/with_stop.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <optional>

namespace file_server {
namespace {

using eddy::Result;
using eddy::Task;
using eddy::TimePoint;
using eddy::Unexpected;
using eddy::WithDeadline;
using eddy::WithStop;
using eddy::WithTimeout;
using std::chrono::nanoseconds;

// After this time without a request a connection gives back its buffer.
constexpr nanoseconds kRestless = std::chrono::seconds(1);
// How long a client has to notice that it was answered for the last time.
constexpr nanoseconds kLinger = std::chrono::seconds(2);

}  // namespace

Task<Result<Status>> RequestReader::Next() {
  begin_ = parsed_;
  if (!has_more()) EDDY_CO_CHECK(co_await AwaitFirstBytes());
  parser_.Start();
  TimePoint deadline = eddy::kNoDeadline;
  while (true) {
    const std::optional<Status> status = parser_.Parse(unparsed());
    if (status) {
      parsed_ += parser_.consumed();
      co_return *status;
    }
    parsed_ = end_;
    if (room().empty() && !MakeRoom()) {
      co_return parser_.in_fields() ? Status::kHeadTooLarge
                                    : Status::kUriTooLong;
    }
    if (deadline == eddy::kNoDeadline) {
      deadline = eddy::After(eddy::Clock::now(), site_.options.header_timeout);
    }
    const Result<std::size_t> n =
        co_await WithDeadline(deadline, stream_.Read(room()));
    if (!n && n.error() == eddy::kTimedOut) co_return Status::kRequestTimeout;
    if (!n) co_return Unexpected(n.error());
    if (*n == 0) co_return Unexpected(eddy::kEndOfStream);
    end_ += *n;
  }
}

// Waits for a request to begin; this is what ends when the server drains.
Task<Result<void>> RequestReader::AwaitFirstBytes() {
  begin_ = parsed_ = end_ = 0;
  if (!buffer_) buffer_ = site_.request_buffers.Take();
  const nanoseconds idle = site_.options.idle_timeout;
  const nanoseconds restless = std::min(kRestless, idle);
  Result<std::size_t> n = co_await WithStop(
      site_.draining, WithTimeout(restless, stream_.Read(room())));
  if (!n && n.error() == eddy::kTimedOut && restless < idle) {
    buffer_.Release();
    EDDY_CO_CHECK(co_await WithStop(
        site_.draining,
        WithTimeout(idle - restless, eddy::io::Poll(stream_.fd(), POLLIN))));
    buffer_ = site_.request_buffers.Take();
    n = co_await WithTimeout(restless, stream_.Read(room()));
  }
  if (!n) co_return Unexpected(n.error());
  if (*n == 0) co_return Unexpected(eddy::kEndOfStream);
  end_ = *n;
  co_return Result<void>();
}

// Moves the current head to the buffer's front, and parses it from there again.
// False if it is there already.
bool RequestReader::MakeRoom() noexcept {
  if (begin_ == 0) return false;
  const std::span<std::byte> all = buffer_.bytes();
  std::memmove(all.data(), all.data() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = parsed_ = 0;
  parser_.Start();
  (void)parser_.Parse(unparsed());  // incomplete, as before
  parsed_ = end_;
  return true;
}

Task<> RequestReader::Linger() {
  const Result<void> ended = co_await stream_.Shutdown();
  if (!ended) co_return;
  (void)co_await WithTimeout(kLinger, Discard());
}

Task<Result<void>> RequestReader::Discard() {
  while (true) {
    EDDY_CO_TRY(const std::size_t n, co_await stream_.Read(buffer_.bytes()));
    if (n == 0) co_return Result<void>();
  }
}

std::string_view RequestReader::unparsed() const noexcept {
  const std::span<std::byte> bytes =
      buffer_.bytes().subspan(parsed_, end_ - parsed_);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace file_server
