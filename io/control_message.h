// ControlMessages, ControlBuffer: what goes with a message besides its data,
// such as descriptors, the address that a datagram was sent to, or the size of
// its segments. See cmsg(3).
//
// Reading what ReceiveMessage gave:
//
//   for (const io::ControlMessage& message : io::ControlMessages(control)) {
//     if (message.Is(SOL_UDP, UDP_GRO)) size = message.As<int>().value_or(0);
//   }
//
// Writing what SendMessage takes:
//
//   io::ControlBuffer<io::ControlSpace(sizeof(int))> control;
//   control.Add(SOL_IP, IP_TTL, 4);
//
// Nothing here allocates, and nothing is read or written out of bounds,
// whatever the bytes say.
#ifndef EDDY_IO_CONTROL_MESSAGE_H_
#define EDDY_IO_CONTROL_MESSAGE_H_

#include <eddy/runtime/misuse.h>

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <iterator>
#include <optional>
#include <span>
#include <type_traits>

namespace eddy::io {

// The room that one control message with so many bytes of data takes.
constexpr std::size_t ControlSpace(std::size_t size) noexcept {
  return CMSG_SPACE(size);
}

struct ControlMessage {
  int level = 0;
  int type = 0;
  std::span<const std::byte> data;

  bool Is(int its_level, int its_type) const noexcept {
    return level == its_level && type == its_type;
  }

  // The data as a T; nullopt where there are fewer bytes than a T has.
  template <class T>
  std::optional<T> As() const noexcept {
    static_assert(std::is_trivially_copyable_v<T>);
    if (data.size() < sizeof(T)) return std::nullopt;
    T value;
    std::memcpy(&value, data.data(), sizeof value);
    return value;
  }
};

// The messages in `control`, in their order. One that was cut short is given
// as far as it is there; bytes that are no message end the iteration.
class ControlMessages {
 public:
  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = ControlMessage;
    using difference_type = std::ptrdiff_t;
    using pointer = const ControlMessage*;
    using reference = const ControlMessage&;

    explicit Iterator(std::span<const std::byte> rest) noexcept : rest_(rest) {
      Read();
    }
    reference operator*() const noexcept { return message_; }
    pointer operator->() const noexcept { return &message_; }
    Iterator& operator++() noexcept {
      rest_ = rest_.subspan(
          std::min(ControlSpace(message_.data.size()), rest_.size()));
      Read();
      return *this;
    }
    void operator++(int) noexcept { ++*this; }
    friend bool operator==(const Iterator& a, const Iterator& b) noexcept {
      return a.rest_.size() == b.rest_.size();
    }

   private:
    void Read() noexcept {
      cmsghdr header{};
      if (rest_.size() >= sizeof header) {
        std::memcpy(&header, rest_.data(), sizeof header);
      }
      if (header.cmsg_len < CMSG_LEN(0)) {
        rest_ = {};
        return;
      }
      message_.level = header.cmsg_level;
      message_.type = header.cmsg_type;
      message_.data =
          rest_.first(std::min<std::size_t>(header.cmsg_len, rest_.size()))
              .subspan(CMSG_LEN(0));
    }

    std::span<const std::byte> rest_;
    ControlMessage message_;
  };

  explicit ControlMessages(std::span<const std::byte> control) noexcept
      : control_(control) {}
  Iterator begin() const noexcept { return Iterator(control_); }
  Iterator end() const noexcept { return Iterator({}); }

 private:
  std::span<const std::byte> control_;
};

// Room for control messages of kSize bytes, each of which takes ControlSpace of
// its data.
template <std::size_t kSize>
class ControlBuffer {
 public:
  // Appends a message. REQUIRES: there is room for it.
  void Add(int level, int type, std::span<const std::byte> data) noexcept {
    const std::size_t space = ControlSpace(data.size());
    if (data.size() > kSize || space > kSize - used_) [[unlikely]] {
      eddy::internal::Misuse(
          "a ControlBuffer of %zu bytes has no room for a message of %zu after "
          "%zu; give it the sum of their ControlSpace",
          kSize, data.size(), used_);
    }
    cmsghdr header{};
    header.cmsg_len = CMSG_LEN(data.size());
    header.cmsg_level = level;
    header.cmsg_type = type;
    std::byte* at = bytes_.data() + used_;
    std::memcpy(at, &header, sizeof header);
    if (!data.empty()) {
      std::memcpy(at + CMSG_LEN(0), data.data(), data.size());
    }
    used_ += space;
  }
  template <class T>
  requires std::is_trivially_copyable_v<T>
  void Add(int level, int type, const T& value) noexcept {
    Add(level, type, std::as_bytes(std::span(&value, 1)));
  }

  void Clear() noexcept { used_ = 0; }
  std::size_t size() const noexcept { return used_; }

  // The messages, as SendMessage takes them.
  std::span<const std::byte> data() const noexcept {
    return std::span(bytes_).first(used_);
  }

 private:
  alignas(cmsghdr) std::array<std::byte, kSize> bytes_{};
  std::size_t used_ = 0;
};

}  // namespace eddy::io

#endif  // EDDY_IO_CONTROL_MESSAGE_H_
