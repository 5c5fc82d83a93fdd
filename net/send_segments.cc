#include <eddy/net/send_segments.h>

#include <eddy/io/fd_operation.h>

#include <netinet/in.h>
#include <netinet/udp.h>

#include <algorithm>
#include <cerrno>
#include <limits>

namespace eddy::net {
namespace {

// What one entry may have: UDP_MAX_SEGMENTS of older kernels, and the payload
// of the longest IPv4 packet with options.
constexpr std::size_t kMostSegments = 64;
constexpr std::size_t kMostBytes = 65535 - 60 - 8;

internal::Segmentation Probe(int socket) {
  int value = 0;
  socklen_t size = sizeof value;
  return getsockopt(socket, IPPROTO_UDP, UDP_SEGMENT, &value, &size) == 0
             ? internal::Segmentation::kByKernel
             : internal::Segmentation::kNone;
}

// Whether the kernel may take the datagrams one by one: the device does not
// compute checksums (EIO), they are longer than the path's packets (EINVAL, or
// EMSGSIZE), or something on the way does not bear it.
bool IsRefusal(int error) {
  return error == EIO || error == EINVAL || error == EMSGSIZE ||
         error == EOPNOTSUPP;
}

}  // namespace

SendSegments::SendSegments(const io::Fd& fd,
                           internal::Segmentation& segmentation,
                           const SocketAddress* to,
                           std::span<const std::byte> data,
                           std::size_t segment_size,
                           std::size_t* transferred) noexcept
    : fd_(&fd),
      segmentation_(&segmentation),
      rest_(data),
      segment_size_(segment_size),
      transferred_(transferred) {
  if (transferred_ != nullptr) *transferred_ = 0;
  if (to == nullptr) return;
  // The kernel only reads it.
  message_.msg_name = const_cast<sockaddr*>(to->native());
  message_.msg_namelen = to->size();
}

int SendSegments::ErrorBefore(
    const eddy::internal::PromiseBase& promise) const noexcept {
  if (promise.context->stop_requested()) return ECANCELED;
  return segment_size_ == 0 ? EINVAL : 0;
}

bool SendSegments::CutsNext() noexcept {
  if (rest_.size() <= segment_size_ || never_cuts_ ||
      2 * segment_size_ > kMostBytes) {
    return false;
  }
  if (*segmentation_ == internal::Segmentation::kUnknown) {
    *segmentation_ = Probe(fd_->get());
  }
  return *segmentation_ == internal::Segmentation::kByKernel;
}

void SendSegments::Submit() noexcept {
  cuts_ = CutsNext();
  const std::size_t segments =
      cuts_ ? std::min(kMostSegments, kMostBytes / segment_size_) : 1;
  const auto next =
      rest_.first(std::min(rest_.size(), segments * segment_size_));
  buffer_ = {const_cast<std::byte*>(next.data()), next.size()};
  message_.msg_iov = &buffer_;
  message_.msg_iovlen = 1;
  control_.Clear();
  if (cuts_) {
    control_.Add(IPPROTO_UDP, UDP_SEGMENT,
                 static_cast<std::uint16_t>(segment_size_));
  }
  message_.msg_control = const_cast<std::byte*>(control_.data().data());
  message_.msg_controllen = control_.size();
  Reactor& reactor = waiter()->context->reactor();
  io_uring_sqe* sqe = reactor.GetSqe();
  io_uring_prep_sendmsg(sqe, fd_->get(), &message_, MSG_NOSIGNAL);
  reactor.Track(sqe, *this);
}

// The descriptor stays pinned between two entries; that one has gone counts.
void SendSegments::Complete(std::int32_t result, std::uint32_t) noexcept {
  fd_->Unpin();
  fd_->Pin();
  eddy::internal::TaskContext& context = *waiter()->context;
  if (result < 0 && !(cuts_ && IsRefusal(-result))) {
    const bool stopped = io::WasInterrupted(result) && context.stop_requested();
    End(stopped ? -ECANCELED : result);
    return;
  }
  if (result < 0) {
    never_cuts_ = true;
    if (result == -EIO) *segmentation_ = internal::Segmentation::kNone;
  } else {
    // A datagram goes as a whole.
    rest_ = rest_.subspan(buffer_.iov_len);
    if (transferred_ != nullptr) *transferred_ += buffer_.iov_len;
  }
  if (rest_.empty()) {
    End(0);
  } else {
    context.reactor().SubmitLater(*this);
  }
}

// Between two entries Continue sees the stop.
void SendSegments::Cancel() noexcept {
  if (in_flight()) Operation::Cancel();
}

void SendSegments::Continue() noexcept {
  if (waiter()->context->stop_requested()) {
    End(-ECANCELED);
  } else {
    Submit();
  }
}

}  // namespace eddy::net
