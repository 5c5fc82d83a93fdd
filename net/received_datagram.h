// What comes with a datagram besides its bytes: PacketInfo, ReceivedDatagram,
// and DatagramSegments for several that came as one.
#ifndef EDDY_NET_RECEIVED_DATAGRAM_H_
#define EDDY_NET_RECEIVED_DATAGRAM_H_

#include <eddy/io/control_message.h>
#include <eddy/net/socket_address.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <span>

namespace eddy::net {

// Where a datagram came in. Ports are 0: the kernel does not tell them.
struct PacketInfo {
  // What the sender has sent it to: an address of this machine, a broadcast
  // address, or a group.
  SocketAddress destination;
  // What an answer comes from (see UdpSocket::SendFrom): destination where it
  // is this machine's, else with IPv4 the interface's, with IPv6 none.
  SocketAddress local;
  // The index of the interface; its name gives if_indextoname(3).
  unsigned interface = 0;
};

// What UdpSocket::ReceiveFrom gives.
struct ReceivedDatagram {
  // Bytes in the buffer.
  std::size_t size = 0;
  SocketAddress from;
  // The datagram had more bytes than the buffer; they are lost.
  bool truncated = false;
  // Not 0: several datagrams came as one (UdpOptions::gro), each of so many
  // bytes and the last one of what is left. See DatagramSegments.
  std::size_t segment_size = 0;
  // Datagrams that the socket had dropped, for want of room, before this one
  // came: all of its life, modulo 2^32.
  std::uint32_t dropped = 0;
  // With UdpOptions::packet_info.
  std::optional<PacketInfo> packet_info;
};

// The datagrams in what came as one: spans of `segment_size` bytes and the
// rest; one span with all where segment_size is 0.
//
//   for (std::span<const std::byte> one : net::DatagramSegments(data, size))
//   ...
class DatagramSegments {
 public:
  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = std::span<const std::byte>;
    using difference_type = std::ptrdiff_t;
    using pointer = const value_type*;
    using reference = value_type;

    Iterator(value_type rest, std::size_t size, bool at_end) noexcept
        : rest_(rest), size_(size), at_end_(at_end) {}
    value_type operator*() const noexcept {
      return rest_.first(std::min(size_, rest_.size()));
    }
    Iterator& operator++() noexcept {
      rest_ = rest_.subspan(std::min(size_, rest_.size()));
      at_end_ = rest_.empty();
      return *this;
    }
    void operator++(int) noexcept { ++*this; }
    friend bool operator==(const Iterator& a, const Iterator& b) noexcept {
      return a.at_end_ == b.at_end_ && a.rest_.size() == b.rest_.size();
    }

   private:
    value_type rest_;
    std::size_t size_;
    bool at_end_;
  };

  DatagramSegments(std::span<const std::byte> data,
                   std::size_t segment_size) noexcept
      : data_(data), size_(segment_size != 0 ? segment_size : data.size()) {}

  // At least one: an empty datagram is one too.
  Iterator begin() const noexcept { return {data_, size_, false}; }
  Iterator end() const noexcept { return {data_.last(0), size_, true}; }

  std::size_t size() const noexcept {
    return data_.empty() ? 1 : (data_.size() + size_ - 1) / size_;
  }

 private:
  std::span<const std::byte> data_;
  std::size_t size_;
};

namespace internal {

// Room for the address of a sender, and for the control data that the options
// of a UDP socket bring.
inline constexpr std::size_t kDatagramAddressRoom = 32;
inline constexpr std::size_t kDatagramControlRoom = 128;

// What control data says of a datagram.
std::size_t SegmentSizeOf(io::ControlMessages control) noexcept;
std::uint32_t DroppedOf(io::ControlMessages control) noexcept;
std::optional<PacketInfo> PacketInfoOf(io::ControlMessages control) noexcept;

}  // namespace internal
}  // namespace eddy::net

#endif  // EDDY_NET_RECEIVED_DATAGRAM_H_
