#include <eddy/net/serve.h>

namespace eddy::net::internal {

std::unique_ptr<const SocketAddress> PeerOf(const io::Fd& fd) {
  const Result<SocketAddress> peer = SocketAddress::PeerOf(fd.get());
  return std::make_unique<const SocketAddress>(peer ? *peer : SocketAddress());
}

void ServeState::Begin() noexcept {
  count_.Add();
  stats_.connections = count_.now();
  stats_.most_connections =
      std::max(stats_.most_connections, stats_.connections);
}

void ServeState::End(const SocketAddress* peer, TaskFailure failure,
                     bool stopped) {
  count_.Remove();
  if (end_ != nullptr) end_->ConnectionEnded();
  stats_.connections = count_.now();
  if (stopped && failure.error == kCanceled) failure.error.reset();
  if (!failure) {
    ++stats_.ended;
    return;
  }
  ++stats_.failed;
  if (failure.error == kTimedOut) ++stats_.timed_out;
  if (options_.on_failure) {
    options_.on_failure(*peer, failure);
  } else if (failure.exception) {
    std::rethrow_exception(failure.exception);
  }
}

}  // namespace eddy::net::internal
