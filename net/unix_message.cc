#include <eddy/net/unix_message.h>

#include <eddy/io/control_message.h>
#include <eddy/io/receive_message.h>
#include <eddy/io/send_message.h>

#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace eddy::net::internal {
namespace {

constexpr std::size_t kArrivalSpace = io::ControlSpace(sizeof(timeval));

// Control data: in the frame where there are few descriptors.
class ControlBytes {
 public:
  explicit ControlBytes(std::size_t size) : size_(size) {
    if (size > few_.size()) many_.resize(size);
  }
  std::span<std::byte> data() noexcept {
    return many_.empty() ? std::span(few_).first(size_) : std::span(many_);
  }

 private:
  static constexpr std::size_t kFew = 4;

  alignas(cmsghdr) std::array<
      std::byte, kArrivalSpace + io::ControlSpace(kFew * sizeof(int))> few_{};
  std::vector<std::byte> many_;
  std::size_t size_;
};

// The size of a message with so many descriptors.
std::size_t RightsSize(std::size_t count) {
  return count == 0 ? 0 : CMSG_LEN(count * sizeof(int));
}

// The message with these descriptors, where there are any.
void PutRights(std::span<const int> descriptors,
               std::span<std::byte> control) noexcept {
  if (descriptors.empty()) return;
  cmsghdr header{};
  header.cmsg_len = control.size();
  header.cmsg_level = SOL_SOCKET;
  header.cmsg_type = SCM_RIGHTS;
  std::memcpy(control.data(), &header, sizeof header);
  std::memcpy(control.data() + CMSG_LEN(0), descriptors.data(),
              descriptors.size_bytes());
}

bool HasArrivalTime(const io::ReceivedMessage& message) {
  const io::ControlMessages all(message.control);
  return std::any_of(all.begin(), all.end(), [](const io::ControlMessage& one) {
    return one.Is(SOL_SOCKET, SCM_TIMESTAMP);
  });
}

}  // namespace

Task<Result<std::size_t>> SendUnixMessage(const io::Fd& socket,
                                          std::span<const std::byte> data,
                                          std::span<const int> descriptors,
                                          const SocketAddress* to) {
  if (descriptors.size() > kMaxSentDescriptors) {
    co_return Unexpected(std::errc::invalid_argument);
  }
  ControlBytes control(RightsSize(descriptors.size()));
  PutRights(descriptors, control.data());
  io::SendMessageOptions options;
  options.control = control.data();
  if (to != nullptr) {
    options.address = to->native();
    options.address_size = to->size();
  }
  co_return co_await io::SendMessage(socket, data, options);
}

Task<Result<UnixMessage>> ReceiveUnixMessage(const io::Fd& socket,
                                             std::span<std::byte> buffer,
                                             UnixReceive what) {
  const std::size_t most = std::min(what.descriptors, kMaxSentDescriptors);
  // No more than asked for: what has no room the kernel closes at once.
  ControlBytes control((what.end_of_packets ? kArrivalSpace : 0) +
                       RightsSize(most));
  sockaddr_storage address;
  io::ReceiveMessageOptions options;
  options.control = control.data();
  if (what.from != nullptr) {
    options.address = reinterpret_cast<sockaddr*>(&address);
    options.address_size = sizeof address;
  }
  EDDY_CO_TRY(io::ReceivedMessage received,
              co_await io::ReceiveMessage(socket, buffer, options));
  if (what.end_of_packets && received.size == 0 && !HasArrivalTime(received)) {
    co_return Unexpected(kEndOfStream);
  }
  if (most != 0 && (received.flags & MSG_CTRUNC) != 0) {
    // Either they had no room in the control data, or no number was free.
    co_return Unexpected(received.descriptors.size() >= most
                             ? std::errc::message_size
                             : std::errc::too_many_files_open);
  }
  if (what.from != nullptr) {
    *what.from =
        SocketAddress::FromNative(options.address, received.address_size);
  }
  UnixMessage message;
  message.size = received.size;
  message.truncated = (received.flags & MSG_TRUNC) != 0;
  message.descriptors = std::move(received.descriptors);
  co_return message;
}

void EnableEndOfPackets(const io::Fd& socket) noexcept {
  const int on = 1;
  setsockopt(socket.get(), SOL_SOCKET, SO_TIMESTAMP, &on, sizeof on);
}

}  // namespace eddy::net::internal
