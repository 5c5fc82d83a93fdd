// The service: each line that a client sends comes back with a word in front,
//
//   ok 1 hello             1 is the generation of the process that answers
//   bye 1 hello            the same, and the connection ends after it
//
// A process that is to end answers every request that reaches it, the last one
// of each connection with `bye`: what a client sent after that was not done,
// and it sends it again over a new connection, which the next process accepts.
// So no request is lost, and none is done twice.
#ifndef EDDY_EXAMPLES_ZERO_DOWNTIME_SERVICE_H_
#define EDDY_EXAMPLES_ZERO_DOWNTIME_SERVICE_H_

#include <eddy/net/tcp.h>
#include <eddy/runtime/join_handle.h>
#include <eddy/runtime/task.h>
#include <eddy/runtime/task_scope.h>

#include <optional>

#include "examples/zero_downtime/hand_over.h"

namespace zero_downtime {

class Service final : public Acceptor {
 public:
  // Serves clients in `scope`, which ends before this object and the listener.
  Service(eddy::net::TcpListener& listener, int generation,
          eddy::TaskScope& scope)
      : listener_(listener), generation_(generation), scope_(scope) {}

  eddy::Task<> Pause() override;
  void Resume() override;

  // From here on each connection ends with its next answer.
  void Leave() { leaving_ = true; }

 private:
  eddy::Task<> Accept();
  eddy::Task<> Serve(eddy::net::TcpStream client);

  eddy::net::TcpListener& listener_;
  const int generation_;
  eddy::TaskScope& scope_;
  std::optional<eddy::JoinHandle<void>> accepting_;
  bool leaving_ = false;
};

}  // namespace zero_downtime

#endif  // EDDY_EXAMPLES_ZERO_DOWNTIME_SERVICE_H_
