#include <eddy/net/tcp_info.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>

namespace eddy::net {

Result<TcpInfo> TcpInfo::Of(int socket) noexcept {
  // Younger kernels know more, and give as much as there is room for.
  tcp_info native{};
  socklen_t size = sizeof native;
  if (getsockopt(socket, IPPROTO_TCP, TCP_INFO, &native, &size) != 0) {
    return Unexpected(Error::FromErrno(errno));
  }
  TcpInfo info;
  info.state = static_cast<TcpState>(native.tcpi_state);
  info.round_trip_time = std::chrono::microseconds(native.tcpi_rtt);
  info.round_trip_deviation = std::chrono::microseconds(native.tcpi_rttvar);
  info.retransmits = native.tcpi_total_retrans;
  info.unacknowledged = native.tcpi_unacked;
  info.segment_size = native.tcpi_snd_mss;
  info.congestion_window = native.tcpi_snd_cwnd;
  info.fast_open = (native.tcpi_options & TCPI_OPT_SYN_DATA) != 0;
  return info;
}

}  // namespace eddy::net
