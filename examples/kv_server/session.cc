#include "examples/kv_server/session.h"

#include <absl/strings/str_cat.h>
#include <eddy/io/buffer.h>
#include <eddy/runtime/timeout.h>
#include <eddy/runtime/with_stop.h>

#include <chrono>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>

#include "examples/kv_server/session_commands.h"

namespace kv_server {
namespace {

using eddy::Result;
using eddy::StopToken;
using eddy::Task;
using eddy::TaskScope;
using eddy::Unexpected;
using eddy::WithStop;
using eddy::WithTimeout;

// Bytes of replies that are sent although more requests are there.
constexpr std::size_t kSendAt = std::size_t{256} << 10;
// Commands that are gathered for other cores before they are sent.
constexpr std::size_t kMostPlanned = 1024;
// How long a client has to take the last replies.
constexpr auto kFarewell = std::chrono::seconds(1);

}  // namespace

Session::Session(const Place& place, eddy::net::TcpStream& stream,
                 StopToken draining)
    : here_(place.here()),
      stream_(stream),
      draining_(std::move(draining)),
      client_(place, stream),
      input_(here_.options().most_query),
      parser_(here_.options().requests),
      plan_(place) {}

Task<Result<void>> Session::Run() {
  const auto body = [this](TaskScope& scope) -> Task<Result<void>> {
    EDDY_CO_CHECK(co_await Talk(scope));
    if (client_.closing()) {
      static_cast<void>(
          co_await WithTimeout(kFarewell, client_.outbox().Taken()));
    }
    // The pump waits for messages.
    scope.RequestStop();
    co_return Result<void>();
  };
  EDDY_CO_CHECK(co_await WithStop(client_.thrown_out(), eddy::WithScope(body)));
  if (!client_.closing()) co_return Result<void>();
  co_return co_await WithTimeout(kFarewell, EndGently());
}

Task<Result<void>> Session::Talk(TaskScope& scope) {
  while (!client_.closing()) {
    auto data = co_await WithStop(draining_, stream_.Receive());
    if (!data) {
      if (!draining_.stop_requested()) co_return Unexpected(data.error());
      client_.Close();
    } else if (data->empty()) {
      co_return Result<void>();
    } else if (!input_.Add(*std::move(data), parser_.least_size())) {
      Refuse("ERR Protocol error: too big a request");
      EDDY_CO_CHECK(co_await Send());
    } else {
      EDDY_CO_CHECK(co_await Answer(scope));
      if (draining_.stop_requested()) client_.Close();
    }
  }
  co_return Result<void>();
}

// Carries out all that is there, and sends the replies.
Task<Result<void>> Session::Answer(TaskScope& scope) {
  Pause pause = Pause::kNeedsSending;
  while (pause != Pause::kNeedsInput && !client_.closing()) {
    if (here_.full()) {
      EDDY_CO_CHECK(co_await here_.Room());
    }
    pause = RunRequests();
    Result<void> carried_out;
    while (!plan_.empty()) {
      carried_out = co_await plan_.CarryOut(client_.reply());
      if (carried_out && !here_.durable()) {
        carried_out = co_await here_.Durable();
      }
      if (!carried_out || client_.reply().overflown()) break;
      if (!plan_.empty() && HasToSend()) {
        EDDY_CO_CHECK(co_await Send());
      }
    }
    if (carried_out && pause == Pause::kNeedsServer) {
      at_hand_ = AtHand::kNothing;
      client_.reply().Begin();
      carried_out =
          co_await RunServerCommand(client_, *command_, parser_.arguments());
    }
    // No client is told what a crash could take back: neither who has changed
    // it, nor who has read it.
    if (carried_out && !here_.durable()) carried_out = co_await here_.Durable();
    if (!carried_out) {
      if (carried_out.error() == eddy::kCanceled) co_return carried_out;
      client_.reply().Clear();
      Refuse(kLogFailed);
    }
    if (client_.reply().overflown()) {
      co_return Unexpected(std::errc::message_size);
    }
    if (client_.subscribes() && !pumps_) {
      pumps_ = true;
      scope.Spawn(Pump());
    }
    if (pause == Pause::kNeedsInput || pause == Pause::kNeedsSending ||
        client_.closing()) {
      EDDY_CO_CHECK(co_await Send());
    }
  }
  input_.Release();
  co_return Result<void>();
}

Task<Result<void>> Session::Send() {
  Reply& reply = client_.reply();
  if (client_.subscribes()) {
    client_.MoveReplies();
    // (Not until it is empty: where messages come all the time, that is never.)
    co_return co_await client_.outbox().Taken();
  }
  if (reply.empty()) co_return Result<void>();
  EDDY_CO_CHECK(co_await stream_.Write(std::as_bytes(std::span(reply.text()))));
  reply.Clear();
  co_return Result<void>();
}

// Sends what is in the outbox of a subscriber, for as long as it lives.
Task<Result<void>> Session::Pump() {
  while (true) {
    EDDY_CO_TRY(const std::string_view text, co_await client_.outbox().Take());
    EDDY_CO_CHECK(co_await stream_.Write(std::as_bytes(std::span(text))));
  }
}

// To close while input waits would reset the connection, and destroy what the
// client has not read yet.
Task<Result<void>> Session::EndGently() {
  EDDY_CO_CHECK(co_await stream_.Shutdown());
  while (true) {
    EDDY_CO_TRY(const eddy::io::Buffer data, co_await stream_.Receive());
    if (data.empty()) co_return Result<void>();
  }
}

Session::Pause Session::RunRequests() {
  const Time now = Now();
  while (!HasToSend() && !here_.full() && !client_.closing()) {
    if (at_hand_ == AtHand::kNothing && !TakeRequest()) {
      return Pause::kNeedsInput;
    }
    client_.reply().Begin();
    const Arguments words = parser_.arguments();
    const bool of_keys = at_hand_ == AtHand::kRequest && command_ != nullptr &&
                         command_->run != nullptr &&
                         command_->TakesWords(words.size()) && !Forbidden();
    if (of_keys && plan_.size() < kMostPlanned &&
        !(plan_.empty() && LivesHere(words))) {
      plan_.Add(*command_, words);
    } else if (!plan_.empty()) {
      return Pause::kNeedsPlan;
    } else if (of_keys) {
      RunHere(words, now);
    } else if (at_hand_ == AtHand::kRequest && command_ != nullptr &&
               command_->target == Target::kServer &&
               command_->TakesWords(words.size()) && !Forbidden()) {
      return Pause::kNeedsServer;
    } else {
      RunAlone(words);
    }
    at_hand_ = AtHand::kNothing;
  }
  return Pause::kNeedsSending;
}

// Whether there is one more request, or what is none.
bool Session::TakeRequest() {
  while (true) {
    switch (parser_.Parse(input_.bytes())) {
      case RequestParser::Outcome::kIncomplete:
        return false;
      case RequestParser::Outcome::kMalformed:
        at_hand_ = AtHand::kMalformed;
        return true;
      case RequestParser::Outcome::kRequest:
        input_.Consume(parser_.size());
        if (parser_.arguments().empty()) break;
        at_hand_ = AtHand::kRequest;
        command_ = FindCommand(parser_.arguments().front());
        ++here_.stats().commands;
        return true;
    }
  }
}

bool Session::HasToSend() {
  return client_.reply().size() >= kSendAt || client_.reply().overflown();
}

void Session::Refuse(std::string_view error) {
  client_.reply().Error(error);
  client_.Close();
}

bool Session::LivesHere(Arguments words) const {
  if (here_.cores() == 1) return true;
  const std::size_t end = command_->target == Target::kKey ? 2 : words.size();
  for (std::size_t at = 1; at < end; at += command_->step) {
    const Key key = here_.shard().Hashed(words[at]);
    if (CoreOf(key.hash, here_.cores()) != here_.index()) return false;
  }
  return true;
}

void Session::RunHere(Arguments words, Time now) {
  Reply& reply = client_.reply();
  const Command& command = *command_;
  if (command.target == Target::kKey) {
    here_.Run(command, words, 1, here_.shard().Hashed(words[1]), now, reply);
    return;
  }
  BeginParts(command, (words.size() - 1) / command.step, reply);
  std::int64_t sum = 0;
  for (std::size_t at = 1; at < words.size(); at += command.step) {
    const Key key = here_.shard().Hashed(words[at]);
    sum += here_.Run(command, words, at, key, now, reply);
  }
  EndParts(command, sum, reply);
}

// What concerns no key, and what is wrong.
void Session::RunAlone(Arguments words) {
  Reply& reply = client_.reply();
  if (at_hand_ == AtHand::kMalformed) {
    Refuse(parser_.error());
  } else if (command_ == nullptr) {
    reply.Error(UnknownCommand(words));
  } else if (!command_->TakesWords(words.size())) {
    reply.Error(WrongNumberOfWords(command_->name));
  } else if (Forbidden()) {
    reply.Error(absl::StrCat(
        "ERR Can't execute '", std::string(command_->name),
        "': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are "
        "allowed in this context"));
  } else {
    RunSessionCommand(client_, *command_, words);
    // From here on messages may come, which belong behind the replies.
    if (client_.subscribes()) client_.MoveReplies();
  }
}

bool Session::Forbidden() const {
  return client_.count_subscriptions() > 0 && !command_->while_subscribed &&
         client_.protocol() == 2;
}

}  // namespace kv_server
