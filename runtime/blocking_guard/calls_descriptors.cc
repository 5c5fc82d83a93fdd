// Transfers on descriptors, and waiting for descriptors.

#include <eddy/runtime/blocking_guard/real_function.h>
#include <eddy/runtime/blocking_guard/watch.h>

#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstddef>

namespace eddy::internal::guard {
namespace {

constexpr char kRead[] = "co_await io::Read";
constexpr char kReadAt[] = "co_await io::ReadAt (fs::File)";
constexpr char kReadVector[] = "co_await io::ReadVector";
constexpr char kReadVectorAt[] = "co_await io::ReadVectorAt";
constexpr char kWrite[] = "co_await io::Write or io::WriteAll";
constexpr char kWriteAt[] = "co_await io::WriteAt (fs::File)";
constexpr char kWriteVector[] = "co_await io::WriteVector";
constexpr char kWriteVectorAt[] = "co_await io::WriteVectorAt";
constexpr char kReceive[] = "co_await io::Receive (net::TcpStream)";
constexpr char kReceiveMessage[] =
    "co_await io::ReceiveMessage (net::UdpSocket)";
constexpr char kSend[] = "co_await io::Send or io::SendAll (net::TcpStream)";
constexpr char kSendMessage[] = "co_await io::SendMessage (net::UdpSocket)";
constexpr char kAccept[] = "co_await net::TcpListener::Accept, io::Accept";
constexpr char kConnect[] = "co_await net::TcpStream::Connect, io::Connect";
constexpr char kPoll[] = "co_await io::Poll, a task for each descriptor";
constexpr char kCopy[] = "co_await io::Copy or io::Splice";

double PollSeconds(int milliseconds) noexcept {
  return milliseconds < 0 ? -1 : milliseconds / 1e3;
}
double PollSeconds(const timespec* time) noexcept {
  return time == nullptr ? -1 : Argument::Time(time).seconds;
}
double PollSeconds(const timeval* time) noexcept {
  return time == nullptr ? -1
                         : static_cast<double>(time->tv_sec) +
                               static_cast<double>(time->tv_usec) / 1e6;
}

// One that has no peer to wait for takes an address and is done.
bool IsDatagram(int fd) noexcept {
  const KeepErrno keep_errno;
  int type = 0;
  socklen_t size = sizeof type;
  return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 &&
         type == SOCK_DGRAM;
}

bool Lingers(int fd) noexcept {
  const KeepErrno keep_errno;
  linger option{};
  socklen_t size = sizeof option;
  return getsockopt(fd, SOL_SOCKET, SO_LINGER, &option, &size) == 0 &&
         option.l_onoff != 0 && option.l_linger != 0;
}

}  // namespace

// clang-format off
EDDY_GUARD(ssize_t, read, (int fd, void* data, std::size_t size), (fd, data, size), Read(fd), kRead)
EDDY_GUARD(ssize_t, __read_chk, (int fd, void* data, std::size_t size, std::size_t room), (fd, data, size, room), Read(fd), kRead)
EDDY_GUARD(ssize_t, readv, (int fd, const iovec* parts, int count), (fd, parts, count), Read(fd), kReadVector)
EDDY_GUARD(ssize_t, pread, (int fd, void* data, std::size_t size, off_t at), (fd, data, size, at), Read(fd), kReadAt)
EDDY_GUARD(ssize_t, pread64, (int fd, void* data, std::size_t size, off64_t at), (fd, data, size, at), Read(fd), kReadAt)
EDDY_GUARD(ssize_t, __pread_chk, (int fd, void* data, std::size_t size, off_t at, std::size_t room), (fd, data, size, at, room), Read(fd), kReadAt)
EDDY_GUARD(ssize_t, __pread64_chk, (int fd, void* data, std::size_t size, off64_t at, std::size_t room), (fd, data, size, at, room), Read(fd), kReadAt)
EDDY_GUARD(ssize_t, preadv, (int fd, const iovec* parts, int count, off_t at), (fd, parts, count, at), Read(fd), kReadVectorAt)
EDDY_GUARD(ssize_t, preadv64, (int fd, const iovec* parts, int count, off64_t at), (fd, parts, count, at), Read(fd), kReadVectorAt)
EDDY_GUARD(ssize_t, preadv2, (int fd, const iovec* parts, int count, off_t at, int flags), (fd, parts, count, at, flags), Read(fd, (flags & RWF_NOWAIT) != 0), kReadVectorAt)
EDDY_GUARD(ssize_t, preadv64v2, (int fd, const iovec* parts, int count, off64_t at, int flags), (fd, parts, count, at, flags), Read(fd, (flags & RWF_NOWAIT) != 0), kReadVectorAt)

EDDY_GUARD(ssize_t, write, (int fd, const void* data, std::size_t size), (fd, data, size), Write(fd), kWrite)
EDDY_GUARD(ssize_t, writev, (int fd, const iovec* parts, int count), (fd, parts, count), Write(fd), kWriteVector)
EDDY_GUARD(ssize_t, pwrite, (int fd, const void* data, std::size_t size, off_t at), (fd, data, size, at), Write(fd), kWriteAt)
EDDY_GUARD(ssize_t, pwrite64, (int fd, const void* data, std::size_t size, off64_t at), (fd, data, size, at), Write(fd), kWriteAt)
EDDY_GUARD(ssize_t, pwritev, (int fd, const iovec* parts, int count, off_t at), (fd, parts, count, at), Write(fd), kWriteVectorAt)
EDDY_GUARD(ssize_t, pwritev64, (int fd, const iovec* parts, int count, off64_t at), (fd, parts, count, at), Write(fd), kWriteVectorAt)
EDDY_GUARD(ssize_t, pwritev2, (int fd, const iovec* parts, int count, off_t at, int flags), (fd, parts, count, at, flags), Write(fd, (flags & RWF_NOWAIT) != 0), kWriteVectorAt)
EDDY_GUARD(ssize_t, pwritev64v2, (int fd, const iovec* parts, int count, off64_t at, int flags), (fd, parts, count, at, flags), Write(fd, (flags & RWF_NOWAIT) != 0), kWriteVectorAt)

EDDY_GUARD(ssize_t, recv, (int fd, void* data, std::size_t size, int flags), (fd, data, size, flags), Read(fd, (flags & MSG_DONTWAIT) != 0), kReceive)
EDDY_GUARD(ssize_t, __recv_chk, (int fd, void* data, std::size_t size, std::size_t room, int flags), (fd, data, size, room, flags), Read(fd, (flags & MSG_DONTWAIT) != 0), kReceive)
EDDY_GUARD(ssize_t, recvfrom, (int fd, void* data, std::size_t size, int flags, sockaddr* from, socklen_t* length), (fd, data, size, flags, from, length), Read(fd, (flags & MSG_DONTWAIT) != 0), kReceiveMessage)
EDDY_GUARD(ssize_t, __recvfrom_chk, (int fd, void* data, std::size_t size, std::size_t room, int flags, sockaddr* from, socklen_t* length), (fd, data, size, room, flags, from, length), Read(fd, (flags & MSG_DONTWAIT) != 0), kReceiveMessage)
EDDY_GUARD(ssize_t, recvmsg, (int fd, msghdr* message, int flags), (fd, message, flags), Read(fd, (flags & MSG_DONTWAIT) != 0), kReceiveMessage)
EDDY_GUARD(int, recvmmsg, (int fd, mmsghdr* messages, unsigned count, int flags, timespec* time), (fd, messages, count, flags, time), Read(fd, (flags & MSG_DONTWAIT) != 0), kReceiveMessage)
EDDY_GUARD(ssize_t, send, (int fd, const void* data, std::size_t size, int flags), (fd, data, size, flags), Write(fd, (flags & MSG_DONTWAIT) != 0), kSend)
EDDY_GUARD(ssize_t, sendto, (int fd, const void* data, std::size_t size, int flags, const sockaddr* to, socklen_t length), (fd, data, size, flags, to, length), Write(fd, (flags & MSG_DONTWAIT) != 0), kSendMessage)
EDDY_GUARD(ssize_t, sendmsg, (int fd, const msghdr* message, int flags), (fd, message, flags), Write(fd, (flags & MSG_DONTWAIT) != 0), kSendMessage)
EDDY_GUARD(int, sendmmsg, (int fd, mmsghdr* messages, unsigned count, int flags), (fd, messages, count, flags), Write(fd, (flags & MSG_DONTWAIT) != 0), kSendMessage)
EDDY_GUARD(int, accept, (int fd, sockaddr* from, socklen_t* length), (fd, from, length), Read(fd), kAccept)
EDDY_GUARD(int, accept4, (int fd, sockaddr* from, socklen_t* length, int flags), (fd, from, length, flags), Read(fd), kAccept)

EDDY_GUARD(ssize_t, sendfile, (int to, int from, off_t* at, std::size_t size), (to, from, at, size), Any(from), kCopy)
EDDY_GUARD(ssize_t, sendfile64, (int to, int from, off64_t* at, std::size_t size), (to, from, at, size), Any(from), kCopy)
EDDY_GUARD(ssize_t, splice, (int from, off64_t* from_at, int to, off64_t* to_at, std::size_t size, unsigned flags), (from, from_at, to, to_at, size, flags), Any(from), kCopy)
EDDY_GUARD(ssize_t, tee, (int from, int to, std::size_t size, unsigned flags), (from, to, size, flags), Any(from), kCopy)
EDDY_GUARD(ssize_t, copy_file_range, (int from, off64_t* from_at, int to, off64_t* to_at, std::size_t size, unsigned flags), (from, from_at, to, to_at, size, flags), Any(from), "co_await fs::CopyFile")

EDDY_GUARD(int, poll, (pollfd* fds, nfds_t count, int ms), (fds, count, ms), Seconds(PollSeconds(ms)), kPoll)
EDDY_GUARD(int, __poll_chk, (pollfd* fds, nfds_t count, int ms, std::size_t room), (fds, count, ms, room), Seconds(PollSeconds(ms)), kPoll)
EDDY_GUARD(int, ppoll, (pollfd* fds, nfds_t count, const timespec* time, const sigset_t* mask), (fds, count, time, mask), Seconds(PollSeconds(time)), kPoll)
EDDY_GUARD(int, __ppoll_chk, (pollfd* fds, nfds_t count, const timespec* time, const sigset_t* mask, std::size_t room), (fds, count, time, mask, room), Seconds(PollSeconds(time)), kPoll)
EDDY_GUARD(int, select, (int count, fd_set* read, fd_set* write, fd_set* except, timeval* time), (count, read, write, except, time), Seconds(PollSeconds(time)), kPoll)
EDDY_GUARD(int, pselect, (int count, fd_set* read, fd_set* write, fd_set* except, const timespec* time, const sigset_t* mask), (count, read, write, except, time, mask), Seconds(PollSeconds(time)), kPoll)
EDDY_GUARD(int, epoll_wait, (int fd, epoll_event* events, int most, int ms), (fd, events, most, ms), Seconds(PollSeconds(ms)), kPoll)
EDDY_GUARD(int, epoll_pwait, (int fd, epoll_event* events, int most, int ms, const sigset_t* mask), (fd, events, most, ms, mask), Seconds(PollSeconds(ms)), kPoll)
EDDY_GUARD(int, epoll_pwait2, (int fd, epoll_event* events, int most, const timespec* time, const sigset_t* mask), (fd, events, most, time, mask), Seconds(PollSeconds(time)), kPoll)
// clang-format on

EDDY_INTERPOSE(int, connect,
               (int fd, const sockaddr* address, socklen_t length)) {
  const bool waits = Watching() && !IsDatagram(fd);
  const Watch watch("connect", kConnect, Argument::Write(fd, !waits));
  return REAL(connect)(fd, address, length);
}

// Others go at once, or by the kernel's own means when a device is slow.
EDDY_INTERPOSE(int, close, (int fd)) {
  const bool waits = Watching() && Lingers(fd);
  const Watch watch("close", "co_await io::Close", Argument::Read(fd, !waits));
  return REAL(close)(fd);
}

}  // namespace eddy::internal::guard
