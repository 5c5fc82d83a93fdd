#include "examples/kv_server/plan.h"

#include <eddy/runtime/when_all.h>

#include <string>
#include <utility>

namespace kv_server {

using eddy::Result;
using eddy::Task;
using eddy::Unexpected;

namespace {

std::size_t KeysOf(const Command& command, std::size_t words) {
  return command.target == Target::kKey ? 1 : (words - 1) / command.step;
}

}  // namespace

void BeginParts(const Command& command, std::size_t keys, Reply& reply) {
  if (command.combine == Combine::kArray) reply.Array(keys);
}

void EndParts(const Command& command, std::int64_t sum, Reply& reply) {
  if (command.combine == Combine::kSum) reply.Integer(sum);
  if (command.combine == Combine::kOk) reply.Simple("OK");
}

void Plan::Add(const Command& command, Arguments words) {
  if (lanes_.empty()) {
    lanes_.reserve(place_.cores());
    for (unsigned core = 0; core < place_.cores(); ++core) {
      lanes_.emplace_back(core, place_.here().options().most_reply);
    }
  }
  const std::size_t end = command.target == Target::kKey ? 2 : words.size();
  for (std::size_t at = 1; at < end; at += command.step) {
    const Key key = place_.here().shard().Hashed(words[at]);
    const unsigned core = place_.CoreOfKey(key);
    lanes_[core].parts.push_back({requests_.size(), at, key});
    cores_.push_back(core);
  }
  requests_.push_back({&command, words_.size(), words.size()});
  words_.insert(words_.end(), words.begin(), words.end());
}

Task<Result<void>> Plan::CarryOut(Reply& reply) {
  Result<void> sent;
  std::vector<Task<Result<void>>> tasks;
  Lane* only = nullptr;
  for (Lane& lane : lanes_) {
    if (!lane.can_go_on()) continue;
    lane.reply.set_protocol(reply.protocol());
    if (lane.core == place_.here().index()) {
      if (place_.here().full()) {
        EDDY_CO_CHECK(co_await place_.here().Room());
      }
      Run(place_.here(), lane);
      continue;
    }
    if (lane.done.empty()) place_.here().stats().sent_away += lane.parts.size();
    if (only != nullptr) tasks.push_back(Send(*std::exchange(only, &lane)));
    only = &lane;
  }
  if (tasks.empty()) {
    if (only != nullptr) sent = co_await Send(*only);
  } else {
    tasks.push_back(Send(*only));
    for (const Result<void>& one : co_await eddy::WhenAll(std::move(tasks))) {
      if (sent && !one) sent = one;
    }
  }
  if (sent) PutInOrder(reply);
  if (!sent || next_ == requests_.size()) Clear();
  co_return sent;
}

void Plan::Clear() {
  words_.clear();
  requests_.clear();
  cores_.clear();
  next_ = next_key_ = next_part_ = 0;
  for (Lane& lane : lanes_) {
    lane.parts.clear();
    lane.done.clear();
    lane.reply.Clear();
    lane.taken = lane.taken_bytes = 0;
  }
}

Task<Result<void>> Plan::Send(Lane& lane) {
  if (place_.here().log() == nullptr) {
    const auto run = [this, &lane](Core& there) { Run(there, lane); };
    co_return co_await place_.CallOn(lane.core, run);
  }
  const auto run = [this, &lane](Core& there) {
    return RunLogged(there, lane);
  };
  co_return co_await place_.CallOn(lane.core, run);
}

Task<Result<void>> Plan::RunLogged(Core& there, Lane& lane) {
  if (there.full()) {
    EDDY_CO_CHECK(co_await there.Room());
  }
  Run(there, lane);
  co_return co_await there.Durable();
}

void Plan::Run(Core& there, Lane& lane) const {
  const Time now = Now();
  do {
    const Part& part = lane.parts[lane.done.size()];
    const Request& request = requests_[part.request];
    lane.reply.Begin();
    const std::int64_t count =
        there.Run(*request.command, WordsOf(request), part.key_at, part.key,
                  now, lane.reply);
    lane.done.push_back({count, lane.reply.size()});
  } while (lane.can_go_on() && !there.full());
}

// As far as it goes: where a part is not done yet, all that its core has done
// was taken before, so that it can go on.
void Plan::PutInOrder(Reply& reply) {
  for (const Lane& lane : lanes_) {
    if (lane.reply.overflown()) reply.Overflow();
  }
  for (; next_ < requests_.size(); ++next_, next_key_ = 0) {
    const Request& request = requests_[next_];
    const Command& command = *request.command;
    const std::size_t keys = KeysOf(command, request.words);
    for (; next_key_ < keys; ++next_key_) {
      Lane& lane = lanes_[cores_[next_part_]];
      if (lane.taken == lane.done.size()) return;
      if (next_key_ == 0) {
        sum_ = 0;
        bytes_ = 0;
        BeginParts(command, keys, reply);
      }
      const Done& done = lane.done[lane.taken++];
      ++next_part_;
      const std::size_t begin = std::exchange(lane.taken_bytes, done.reply_end);
      const std::string_view text = lane.reply.text();
      bytes_ += done.reply_end - begin;
      if (bytes_ > place_.here().options().most_reply) reply.Overflow();
      reply.Begin();
      reply.Append(text.substr(begin, done.reply_end - begin));
      sum_ += done.count;
      if (lane.taken == lane.done.size()) {
        lane.reply.Clear();
        lane.taken_bytes = 0;
      }
    }
    EndParts(command, sum_, reply);
  }
}

}  // namespace kv_server
