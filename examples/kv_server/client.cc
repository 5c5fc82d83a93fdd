#include "examples/kv_server/client.h"

#include <absl/strings/str_cat.h>

namespace kv_server {

Client::Client(const Place& place, const eddy::net::TcpStream& stream)
    : place_(place),
      stream_(stream),
      id_(place.here().NextClientId()),
      since_(Now()),
      reply_(place.here().options().most_reply) {
  here().clients().insert({id_, this});
}

Client::~Client() {
  UnsubscribeFromAll();
  here().clients().erase({id_, this});
}

void Client::MoveReplies() {
  outbox_.Push(reply_.text());
  reply_.Clear();
}

void Client::Subscribe(Channels::Kind kind, std::string_view what,
                       std::string_view name_of) {
  subscribes_ = true;
  names(kind).emplace(name_of);
  here().channels().Subscribe(kind, name_of, *this);
  reply_.Push(3);
  reply_.Bulk(what);
  reply_.Bulk(name_of);
  reply_.Integer(static_cast<std::int64_t>(count_subscriptions()));
}

void Client::Unsubscribe(Channels::Kind kind, std::string_view what,
                         std::string_view name_of) {
  // (It may be a view of the name that goes.)
  const std::string kept(name_of);
  names(kind).erase(kept);
  here().channels().Unsubscribe(kind, kept, *this);
  reply_.Push(3);
  reply_.Bulk(what);
  reply_.Bulk(kept);
  reply_.Integer(static_cast<std::int64_t>(count_subscriptions()));
}

void Client::UnsubscribeFromAll() {
  for (const auto kind : {Channels::Kind::kChannel, Channels::Kind::kPattern}) {
    for (const std::string& name_of : subscriptions(kind)) {
      here().channels().Unsubscribe(kind, name_of, *this);
    }
    names(kind).clear();
  }
}

void Client::Deliver(const Message& message) {
  const std::size_t limit = here().options().most_queued;
  const std::size_t size = message.channel.size() + message.text.size();
  if (outbox_.size() > limit || size > limit - outbox_.size()) {
    if (!thrown_out_.stop_requested()) ++here().stats().thrown_out;
    thrown_out_.RequestStop();
    return;
  }
  Reply push(here().options().most_reply);
  push.set_protocol(reply_.protocol());
  push.Push(message.pattern ? 4 : 3);
  push.Bulk(message.pattern ? "pmessage" : "message");
  if (message.pattern) push.Bulk(*message.pattern);
  push.Bulk(message.channel);
  push.Bulk(message.text);
  outbox_.Push(push.text());
}

std::string Client::Describe() const {
  const auto address = [](const eddy::Result<eddy::net::SocketAddress>& of) {
    return of ? of->ToString() : std::string("?");
  };
  return absl::StrCat(
      "id=", id_, " addr=", address(stream_.peer_address()),
      " laddr=", address(stream_.local_address()), " fd=", stream_.fd().get(),
      " name=", name, " age=", (Now() - since_) / 1000,
      " db=0 sub=", channels_.size(), " psub=", patterns_.size(),
      " core=", place_.here().index(), " resp=", reply_.protocol(),
      " lib-name=", library, " lib-ver=", library_version, "\n");
}

}  // namespace kv_server
