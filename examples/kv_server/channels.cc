#include "examples/kv_server/channels.h"

#include "examples/kv_server/glob.h"

namespace kv_server {

void Channels::Subscribe(Kind kind, std::string_view name,
                         Subscriber& subscriber) {
  OfKind(kind)[std::string(name)].insert(&subscriber);
}

void Channels::Unsubscribe(Kind kind, std::string_view name,
                           Subscriber& subscriber) {
  Names& names = OfKind(kind);
  const auto found = names.find(std::string(name));
  if (found == names.end()) return;
  found->second.erase(&subscriber);
  if (found->second.empty()) names.erase(found);
}

std::size_t Channels::Publish(std::string_view channel,
                              std::string_view text) const {
  std::size_t delivered = 0;
  const auto deliver = [&](const Subscribers& to, const Message& message) {
    for (Subscriber* const subscriber : to) subscriber->Deliver(message);
    delivered += to.size();
  };
  if (!channels_.empty()) {
    const auto found = channels_.find(std::string(channel));
    if (found != channels_.end()) deliver(found->second, {{}, channel, text});
  }
  for (const auto& [pattern, subscribers] : patterns_) {
    if (!MatchesGlob(pattern, channel)) continue;
    deliver(subscribers, {pattern, channel, text});
  }
  return delivered;
}

}  // namespace kv_server
