// Transfers on descriptors, and waiting for them.

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <utility>

#include "tests/runtime/blocking_guard/call_contract.h"

// What _FORTIFY_SOURCE makes of calls.
extern "C" {
ssize_t __read_chk(int fd, void* data, size_t size, size_t room);
ssize_t __recv_chk(int fd, void* data, size_t size, size_t room, int flags);
int __poll_chk(pollfd* fds, nfds_t count, int ms, size_t room);
}

namespace eddy::guard_test {
namespace {

const Case kDescriptors[] = {
    {"read", [](World& w) { Use(::read(w.pipe[0], w.buffer.data(), 1)); }},
    {"read", [](World& w) { Use(::read(w.file, w.buffer.data(), 1)); },
     "_file"},
    {"read",
     [](World& w) { Use(__read_chk(w.pipe[0], w.buffer.data(), 1, 64)); },
     "_chk"},
    {"readv", [](World& w) { Use(::readv(w.pair[0], &w.part, 1)); }},
    {"pread", [](World& w) { Use(::pread(w.file, w.buffer.data(), 1, 0)); }},
    {"pread", [](World& w) { Use(::pread64(w.file, w.buffer.data(), 1, 0)); },
     "64"},
    {"preadv", [](World& w) { Use(::preadv(w.file, &w.part, 1, 0)); }},
    {"preadv2", [](World& w) { Use(::preadv2(w.file, &w.part, 1, 0, 0)); }},
    {"write", [](World& w) { Use(::write(w.pipe[1], "x", 1)); }},
    {"writev", [](World& w) { Use(::writev(w.pair[0], &w.part, 1)); }},
    {"pwrite", [](World& w) { Use(::pwrite(w.file, "x", 1, 0)); }},
    {"pwrite", [](World& w) { Use(::pwrite64(w.file, "x", 1, 0)); }, "64"},
    {"pwritev", [](World& w) { Use(::pwritev(w.file, &w.part, 1, 0)); }},
    {"pwritev2", [](World& w) { Use(::pwritev2(w.file, &w.part, 1, 0, 0)); }},
    {"recv", [](World& w) { Use(::recv(w.pair[0], w.buffer.data(), 1, 0)); }},
    {"recv",
     [](World& w) { Use(__recv_chk(w.pair[0], w.buffer.data(), 1, 64, 0)); },
     "_chk"},
    {"recvfrom",
     [](World& w) {
       Use(::recvfrom(w.pair[0], w.buffer.data(), 1, 0, nullptr, nullptr));
     }},
    {"recvmsg",
     [](World& w) {
       msghdr message{};
       message.msg_iov = &w.part;
       message.msg_iovlen = 1;
       Use(::recvmsg(w.pair[0], &message, 0));
     }},
    {"recvmmsg",
     [](World& w) {
       mmsghdr message{};
       message.msg_hdr.msg_iov = &w.part;
       message.msg_hdr.msg_iovlen = 1;
       Use(::recvmmsg(w.pair[0], &message, 1, 0, nullptr));
     }},
    {"send", [](World& w) { Use(::send(w.pair[0], "x", 1, 0)); }},
    {"sendto",
     [](World& w) { Use(::sendto(w.pair[0], "x", 1, 0, nullptr, 0)); }},
    {"sendmsg",
     [](World& w) {
       msghdr message{};
       message.msg_iov = &w.part;
       message.msg_iovlen = 1;
       Use(::sendmsg(w.pair[0], &message, 0));
     }},
    {"sendmmsg",
     [](World& w) {
       mmsghdr message{};
       message.msg_hdr.msg_iov = &w.part;
       message.msg_hdr.msg_iovlen = 1;
       Use(::sendmmsg(w.pair[0], &message, 1, 0));
     }},
    {"accept",
     [](World& w) { ::close(::accept(w.listener, nullptr, nullptr)); }},
    {"accept4",
     [](World& w) { ::close(::accept4(w.listener, nullptr, nullptr, 0)); }},
    {"connect",
     [](World& w) {
       Use(::connect(w.client, reinterpret_cast<sockaddr*>(&w.address),
                     sizeof w.address));
     }},
    {"close",
     [](World& w) {
       const linger wait{1, 1};
       setsockopt(w.waiting, SOL_SOCKET, SO_LINGER, &wait, sizeof wait);
       ::close(std::exchange(w.waiting, -1));
     }},
    {"sendfile",
     [](World& w) { Use(::sendfile(w.pair[0], w.file, nullptr, 1)); }},
    {"splice",
     [](World& w) {
       Use(::splice(w.file, nullptr, w.pipe[1], nullptr, 1, 0));
     }},
    {"copy_file_range",
     [](World& w) {
       off64_t to = 100;
       off64_t from = 0;
       Use(::copy_file_range(w.file, &from, w.file, &to, 1, 0));
     }},
    {"poll",
     [](World& w) {
       pollfd fd{w.listener, POLLOUT, 0};
       ::poll(&fd, 1, 1);
     }},
    {"poll",
     [](World& w) {
       pollfd fd{w.listener, POLLOUT, 0};
       __poll_chk(&fd, 1, 1, sizeof fd);
     },
     "_chk"},
    {"ppoll",
     [](World& w) {
       pollfd fd{w.listener, POLLOUT, 0};
       ::ppoll(&fd, 1, &kMoment, nullptr);
     }},
    {"select",
     [](World&) {
       timeval time{0, 1000};
       ::select(0, nullptr, nullptr, nullptr, &time);
     }},
    {"pselect",
     [](World&) {
       ::pselect(0, nullptr, nullptr, nullptr, &kMoment, nullptr);
     }},
    {"epoll_wait",
     [](World& w) {
       epoll_event event;
       ::epoll_wait(w.epoll, &event, 1, 1);
     }},
    {"epoll_pwait",
     [](World& w) {
       epoll_event event;
       ::epoll_pwait(w.epoll, &event, 1, 1, nullptr);
     }},
    {"epoll_pwait2",
     [](World& w) {
       epoll_event event;
       ::epoll_pwait2(w.epoll, &event, 1, &kMoment, nullptr);
     }},
};

INSTANTIATE_TEST_SUITE_P(Descriptor, CallTest,
                         ::testing::ValuesIn(kDescriptors), NameOf);

}  // namespace
}  // namespace eddy::guard_test
