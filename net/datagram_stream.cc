#include <eddy/net/datagram_stream.h>

#include <eddy/runtime/reactor.h>
#include <eddy/runtime/uring_abi.h>

#include <algorithm>
#include <cstring>

namespace eddy::net {
namespace {

// A buffer: header, address, control data, payload.
constexpr std::size_t kAddressAt = sizeof(io_uring_recvmsg_out);
constexpr std::size_t kControlAt = kAddressAt + internal::kDatagramAddressRoom;
constexpr std::size_t kPayloadAt = kControlAt + internal::kDatagramControlRoom;

// The largest that there is, also of segments that come as one.
constexpr std::size_t kLargest = 65535;

// The reactor's own pool.
class DatagramPool {
 public:
  explicit DatagramPool(Reactor&) noexcept {}

  Result<const io::BufferPool*> Get() {
    if (!pool_) {
      const Result<io::BufferPool> made =
          io::BufferPool::Create(DatagramPoolOptions(kLargest));
      if (!made) return Unexpected(made.error());
      pool_.emplace(*made);
    }
    return &*pool_;
  }

 private:
  std::optional<io::BufferPool> pool_;
};

// What the kernel says of the bytes; zero where there are too few.
io_uring_recvmsg_out HeaderOf(std::span<const std::byte> bytes) noexcept {
  io_uring_recvmsg_out header{};
  if (bytes.size() >= kPayloadAt) {
    std::memcpy(&header, bytes.data(), sizeof header);
  }
  return header;
}

// The first `size` of the bytes from `at` on, as far as they are there.
std::span<const std::byte> Part(std::span<const std::byte> bytes,
                                std::size_t at, std::size_t size) noexcept {
  if (bytes.size() <= at) return {};
  return bytes.subspan(at, std::min(size, bytes.size() - at));
}

}  // namespace

io::BufferPoolOptions DatagramPoolOptions(std::size_t most_bytes) {
  // Whole pages where it has several, so that a short datagram uses one.
  constexpr std::size_t kPage = 4096;
  constexpr std::size_t kLine = 64;
  const std::size_t size = kPayloadAt + most_bytes;
  const std::size_t unit = size > kPage ? kPage : kLine;
  io::BufferPoolOptions options;
  options.buffer_size = (size + unit - 1) / unit * unit;
  options.incremental = false;
  options.bundles = false;
  options.limit_receive = false;
  return options;
}

// --- Datagram ----------------------------------------------------------------

std::span<const std::byte> Datagram::data() const noexcept {
  return Part(buffer_.bytes(), kPayloadAt,
              HeaderOf(buffer_.bytes()).payloadlen);
}

SocketAddress Datagram::from() const noexcept {
  const auto bytes =
      Part(buffer_.bytes(), kAddressAt,
           std::min<std::size_t>(HeaderOf(buffer_.bytes()).namelen,
                                 internal::kDatagramAddressRoom));
  if (bytes.empty()) return SocketAddress();
  sockaddr_storage address{};
  std::memcpy(&address, bytes.data(), bytes.size());
  return SocketAddress::FromNative(reinterpret_cast<const sockaddr*>(&address),
                                   static_cast<socklen_t>(bytes.size()));
}

bool Datagram::truncated() const noexcept {
  const io_uring_recvmsg_out header = HeaderOf(buffer_.bytes());
  return (header.flags & MSG_TRUNC) != 0 || header.payloadlen > size();
}

io::ControlMessages Datagram::control() const noexcept {
  return io::ControlMessages(
      Part(buffer_.bytes(), kControlAt,
           std::min<std::size_t>(HeaderOf(buffer_.bytes()).controllen,
                                 internal::kDatagramControlRoom)));
}

// --- DatagramOperation -------------------------------------------------------

namespace internal {

DatagramOperation::DatagramOperation(const io::BufferPool& pool,
                                     std::size_t most_waiting) noexcept
    : BufferedMultishot(pool, most_waiting) {}

void DatagramOperation::PrepareMultishot(io_uring_sqe* sqe, int fd) noexcept {
  message_ = {};
  message_.msg_namelen = kDatagramAddressRoom;
  message_.msg_controllen = kDatagramControlRoom;
  io_uring_prep_recvmsg_multishot(sqe, fd, &message_, MSG_CMSG_CLOEXEC);
}

// The same, into a buffer of the same form.
void DatagramOperation::PrepareSingle(io_uring_sqe* sqe, int fd,
                                      std::span<std::byte> buffer) noexcept {
  message_ = {};
  message_.msg_name = buffer.data() + kAddressAt;
  message_.msg_namelen = kDatagramAddressRoom;
  message_.msg_control = buffer.data() + kControlAt;
  message_.msg_controllen = kDatagramControlRoom;
  payload_ = {buffer.data() + kPayloadAt, buffer.size() - kPayloadAt};
  message_.msg_iov = &payload_;
  message_.msg_iovlen = 1;
  io_uring_prep_recvmsg(sqe, fd, &message_, MSG_CMSG_CLOEXEC);
}

std::int32_t DatagramOperation::FinishSingle(
    std::int32_t result, std::span<std::byte> buffer) noexcept {
  io_uring_recvmsg_out header{};
  header.namelen = message_.msg_namelen;
  header.controllen = static_cast<std::uint32_t>(message_.msg_controllen);
  header.payloadlen = static_cast<std::uint32_t>(result);
  header.flags = static_cast<std::uint32_t>(message_.msg_flags);
  std::memcpy(buffer.data(), &header, sizeof header);
  return result + static_cast<std::int32_t>(kPayloadAt);
}

}  // namespace internal

// --- DatagramStream ----------------------------------------------------------

DatagramStream::DatagramStream(const io::Fd& fd, const io::BufferPool& pool,
                               std::size_t most_waiting)
    : fd_(&fd),
      operation_(new internal::DatagramOperation(pool, most_waiting)) {}

Result<DatagramStream> DatagramStream::Create(
    const io::Fd& fd, const DatagramStreamOptions& options) {
  const io::BufferPool* pool = options.pool ? &*options.pool : nullptr;
  if (pool == nullptr) {
    const auto own = Reactor::Current()->Local<DatagramPool>().Get();
    if (!own) return Unexpected(own.error());
    pool = *own;
  }
  if (options.most_waiting == 0 || pool->store().incremental() ||
      pool->buffer_size() <= kPayloadAt) {
    return Unexpected(std::errc::invalid_argument);
  }
  return DatagramStream(fd, *pool, options.most_waiting);
}

}  // namespace eddy::net
