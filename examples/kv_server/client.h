// Client: what the server knows of one connection, and what commands may ask
// and change.
#ifndef EDDY_EXAMPLES_KV_SERVER_CLIENT_H_
#define EDDY_EXAMPLES_KV_SERVER_CLIENT_H_

#include <absl/container/btree_set.h>
#include <eddy/net/tcp.h>
#include <eddy/runtime/stop.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "examples/kv_server/channels.h"
#include "examples/kv_server/core.h"
#include "examples/kv_server/outbox.h"
#include "examples/kv_server/reply.h"

namespace kv_server {

class Client final : public Subscriber {
 public:
  // Joins the core's clients, until it is destroyed.
  Client(const Place& place, const eddy::net::TcpStream& stream);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  const Place& place() const { return place_; }
  Core& here() const { return place_.here(); }
  std::uint64_t id() const { return id_; }

  int protocol() const { return reply_.protocol(); }
  // Replies that were not sent yet.
  Reply& reply() { return reply_; }

  // The connection ends when the replies are sent.
  bool closing() const { return closing_; }
  void Close() { closing_ = true; }

  // What a client may say of itself.
  std::string name;
  std::string library;
  std::string library_version;

  // One that has ever subscribed is sent everything through its outbox.
  bool subscribes() const { return subscribes_; }
  Outbox& outbox() { return outbox_; }
  // Moves the replies there, so that messages come behind them.
  void MoveReplies();
  // Stopped where a subscriber does not read.
  eddy::StopToken thrown_out() { return thrown_out_.token(); }

  using Names = absl::btree_set<std::string>;
  const Names& subscriptions(Channels::Kind kind) const {
    return kind == Channels::Kind::kChannel ? channels_ : patterns_;
  }
  std::size_t count_subscriptions() const {
    return channels_.size() + patterns_.size();
  }
  // Both write the reply for this name. `what` is the command.
  void Subscribe(Channels::Kind kind, std::string_view what,
                 std::string_view name_of);
  void Unsubscribe(Channels::Kind kind, std::string_view what,
                   std::string_view name_of);
  void UnsubscribeFromAll();

  void Deliver(const Message& message) override;

  // A line of CLIENT LIST.
  std::string Describe() const;

 private:
  Names& names(Channels::Kind kind) {
    return kind == Channels::Kind::kChannel ? channels_ : patterns_;
  }

  const Place& place_;
  const eddy::net::TcpStream& stream_;
  const std::uint64_t id_;
  const Time since_;
  Reply reply_;
  bool closing_ = false;
  bool subscribes_ = false;
  Names channels_;
  Names patterns_;
  Outbox outbox_;
  eddy::StopSource thrown_out_;
};

}  // namespace kv_server

#endif  // EDDY_EXAMPLES_KV_SERVER_CLIENT_H_
