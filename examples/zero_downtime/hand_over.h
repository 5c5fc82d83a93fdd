// How the sockets of the service go from a running process, the old one, to the
// next one, the new one, over a Unix socket. Each word is a packet:
//
//   new    take over 1            (the version of these words)
//   old    listeners N            with the two sockets; N is its generation
//   new    ready                  when it could serve, however long that takes
//   old    yours                  it accepts no more from here on
//   new    mine                   it accepts from here on
//
// Both have the same listening sockets, so connections that come in between
// wait in the kernel's backlog, and none is refused. What one has accepted it
// serves to its end.
//
// What goes wrong, and what becomes of it:
// - The new one dies, or is not ready or does not say `mine` in time: the old
//   one goes on, and says `back`. So that not both go on, nor neither, it shuts
//   the connection down for words to it, and then looks for a last one: either
//   `mine` came before that, or it cannot be sent any more.
// - The old one dies: the new one, which has the sockets, goes on without it.
// - The old one is stuck: the new one gives up after its patience.
// - Another user, on either side, gets nothing: a name like unix:@x can be
// taken
//   by anyone.
// - Another version of these words: both tell, and the old one goes on.
#ifndef EDDY_EXAMPLES_ZERO_DOWNTIME_HAND_OVER_H_
#define EDDY_EXAMPLES_ZERO_DOWNTIME_HAND_OVER_H_

#include <eddy/net/tcp.h>
#include <eddy/net/unix_seq_packet.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>
#include <eddy/runtime/time.h>

namespace zero_downtime {

// What a generation has from the one before.
struct Sockets {
  eddy::net::TcpListener clients{eddy::io::Fd()};
  eddy::net::UnixSeqPacketListener control{eddy::io::Fd()};
  int generation = 1;
};

// The part of the old process that accepts clients.
class Acceptor {
 public:
  // Returns when no more are accepted; what was accepted is served.
  virtual eddy::Task<> Pause() = 0;
  virtual void Resume() = 0;

 protected:
  ~Acceptor() = default;
};

// The new process's side, in two steps: between them it makes itself ready.
// Errors: EACCES (another user's process), EPROTONOSUPPORT (another version),
// EPROTO, kTimedOut, and those of the connection. The old process goes on then.
eddy::Task<eddy::Result<Sockets>> TakeSockets(eddy::net::UnixSeqPacket& old,
                                              eddy::Duration patience);
// After it the service is this process's, also where the old one has died.
// Errors: kTimedOut, ECANCELED where the old one took the service back.
eddy::Task<eddy::Result<void>> TakeOver(eddy::net::UnixSeqPacket& old,
                                        eddy::Duration patience);

// The old process's side. It waits as long as `readiness` for the new one to
// make itself ready.
// Errors: as above; the service is this process's still, and accepts.
eddy::Task<eddy::Result<void>> HandOver(eddy::net::UnixSeqPacket& next,
                                        const Sockets& sockets,
                                        Acceptor& acceptor,
                                        eddy::Duration readiness,
                                        eddy::Duration patience);

}  // namespace zero_downtime

#endif  // EDDY_EXAMPLES_ZERO_DOWNTIME_HAND_OVER_H_
