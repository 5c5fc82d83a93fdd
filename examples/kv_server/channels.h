// Channels: who of one core's clients has subscribed to what.
//
// A message goes to the channels of each core, and each delivers it to its own
// subscribers: so PUBLISH asks all cores, and SUBSCRIBE none. Delivering never
// waits: a subscriber keeps what its client has not taken yet, up to a limit.
#ifndef EDDY_EXAMPLES_KV_SERVER_CHANNELS_H_
#define EDDY_EXAMPLES_KV_SERVER_CHANNELS_H_

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace kv_server {

struct Message {
  std::optional<std::string_view> pattern;  // that of the subscription
  std::string_view channel;
  std::string_view text;
};

class Subscriber {
 public:
  virtual void Deliver(const Message& message) = 0;

 protected:
  ~Subscriber() = default;
};

class Channels {
 public:
  enum class Kind { kChannel, kPattern };

  void Subscribe(Kind kind, std::string_view name, Subscriber& subscriber);
  void Unsubscribe(Kind kind, std::string_view name, Subscriber& subscriber);

  // Delivers a message; how often: once for each channel and pattern that a
  // subscriber has.
  std::size_t Publish(std::string_view channel, std::string_view text) const;

  // Channels and patterns that somebody has subscribed to.
  std::size_t size(Kind kind) const { return OfKind(kind).size(); }

 private:
  using Subscribers = absl::flat_hash_set<Subscriber*>;
  using Names = absl::flat_hash_map<std::string, Subscribers>;

  const Names& OfKind(Kind kind) const {
    return kind == Kind::kChannel ? channels_ : patterns_;
  }
  Names& OfKind(Kind kind) {
    return kind == Kind::kChannel ? channels_ : patterns_;
  }

  Names channels_;
  Names patterns_;
};

}  // namespace kv_server

#endif  // EDDY_EXAMPLES_KV_SERVER_CHANNELS_H_
