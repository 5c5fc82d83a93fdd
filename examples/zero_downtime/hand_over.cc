#include "examples/zero_downtime/hand_over.h"

#include <eddy/runtime/timeout.h>
#include <eddy/runtime/with_stop.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace zero_downtime {
namespace {

using eddy::Duration;
using eddy::Error;
using eddy::Result;
using eddy::Shield;
using eddy::Task;
using eddy::Unexpected;
using eddy::WithTimeout;
namespace io = eddy::io;
namespace net = eddy::net;

constexpr std::string_view kTakeOver = "take over 1";
constexpr std::string_view kOtherVersion = "other version";
constexpr std::string_view kListeners = "listeners ";
constexpr std::string_view kReady = "ready";
constexpr std::string_view kYours = "yours";
constexpr std::string_view kMine = "mine";
constexpr std::string_view kBack = "back";

constexpr std::size_t kLongestWord = 64;

std::span<const std::byte> Bytes(std::string_view text) {
  return std::as_bytes(std::span(text));
}

// Both sides look whom they talk to.
Result<void> CheckUser(const net::UnixSeqPacket& peer) {
  const Result<net::UnixCredentials> who = peer.peer_credentials();
  if (!who) return Unexpected(who.error());
  if (who->uid != geteuid()) return Unexpected(std::errc::permission_denied);
  return {};
}

Task<Result<void>> Say(net::UnixSeqPacket& peer, std::string_view word,
                       Duration patience) {
  EDDY_CO_CHECK(co_await WithTimeout(patience, peer.Send(Bytes(word))));
  co_return Result<void>();
}

Task<Result<std::string>> Hear(net::UnixSeqPacket& peer, Duration patience) {
  std::array<std::byte, kLongestWord> buffer;
  EDDY_CO_TRY(const net::UnixMessage message,
              co_await WithTimeout(patience, peer.Receive(buffer)));
  co_return std::string(reinterpret_cast<const char*>(buffer.data()),
                        message.size);
}

Task<Result<void>> Expect(net::UnixSeqPacket& peer, std::string_view word,
                          Duration patience) {
  EDDY_CO_TRY(const std::string heard, co_await Hear(peer, patience));
  if (heard != word) co_return Unexpected(std::errc::protocol_error);
  co_return Result<void>();
}

// Whether the connection has ended, and with it the process behind it.
bool HasGone(Error error) {
  return error == eddy::kEndOfStream || error == std::errc::connection_reset ||
         error == std::errc::broken_pipe;
}

// Whether the new one, which is not to go on, has said all the same that it
// does. From the shutdown on it can say no more, and what came before is there.
Task<bool> HasTaken(net::UnixSeqPacket& next, Duration patience) {
  (void)co_await next.Shutdown(SHUT_RD);
  while (true) {
    const Result<std::string> heard = co_await Hear(next, patience);
    if (!heard) co_return false;
    if (*heard == kMine) co_return true;
  }
}

}  // namespace

Task<Result<Sockets>> TakeSockets(net::UnixSeqPacket& old, Duration patience) {
  EDDY_CO_CHECK(CheckUser(old));
  EDDY_CO_CHECK(co_await Say(old, kTakeOver, patience));
  std::array<std::byte, kLongestWord> buffer;
  EDDY_CO_TRY(
      net::UnixMessage message,
      co_await WithTimeout(patience, old.ReceiveDescriptors(2, buffer)));
  std::string_view word(reinterpret_cast<const char*>(buffer.data()),
                        message.size);
  if (word == kOtherVersion) {
    co_return Unexpected(std::errc::protocol_not_supported);
  }
  int generation = 0;
  if (!word.starts_with(kListeners) || message.descriptors.size() != 2) {
    co_return Unexpected(std::errc::protocol_error);
  }
  word.remove_prefix(kListeners.size());
  const char* end = word.data() + word.size();
  if (std::from_chars(word.data(), end, generation).ptr != end) {
    co_return Unexpected(std::errc::protocol_error);
  }
  Sockets sockets;
  sockets.clients = net::TcpListener(std::move(message.descriptors[0]));
  sockets.control =
      net::UnixSeqPacketListener(std::move(message.descriptors[1]));
  sockets.generation = generation + 1;
  co_return sockets;
}

Task<Result<void>> TakeOver(net::UnixSeqPacket& old, Duration patience) {
  Result<void> said = co_await Say(old, kReady, patience);
  if (said) said = co_await Expect(old, kYours, patience);
  if (said) said = co_await Say(old, kMine, patience);
  if (said || !HasGone(said.error())) co_return said;
  // It has died, unless its last word is that it goes on.
  const Result<void> back = co_await Expect(old, kBack, patience);
  if (back) co_return Unexpected(std::errc::operation_canceled);
  co_return HasGone(back.error()) ? Result<void>() : back;
}

Task<Result<void>> HandOver(net::UnixSeqPacket& next, const Sockets& sockets,
                            Acceptor& acceptor, Duration readiness,
                            Duration patience) {
  EDDY_CO_CHECK(CheckUser(next));
  EDDY_CO_TRY(const std::string asked, co_await Hear(next, patience));
  if (asked != kTakeOver) {
    EDDY_CO_CHECK(co_await Say(next, kOtherVersion, patience));
    co_return Unexpected(std::errc::protocol_not_supported);
  }
  const std::string word =
      std::string(kListeners) + std::to_string(sockets.generation);
  const std::array<int, 2> both = {sockets.clients.fd().get(),
                                   sockets.control.fd().get()};
  EDDY_CO_CHECK(
      co_await WithTimeout(patience, next.SendDescriptors(both, Bytes(word))));
  Result<void> given = co_await Expect(next, kReady, readiness);
  const bool ready = given.has_value();
  if (ready) {
    co_await acceptor.Pause();
    given = co_await Say(next, kYours, patience);
    if (given) given = co_await Expect(next, kMine, patience);
  }
  // Stopped: to the new one that is as if this process had died.
  if (given || given.error() == eddy::kCanceled) co_return given;
  const bool taken = co_await Shield(HasTaken(next, patience));
  if (ready && taken) co_return Result<void>();
  (void)co_await Shield(Say(next, kBack, patience));
  if (ready) acceptor.Resume();
  co_return given;
}

}  // namespace zero_downtime
