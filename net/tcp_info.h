// TcpInfo: what the kernel knows of a connection (TCP_INFO).
//
//   const Result<net::TcpInfo> info = net::TcpInfo::Of(stream.fd().get());
//   if (info) Log(info->round_trip_time, info->retransmits);
//
// Cost: one system call, which does not wait. See tcp(7).
#ifndef EDDY_NET_TCP_INFO_H_
#define EDDY_NET_TCP_INFO_H_

#include <eddy/runtime/result.h>

#include <chrono>
#include <cstdint>

namespace eddy::net {

// The states of RFC 9293, with the kernel's numbers.
enum class TcpState : std::uint8_t {
  kEstablished = 1,
  kSynSent = 2,
  kSynReceived = 3,
  kFinWait1 = 4,
  kFinWait2 = 5,
  kTimeWait = 6,
  kClosed = 7,
  kCloseWait = 8,
  kLastAck = 9,
  kListen = 10,
  kClosing = 11,
};

struct TcpInfo {
  TcpState state = TcpState::kClosed;
  // Smoothed, and its mean deviation.
  std::chrono::microseconds round_trip_time = {};
  std::chrono::microseconds round_trip_deviation = {};
  // Segments that were sent again, since the connection began.
  std::uint32_t retransmits = 0;
  // Segments that were sent and are not acknowledged.
  std::uint32_t unacknowledged = 0;
  // Bytes of data in a segment, and segments that may be under way.
  std::uint32_t segment_size = 0;
  std::uint32_t congestion_window = 0;
  // The SYN carried data, and the peer took it.
  bool fast_open = false;

  // Errors: those of getsockopt(2): EOPNOTSUPP on a socket that is not TCP's.
  static Result<TcpInfo> Of(int socket) noexcept;
};

}  // namespace eddy::net

#endif  // EDDY_NET_TCP_INFO_H_
