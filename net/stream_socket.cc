#include <eddy/net/stream_socket.h>

#include <eddy/io/send_zero_copy.h>
#include <eddy/runtime/misuse.h>
#include <eddy/runtime/reactor.h>
#include <eddy/runtime/stop.h>
#include <eddy/runtime/with_stop.h>

namespace eddy::net {

Result<void> StreamSocket::SetReceiveOptions(
    const io::ReceiveOptions& options) {
  if (receive_.begun()) return Unexpected(std::errc::device_or_resource_busy);
  Result<io::ReceiveStream> stream = io::ReceiveStream::Create(options);
  if (!stream) return Unexpected(stream.error());
  receive_ = *std::move(stream);
  return {};
}

Task<Result<void>> StreamSocket::WriteZeroCopy(
    std::span<const std::byte> data, std::shared_ptr<const void> owner,
    std::size_t* transferred) {
  std::size_t ignored = 0;
  std::size_t& done = transferred != nullptr ? *transferred : ignored;
  done = 0;
  bool zero_copy = data.size() >= io::kZeroCopyThreshold &&
                   Reactor::Current()->ring().Supports(IORING_OP_SEND_ZC);
  while (zero_copy && done < data.size()) {
    const Result<std::size_t> n = co_await io::SendZeroCopyOwned(
        fd_, data.subspan(done), owner, MSG_WAITALL);
    if (n) {
      done += *n;
    } else if (io::CannotZeroCopy(n.error())) {
      zero_copy = false;
    } else {
      co_return Unexpected(n.error());
    }
  }
  if (done == data.size()) co_return Result<void>();
  std::size_t rest = 0;
  const Result<void> written = co_await Write(data.subspan(done), &rest);
  done += rest;
  co_return written;
}

Task<Result<void>> StreamSocket::EndReceive(std::vector<std::byte>& received) {
  if (!receive_.begun()) co_return Result<void>();
  // Stopped, it gives what is there, and kCanceled when the kernel has ended.
  StopSource ended;
  ended.RequestStop();
  Result<void> result;
  while (true) {
    const Result<io::Buffer> data =
        co_await WithStop(ended.token(), receive_.Next(fd_));
    if (data) {
      received.insert(received.end(), data->bytes().begin(),
                      data->bytes().end());
    } else if (data.error() == kCanceled) {
      break;
    } else if (result) {
      result = Unexpected(data.error());
    }
  }
  receive_.Reset();
  co_return result;
}

void StreamSocket::ReadAfterReceive() noexcept {
  eddy::internal::Misuse(
      "Read was called on a stream after Receive, which may have received "
      "ahead; use one of them");
}

void StreamSocket::DetachAfterReceive() noexcept {
  eddy::internal::Misuse(
      "a stream was to leave its core after Receive, which may have received "
      "ahead; co_await EndReceive() first");
}

}  // namespace eddy::net
