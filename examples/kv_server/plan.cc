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
    if (lane.parts.empty()) continue;
    lane.reply.set_protocol(reply.protocol());
    if (lane.core == place_.here().index()) {
      Run(place_.here(), lane);
      continue;
    }
    place_.here().stats().sent_away += lane.parts.size();
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
  words_.clear();
  requests_.clear();
  cores_.clear();
  for (Lane& lane : lanes_) {
    lane.parts.clear();
    lane.done.clear();
    lane.reply.Clear();
    lane.taken = lane.taken_bytes = 0;
  }
  co_return sent;
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
  if (there.log()->full()) EDDY_CO_CHECK(co_await there.log()->Room());
  Run(there, lane);
  if (!there.durable() && !there.log()->error()) {
    co_return co_await there.log()->Durable();
  }
  co_return Result<void>();
}

void Plan::Run(Core& there, Lane& lane) const {
  const Time now = Now();
  for (const Part& part : lane.parts) {
    const Request& request = requests_[part.request];
    const PartResult result = there.Run(*request.command, WordsOf(request),
                                        part.key_at, part.key, now, lane.reply);
    lane.done.push_back({result, lane.reply.size()});
  }
}

void Plan::PutInOrder(Reply& reply) {
  for (const Lane& lane : lanes_) {
    if (lane.reply.overflown()) reply.Overflow();
    for (std::size_t i = 0; i < lane.parts.size(); ++i) {
      if (lane.done[i].result.refused) {
        requests_[lane.parts[i].request].refused = true;
      }
    }
  }
  auto core = cores_.begin();
  for (const Request& request : requests_) {
    const Command& command = *request.command;
    const std::size_t keys = KeysOf(command, request.words);
    if (!request.refused) BeginParts(command, keys, reply);
    std::int64_t sum = 0;
    for (std::size_t i = 0; i < keys; ++i) {
      Lane& lane = lanes_[*core++];
      const Done& done = lane.done[lane.taken++];
      const std::size_t begin = std::exchange(lane.taken_bytes, done.reply_end);
      if (!request.refused) {
        const std::string_view text = lane.reply.text();
        reply.Append(text.substr(begin, done.reply_end - begin));
      }
      sum += done.result.count;
    }
    if (request.refused) {
      reply.Error(kLogFailed);
    } else {
      EndParts(command, sum, reply);
    }
  }
}

}  // namespace kv_server
