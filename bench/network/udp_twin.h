// What the hand-written UDP servers and the UDP load share: sockets, and
// messages that say how a bulk is cut into datagrams.

#ifndef EDDY_BENCH_NETWORK_UDP_TWIN_H_
#define EDDY_BENCH_NETWORK_UDP_TWIN_H_

#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "bench/lib/twin.h"
#include "bench/network/protocol.h"

namespace eddy::bench {

// The option's privileged form ignores the system's limit; what is granted
// without it has to do where that is refused.
inline void EnlargeBuffers(int fd) {
  const int size = kSocketBuffer;
  if (::setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) != 0) {
    ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  }
  if (::setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size) != 0) {
    ::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  }
}

// Like ListenAndAnnounce.
inline int BindAndAnnounceUdp(int argc, char** argv) {
  const int fd = BindLoopback(argc, argv, SOCK_DGRAM);
  EnlargeBuffers(fd);
  Announce(fd);
  return fd;
}

inline void EnableGro(int fd) {
  const int on = 1;
  if (::setsockopt(fd, IPPROTO_UDP, UDP_GRO, &on, sizeof on) != 0) {
    Die("UDP_GRO");
  }
}

// A message of one peer, perhaps of several datagrams, and the answer to it.
struct UdpMessage {
  msghdr header;
  sockaddr_in peer;
  iovec part;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];

  void ExpectAnything(char* buffer, std::size_t size) {
    part = {buffer, size};
    header = {};
    header.msg_name = &peer;
    header.msg_namelen = sizeof peer;
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = sizeof control;
  }

  // The bytes of each datagram but the last; 0: there is one.
  int SegmentSize() const {
    const cmsghdr* c = CMSG_FIRSTHDR(&header);
    if (c == nullptr || c->cmsg_type != UDP_GRO) return 0;
    int size = 0;
    std::memcpy(&size, CMSG_DATA(c), sizeof size);
    return size;
  }

  // Sends back what came, cut as it came.
  void AnswerWith(std::size_t size) {
    const int segment = SegmentSize();
    part.iov_len = size;
    header.msg_flags = 0;
    header.msg_control = nullptr;
    header.msg_controllen = 0;
    if (segment > 0 && static_cast<std::size_t>(segment) < size) {
      CutInto(static_cast<std::uint16_t>(segment));
    }
  }

  void CutInto(std::uint16_t segment) {
    header.msg_control = control;
    header.msg_controllen = CMSG_SPACE(sizeof segment);
    cmsghdr* c = CMSG_FIRSTHDR(&header);
    c->cmsg_level = IPPROTO_UDP;
    c->cmsg_type = UDP_SEGMENT;
    c->cmsg_len = CMSG_LEN(sizeof segment);
    std::memcpy(CMSG_DATA(c), &segment, sizeof segment);
  }
};

}  // namespace eddy::bench

#endif  // EDDY_BENCH_NETWORK_UDP_TWIN_H_
