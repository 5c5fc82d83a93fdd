// Session: one connection, from its first byte to its last.
//
// It reads what there is, carries out all whole requests in it, and sends all
// replies with one write. Commands of keys that live on this core are carried
// out at once, without waiting for anything; those of other cores are gathered
// in a Plan, which sends one message to each core for the whole batch. Replies
// come in the order of the requests.
#ifndef EDDY_EXAMPLES_KV_SERVER_SESSION_H_
#define EDDY_EXAMPLES_KV_SERVER_SESSION_H_

#include <eddy/net/tcp.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/stop.h>
#include <eddy/runtime/task.h>
#include <eddy/runtime/task_scope.h>

#include <string>

#include "examples/kv_server/client.h"
#include "examples/kv_server/input.h"
#include "examples/kv_server/plan.h"
#include "examples/kv_server/request_parser.h"

namespace kv_server {

class Session {
 public:
  // After `draining` was stopped it ends with the batch that it has begun.
  Session(const Place& place, eddy::net::TcpStream& stream,
          eddy::StopToken draining);

  // Errors: those of the connection; EMSGSIZE where replies would be too large;
  // kCanceled.
  eddy::Task<eddy::Result<void>> Run();

 private:
  // Why RunRequests has returned.
  enum class Pause {
    kNeedsInput,   // no whole request is left
    kNeedsPlan,    // the next one has to see what the plan has done
    kNeedsServer,  // the next one is for all cores
    kNeedsSending  // there are enough replies
  };
  // The request that is looked at: its words are parser_.arguments().
  enum class AtHand { kNothing, kRequest, kMalformed };

  eddy::Task<eddy::Result<void>> Talk(eddy::TaskScope& scope);
  eddy::Task<eddy::Result<void>> Answer(eddy::TaskScope& scope);
  eddy::Task<eddy::Result<void>> Send();
  eddy::Task<eddy::Result<void>> Pump();
  eddy::Task<eddy::Result<void>> EndGently();

  Pause RunRequests();
  bool TakeRequest();
  // Whether there are so many replies that they are sent before there are more.
  bool HasToSend();
  void Refuse(std::string_view error);
  bool LivesHere(Arguments words) const;
  void RunHere(Arguments words, Time now);
  void RunAlone(Arguments words);
  // Whether a client that has subscribed may not use it.
  bool Forbidden() const;

  Core& here_;
  eddy::net::TcpStream& stream_;
  const eddy::StopToken draining_;
  Client client_;
  Input input_;
  RequestParser parser_;
  AtHand at_hand_ = AtHand::kNothing;
  const Command* command_ = nullptr;
  Plan plan_;
  bool pumps_ = false;
};

}  // namespace kv_server

#endif  // EDDY_EXAMPLES_KV_SERVER_SESSION_H_
