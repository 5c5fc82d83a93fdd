// Incoming<Stream>: the connections of a listener, one after another, until it
// is stopped.
//
//   net::Incoming incoming = listener.Incoming();
//   while (auto client = co_await incoming.Next()) {
//     scope.Spawn(Talk(*std::move(client)));
//   }
//
// What an accept loop has to live with does not come out of it: a connection
// that its peer has given up already is left out, and where descriptors or
// memory are used up (EMFILE, ENFILE, ENOBUFS, ENOMEM) it waits, 10 ms at first
// and up to a second, and tries again; meanwhile connections wait in the
// backlog. Both are counted.
#ifndef EDDY_NET_INCOMING_H_
#define EDDY_NET_INCOMING_H_

#include <eddy/io/accept_stream.h>
#include <eddy/io/fd.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>
#include <eddy/runtime/time.h>

#include <cstdint>
#include <utility>

namespace eddy::net {

struct IncomingStats {
  std::uint64_t accepted = 0;
  // Connections that ended before they were accepted.
  std::uint64_t given_up = 0;
  // Accepts that found no descriptor or memory, each followed by a pause.
  std::uint64_t exhausted = 0;
};

namespace internal {

class IncomingSockets {
 public:
  IncomingSockets(const io::Fd& listener,
                  const io::AcceptStreamOptions& options, IncomingStats* stats)
      : listener_(&listener), connections_(options), shared_stats_(stats) {}

  Task<Result<io::Fd>> Next();
  void Pause() noexcept { connections_.Pause(); }
  const IncomingStats& stats() const noexcept {
    return shared_stats_ != nullptr ? *shared_stats_ : own_stats_;
  }

 private:
  IncomingStats& Stats() noexcept {
    return shared_stats_ != nullptr ? *shared_stats_ : own_stats_;
  }

  const io::Fd* listener_;
  io::AcceptStream connections_;
  IncomingStats own_stats_;
  IncomingStats* shared_stats_;
  Duration pause_ = Duration::zero();
};

}  // namespace internal

template <class Stream>
class Incoming {
 public:
  // The listener lives, and stays in place, as long as this, and so do the
  // stats, if not null, which are counted in then.
  explicit Incoming(const io::Fd& listener,
                    const io::AcceptStreamOptions& options = {},
                    IncomingStats* stats = nullptr)
      : sockets_(listener, options, stats) {}

  // Result: the next connection.
  // Errors: kCanceled, and those of accept4(2) that say that the socket cannot
  // accept: EBADF, EINVAL (it does not listen), ENOTSOCK, EOPNOTSUPP.
  // Stop: a connection that was accepted meanwhile is given by the next Next,
  // or closed with this object.
  // Cost: a coroutine frame; see io::AcceptStream.
  Task<Result<Stream>> Next() {
    Result<io::Fd> socket = co_await sockets_.Next();
    if (!socket) co_return Unexpected(socket.error());
    co_return Stream(*std::move(socket));
  }

  // Accepts no more until the next Next; connections wait in the backlog.
  void Pause() noexcept { sockets_.Pause(); }

  const IncomingStats& stats() const noexcept { return sockets_.stats(); }

 private:
  internal::IncomingSockets sockets_;
};

}  // namespace eddy::net

#endif  // EDDY_NET_INCOMING_H_
