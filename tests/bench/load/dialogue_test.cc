#include "bench/load/dialogue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"

namespace eddy::bench {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

LoadOptions Options(const char* target) {
  LoadOptions options;
  options.target = *ParseTarget(target);
  return options;
}

// Says `text` in parts of `part` bytes.
absl::Status HearInParts(Dialogue& dialogue, const std::string& text,
                         std::size_t part, Answers& answers) {
  for (std::size_t at = 0; at < text.size(); at += part) {
    const absl::Status s =
        dialogue.Hear(absl::string_view(text).substr(at, part), answers);
    if (!s.ok()) return s;
  }
  return absl::OkStatus();
}

// --- Echo --------------------------------------------------------------------

TEST(EchoDialogueTest, CountsAnswersWhateverPartsTheyComeIn) {
  LoadOptions options = Options("echo://127.0.0.1:1");
  options.size = 10;
  for (const unsigned part : {1U, 3U, 10U, 11U, 1000U}) {
    const auto dialogue = MakeDialogue(options, 0);
    std::string asked;
    for (int i = 0; i < 7; ++i) dialogue->Ask(asked);
    EXPECT_EQ(asked.size(), 70U);
    Answers answers;
    EXPECT_TRUE(HearInParts(*dialogue, asked, part, answers).ok());
    EXPECT_EQ(answers.complete, 7U);
    EXPECT_TRUE(dialogue->stays_open());
  }
}

TEST(EchoDialogueTest, CountsNoAnswerBeforeItsLastByte) {
  LoadOptions options = Options("echo://127.0.0.1:1");
  const auto dialogue = MakeDialogue(options, 0);
  std::string asked;
  dialogue->Ask(asked);
  Answers answers;
  ASSERT_TRUE(dialogue->Hear(asked.substr(0, 63), answers).ok());
  EXPECT_EQ(answers.complete, 0U);
  ASSERT_TRUE(dialogue->Hear(asked.substr(63), answers).ok());
  EXPECT_EQ(answers.complete, 1U);
}

TEST(EchoDialogueTest, SeesAChangedByte) {
  LoadOptions options = Options("echo://127.0.0.1:1");
  const auto dialogue = MakeDialogue(options, 0);
  std::string asked;
  dialogue->Ask(asked);
  ++asked[40];
  Answers answers;
  EXPECT_THAT(std::string(dialogue->Hear(asked, answers).message()),
              HasSubstr("differs"));
}

TEST(EchoDialogueTest, SeesTheAnswerToAnotherRequest) {
  LoadOptions options = Options("echo://127.0.0.1:1");
  const auto dialogue = MakeDialogue(options, 0);
  const auto neighbour = MakeDialogue(options, 1);
  std::string first;
  std::string second;
  std::string other;
  dialogue->Ask(first);
  dialogue->Ask(second);
  neighbour->Ask(other);
  Answers answers;
  EXPECT_FALSE(MakeDialogue(options, 0)->Hear(first, answers).ok());
  EXPECT_FALSE(dialogue->Hear(second, answers).ok());
  EXPECT_FALSE(neighbour->Hear(first, answers).ok());
  EXPECT_EQ(answers.complete, 0U);
}

TEST(EchoDialogueTest, SeesMoreThanWasAsked) {
  LoadOptions options = Options("echo://127.0.0.1:1");
  const auto dialogue = MakeDialogue(options, 0);
  std::string asked;
  dialogue->Ask(asked);
  Answers answers;
  EXPECT_FALSE(dialogue->Hear(asked + "x", answers).ok());
  EXPECT_EQ(answers.complete, 1U);
}

// --- HTTP --------------------------------------------------------------------

constexpr char kAnswer[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

TEST(HttpDialogueTest, AsksForThePath) {
  const auto dialogue = MakeDialogue(Options("http://127.0.0.1:80/a?b"), 0);
  std::string asked;
  dialogue->Ask(asked);
  EXPECT_EQ(asked, "GET /a?b HTTP/1.1\r\nHost: 127.0.0.1:80\r\n\r\n");
}

TEST(HttpDialogueTest, CountsAnswersWhateverPartsTheyComeIn) {
  const std::string chunked =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3\r\nabc\r\n0\r\n\r\n";
  const std::string three = absl::StrCat(kAnswer, chunked, kAnswer);
  for (const unsigned part : {1U, 7U, 1000U}) {
    const auto dialogue = MakeDialogue(Options("http://127.0.0.1:80/"), 0);
    Answers answers;
    EXPECT_TRUE(HearInParts(*dialogue, three, part, answers).ok());
    EXPECT_EQ(answers.complete, 3U);
    EXPECT_EQ(answers.refused, 0U);
    EXPECT_TRUE(dialogue->stays_open());
  }
}

TEST(HttpDialogueTest, CountsStatusesOfErrors) {
  const auto dialogue = MakeDialogue(Options("http://127.0.0.1:80/"), 0);
  Answers answers;
  EXPECT_TRUE(dialogue
                  ->Hear("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
                         "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"
                         "HTTP/1.1 304 Not Modified\r\n\r\n",
                         answers)
                  .ok());
  EXPECT_EQ(answers.complete, 3U);
  EXPECT_EQ(answers.refused, 2U);
}

TEST(HttpDialogueTest, InterimResponsesAreNoAnswers) {
  const auto dialogue = MakeDialogue(Options("http://127.0.0.1:80/"), 0);
  Answers answers;
  EXPECT_TRUE(dialogue->Hear("HTTP/1.1 100 Continue\r\n\r\n", answers).ok());
  EXPECT_EQ(answers.complete, 0U);
  EXPECT_TRUE(dialogue->Hear(kAnswer, answers).ok());
  EXPECT_EQ(answers.complete, 1U);
}

TEST(HttpDialogueTest, KnowsWhenTheServerWillClose) {
  const auto dialogue = MakeDialogue(Options("http://127.0.0.1:80/"), 0);
  Answers answers;
  EXPECT_TRUE(dialogue
                  ->Hear("HTTP/1.1 200 OK\r\nConnection: close\r\n"
                         "Content-Length: 0\r\n\r\n",
                         answers)
                  .ok());
  EXPECT_EQ(answers.complete, 1U);
  EXPECT_FALSE(dialogue->stays_open());
}

TEST(HttpDialogueTest, RefusesWhatIsNoHttp) {
  const auto dialogue = MakeDialogue(Options("http://127.0.0.1:80/"), 0);
  Answers answers;
  EXPECT_THAT(std::string(dialogue->Hear("+PONG\r\n", answers).message()),
              HasSubstr("no HTTP"));
}

// --- Redis -------------------------------------------------------------------

TEST(RedisDialogueTest, AsksInTheProtocol) {
  LoadOptions options = Options("redis://127.0.0.1:1");
  options.keys = 1;
  options.size = 3;
  const auto ask = [&options](RedisCommand command) {
    options.command = command;
    std::string asked;
    MakeDialogue(options, 0)->Ask(asked);
    return asked;
  };
  EXPECT_EQ(ask(RedisCommand::kPing), "*1\r\n$4\r\nPING\r\n");
  EXPECT_EQ(ask(RedisCommand::kGet),
            "*2\r\n$3\r\nGET\r\n$16\r\nkey:000000000000\r\n");
  EXPECT_EQ(ask(RedisCommand::kSet),
            "*3\r\n$3\r\nSET\r\n$16\r\nkey:000000000000\r\n$3\r\nxxx\r\n");
}

TEST(RedisDialogueTest, AsksForEachKey) {
  LoadOptions options = Options("redis://127.0.0.1:1");
  options.keys = 10;
  const auto dialogue = MakeDialogue(options, 0);
  std::set<std::string> keys;
  for (int i = 0; i < 1000; ++i) {
    std::string asked;
    dialogue->Ask(asked);
    keys.insert(asked);
  }
  EXPECT_EQ(keys.size(), 10U);
}

TEST(RedisDialogueTest, CountsAnswersWhateverPartsTheyComeIn) {
  const std::string text =
      "+OK\r\n:12\r\n$5\r\nhello\r\n$0\r\n\r\n$-1\r\n-ERR no\r\n$4\r\n\r\n\r\n"
      "\r\n";
  for (const unsigned part : {1U, 2U, 5U, 1000U}) {
    const LoadOptions options = Options("redis://127.0.0.1:1");
    const auto dialogue = MakeDialogue(options, 0);
    Answers answers;
    EXPECT_TRUE(HearInParts(*dialogue, text, part, answers).ok());
    EXPECT_EQ(answers.complete, 7U);
    EXPECT_EQ(answers.misses, 1U);
    EXPECT_EQ(answers.refused, 1U);
  }
}

TEST(RedisDialogueTest, RefusesWhatIsNoAnswer) {
  const LoadOptions options = Options("redis://127.0.0.1:1");
  for (const std::string& text :
       {std::string("HTTP/1.1 400 Bad Request\r\n"), std::string("\r\n"),
        std::string("+OK\n"), std::string("$x\r\n"), std::string("$-2\r\n"),
        std::string("*1\r\n"), std::string(1000, '+')}) {
    Answers answers;
    EXPECT_THAT(
        std::string(MakeDialogue(options, 0)->Hear(text, answers).message()),
        StartsWith("an answer is no RESP"))
        << text;
  }
}

}  // namespace
}  // namespace eddy::bench
