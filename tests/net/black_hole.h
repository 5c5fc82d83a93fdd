// BlackHole: an address where connecting gets no answer: its socket listens,
// but its queue is full.
#ifndef EDDY_TESTS_NET_BLACK_HOLE_H_
#define EDDY_TESTS_NET_BLACK_HOLE_H_

#include <eddy/io/fd.h>
#include <eddy/net/socket_address.h>

#include <vector>

#include "tests/io/io_test_util.h"

namespace eddy::net_test {

class BlackHole {
 public:
  // REQUIRES: an address of this machine.
  explicit BlackHole(net::SocketAddress address) {
    listener_ = Socket(address);
    IO_TEST_CHECK(bind(listener_.get(), address.native(), address.size()));
    IO_TEST_CHECK(listen(listener_.get(), 0));
    address_ = net::SocketAddress::LocalOf(listener_.get()).value();
    for (int i = 0; i < 2; ++i) {
      queue_.push_back(Socket(address));
      io_test::SetNonBlocking(queue_.back(), true);
      connect(queue_.back().get(), address_.native(), address_.size());
    }
  }

  const net::SocketAddress& address() const { return address_; }

 private:
  static io::Fd Socket(const net::SocketAddress& address) {
    return io::Fd(
        IO_TEST_CHECK(socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0)));
  }

  io::Fd listener_;
  net::SocketAddress address_;
  std::vector<io::Fd> queue_;
};

}  // namespace eddy::net_test

#endif  // EDDY_TESTS_NET_BLACK_HOLE_H_
