// What keeps it cheaper than a server: it sends many datagrams at once, which
// the kernel cuts (UDP_SEGMENT) and queues to a server that has not asked for
// UDP_GRO one by one, and receives many at once, of which it looks at the first
// bytes.

#include "bench/network/udp_load.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "absl/strings/str_cat.h"
#include "bench/network/udp_twin.h"

namespace eddy::bench {
namespace {

// Those of 1,400 B fit into the kernel's usual buffers.
constexpr std::size_t kUnderWay = 64;
constexpr std::size_t kMostBytesAtOnce = 65'000;

class UdpLoad final : public Load {
 public:
  explicit UdpLoad(std::size_t size) : size_(size), data_(kUnderWay * size) {
    for (std::size_t i = 0; i < kUnderWay; ++i) {
      messages_[i].ExpectAnything(heads_[i].data(), heads_[i].size());
      batch_[i].msg_hdr = messages_[i].header;
    }
  }
  UdpLoad(const UdpLoad&) = delete;
  UdpLoad& operator=(const UdpLoad&) = delete;
  ~UdpLoad() override {
    if (fd_ >= 0) ::close(fd_);
  }

  absl::Status Open(std::uint16_t port) {
    fd_ = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd_ < 0) return absl::ErrnoToStatus(errno, "socket");
    EnlargeBuffers(fd_);
    EnableGro(fd_);
    const sockaddr_in address = Loopback(absl::StrCat(port).c_str());
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address),
                  sizeof address) != 0) {
      return absl::ErrnoToStatus(errno, "connect");
    }
    return absl::OkStatus();
  }

 private:
  void Begin() override { SendUpTo(kUnderWay); }

  bool AtRest() const override { return sent_ == received_; }

  absl::Status Turn() override {
    int count = ReceiveMany();
    if (count < 0) {
      pollfd poll{fd_, POLLIN, 0};
      ::poll(&poll, 1, 100);
      count = ReceiveMany();
    }
    Waited();
    for (int i = 0; i < count; ++i) OnMessage(static_cast<std::size_t>(i));
    if (sending()) SendUpTo(kUnderWay - under_way());
    return Outcome();
  }

  std::size_t under_way() const {
    return static_cast<std::size_t>(sent_ - received_);
  }

  int ReceiveMany() {
    for (mmsghdr& message : batch_) {
      message.msg_hdr.msg_controllen = sizeof(UdpMessage::control);
    }
    return ::recvmmsg(fd_, batch_.data(), kUnderWay, MSG_TRUNC, nullptr);
  }

  void OnMessage(std::size_t index) {
    messages_[index].header = batch_[index].msg_hdr;
    const auto segment =
        static_cast<std::size_t>(messages_[index].SegmentSize());
    const std::size_t bytes = batch_[index].msg_len;
    std::uint64_t number = 0;
    std::memcpy(&number, heads_[index].data(), sizeof number);
    if ((segment != 0 && segment != size_) || bytes % size_ != 0 ||
        number != received_) {
      return Fail(absl::StrCat("datagram ", received_, ", expected next: ",
                               bytes, " B of number ", number, " have come"));
    }
    for (std::size_t rest = bytes; rest > 0; rest -= size_) {
      Answered(since_[received_ % kUnderWay]);
      ++received_;
    }
  }

  void SendUpTo(std::size_t count) {
    while (count > 0) {
      const std::size_t now = std::min(count, kMostBytesAtOnce / size_);
      if (!SendTogether(now)) return;
      count -= now;
    }
  }

  bool SendTogether(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      since_[sent_ % kUnderWay] = now();
      std::memcpy(&data_[i * size_], &sent_, sizeof sent_);
      ++sent_;
    }
    UdpMessage message;
    message.ExpectAnything(data_.data(), count * size_);
    message.header.msg_name = nullptr;
    message.header.msg_namelen = 0;
    message.header.msg_controllen = 0;
    if (count > 1) message.CutInto(static_cast<std::uint16_t>(size_));
    if (::sendmsg(fd_, &message.header, 0) >= 0) return true;
    Fail(absl::StrCat("sendmsg: ", std::strerror(errno)));
    return false;
  }

  const std::size_t size_;
  int fd_ = -1;
  std::uint64_t sent_ = 0;
  std::uint64_t received_ = 0;
  std::array<nanoseconds, kUnderWay> since_{};
  std::vector<char> data_;
  std::array<UdpMessage, kUnderWay> messages_;
  std::array<mmsghdr, kUnderWay> batch_{};
  std::array<std::array<char, sizeof(std::uint64_t)>, kUnderWay> heads_{};
};

}  // namespace

absl::StatusOr<std::unique_ptr<Load>> MakeUdpLoad(std::uint16_t port,
                                                  std::size_t size) {
  auto load = std::make_unique<UdpLoad>(size);
  if (absl::Status s = load->Open(port); !s.ok()) return s;
  return load;
}

}  // namespace eddy::bench
