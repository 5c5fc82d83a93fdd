#include <eddy/io/receive_message.h>

#include <unistd.h>

#include <cstring>
#include <utility>

namespace eddy::io {
namespace {

// Calls f(descriptor) for each that the control data has.
template <class F>
void ForEachDescriptor(std::span<const std::byte> control, F f) {
  for (const ControlMessage& message : ControlMessages(control)) {
    if (!message.Is(SOL_SOCKET, SCM_RIGHTS)) continue;
    std::span<const std::byte> rest = message.data;
    for (int fd; rest.size() >= sizeof fd; rest = rest.subspan(sizeof fd)) {
      std::memcpy(&fd, rest.data(), sizeof fd);
      f(fd);
    }
  }
}

std::vector<Fd> OwnDescriptors(std::span<const std::byte> control) {
  std::size_t count = 0;
  ForEachDescriptor(control, [&](int) { ++count; });
  std::vector<Fd> descriptors;
  if (count == 0) return descriptors;
  try {
    descriptors.reserve(count);
  } catch (...) {
    ForEachDescriptor(control, [](int fd) { close(fd); });
    throw;
  }
  ForEachDescriptor(control, [&](int fd) { descriptors.emplace_back(fd); });
  return descriptors;
}

}  // namespace

Result<ReceivedMessage> ReceiveMessage::await_resume() {
  if (failed()) return Unexpected(error());
  ReceivedMessage received;
  received.size = static_cast<std::size_t>(raw_result());
  received.flags = message_.msg_flags;
  received.address_size =
      message_.msg_name != nullptr ? message_.msg_namelen : 0;
  received.control =
      std::span(static_cast<const std::byte*>(message_.msg_control),
                message_.msg_controllen);
  received.descriptors = OwnDescriptors(received.control);
  return received;
}

}  // namespace eddy::io
