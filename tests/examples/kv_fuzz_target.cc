#include "tests/examples/kv_fuzz_target.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "examples/kv_server/command.h"
#include "tests/examples/resp.h"

namespace eddy::testing_examples {
namespace {

using kv_server::Arguments;
using kv_server::RequestParser;

void Check(bool right, const char* what) {
  if (right) return;
  std::fprintf(stderr, "wrong: %s\n", what);
  std::abort();
}

// Carries out a command of keys as the session of one core would.
void Answer(Arguments words, kv_server::Shard& shard) {
  constexpr std::size_t kLongestValue = 1000;
  constexpr std::size_t kMostReply = std::size_t{1} << 20;
  const kv_server::Command* const command =
      kv_server::FindCommand(words.front());
  kv_server::Reply reply(kMostReply);
  if (command == nullptr) {
    reply.Error(kv_server::UnknownCommand(words));
  } else if (!command->TakesWords(words.size())) {
    reply.Error(kv_server::WrongNumberOfWords(command->name));
  } else if (command->run != nullptr) {
    const bool many = command->target == kv_server::Target::kEachKey;
    if (command->combine == kv_server::Combine::kArray) {
      reply.Array(words.size() - 1);
    }
    std::int64_t sum = 0;
    for (std::size_t at = 1; at < (many ? words.size() : 2);
         at += command->step) {
      sum += command->run({*command, words, at, shard.Hashed(words[at]),
                           /*now=*/1'000'000, kLongestValue, shard, reply});
    }
    if (command->combine == kv_server::Combine::kSum) reply.Integer(sum);
    if (command->combine == kv_server::Combine::kOk) reply.Simple("OK");
  } else {
    return;
  }
  if (reply.overflown()) return;
  Check(RespReplySize(reply.text()) == reply.size(), "it is not one reply");
}

}  // namespace

ParsedRequests ParseInSteps(std::string_view bytes, std::size_t step,
                            const kv_server::RequestLimits& limits) {
  ParsedRequests parsed;
  RequestParser parser(limits);
  // What arrived and belongs to no whole request; memory of just that size.
  std::string kept;
  std::size_t arrived = 0;
  std::size_t needed = 0;
  while (arrived < bytes.size()) {
    kept += bytes.substr(arrived, step);
    arrived = std::min(arrived + step, bytes.size());
    while (!kept.empty()) {
      const auto exact = std::make_unique<char[]>(kept.size());
      std::copy(kept.begin(), kept.end(), exact.get());
      const std::span<char> span(exact.get(), kept.size());
      const auto outcome = parser.Parse(span);
      if (outcome == RequestParser::Outcome::kMalformed) {
        parsed.end = parser.error();
        return parsed;
      }
      if (outcome == RequestParser::Outcome::kIncomplete) {
        Check(parser.least_size() > kept.size(), "it needs what is there");
        needed = parser.least_size();
        break;
      }
      Check(kept.size() >= needed, "it needed less than it said");
      needed = 0;
      auto& request = parsed.requests.emplace_back();
      for (const std::string_view word : parser.arguments()) {
        Check(word.data() >= exact.get() &&
                  word.data() + word.size() <= exact.get() + parser.size(),
              "a word is outside of its request");
        request.emplace_back(word);
      }
      Check(parser.size() > 0 && parser.size() <= kept.size(), "its size");
      kept.erase(0, parser.size());
    }
  }
  parsed.end = kept.empty() ? "" : "incomplete";
  return parsed;
}

void CheckRequests(std::string_view bytes) {
  kv_server::RequestLimits limits;
  limits.most_arguments = 64;
  limits.longest_argument = 4096;
  limits.longest_line = 512;
  const ParsedRequests whole = ParseInSteps(bytes, bytes.size() + 1, limits);
  for (const std::size_t step : {std::size_t{1}, std::size_t{7}}) {
    Check(ParseInSteps(bytes, step, limits) == whole,
          "pieces give other requests");
  }
  kv_server::Shard shard(/*seed=*/1);
  for (const std::vector<std::string>& request : whole.requests) {
    const std::vector<std::string_view> words(request.begin(), request.end());
    if (!words.empty()) Answer(words, shard);
  }
}

}  // namespace eddy::testing_examples
