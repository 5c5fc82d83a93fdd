#include <eddy/io/connect.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <cerrno>

namespace eddy::io {

// The kernel takes a TCP socket for connected when something is in its error
// queue (seen in Linux 6.18). A router that answers to the SYN that the host
// is unreachable puts it there, while the socket goes on trying.
Result<void> Connect::await_resume() const {
  if (failed()) return Unexpected(error());
  const int socket = fd().get();
  sockaddr_storage peer;
  socklen_t size = sizeof peer;
  if (getpeername(socket, reinterpret_cast<sockaddr*>(&peer), &size) == 0) {
    return {};
  }
  // It has no peer any more where that was so quick to reset the connection,
  // which the next operation tells.
  tcp_info info{};
  size = sizeof info;
  if (getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) != 0 ||
      info.tcpi_state != TCP_SYN_SENT) {
    return {};
  }
  // Nor has it a peer yet where it connects with its first data (TCP fast
  // open), but then it has no error.
  int why = 0;
  size = sizeof why;
  if (getsockopt(socket, SOL_SOCKET, SO_ERROR, &why, &size) == 0 && why != 0) {
    return Unexpected(Error::FromErrno(why));
  }
  return {};
}

}  // namespace eddy::io
