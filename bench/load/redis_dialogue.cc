// The Redis protocol, as far as GET, SET and PING need it: requests are arrays
// of strings, answers are lines and strings (RESP2).

#include <algorithm>
#include <cstdint>
#include <random>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "bench/load/dialogue.h"

namespace eddy::bench {
namespace {

constexpr std::size_t kMostLine = 512;

void AppendString(absl::string_view text, std::string& out) {
  absl::StrAppend(&out, "$", text.size(), "\r\n", text, "\r\n");
}

void AppendKey(std::size_t key, std::string& out) {
  AppendString(absl::StrFormat("key:%012d", key), out);
}

void AppendSet(const LoadOptions& options, std::size_t key, std::string& out) {
  out += "*3\r\n$3\r\nSET\r\n";
  AppendKey(key, out);
  absl::StrAppend(&out, "$", options.size, "\r\n");
  out.append(options.size, 'x');
  out += "\r\n";
}

class RedisDialogue final : public Dialogue {
 public:
  RedisDialogue(const LoadOptions& options, std::size_t connection)
      : options_(options),
        random_(static_cast<std::minstd_rand::result_type>(connection + 1)) {}

  void Ask(std::string& out) override {
    const std::size_t key = random_() % options_.keys;
    switch (options_.command) {
      case RedisCommand::kGet:
        out += "*2\r\n$3\r\nGET\r\n";
        AppendKey(key, out);
        break;
      case RedisCommand::kSet:
        AppendSet(options_, key, out);
        break;
      case RedisCommand::kPing:
        out += "*1\r\n$4\r\nPING\r\n";
        break;
    }
  }

  absl::Status Hear(absl::string_view bytes, Answers& answers) override {
    while (!bytes.empty()) {
      if (string_left_ > 0) {
        const std::size_t n = std::min(bytes.size(), string_left_);
        bytes.remove_prefix(n);
        string_left_ -= n;
        if (string_left_ == 0) ++answers.complete;
        continue;
      }
      const std::size_t end = bytes.find('\n');
      const bool whole = end != absl::string_view::npos;
      absl::StrAppend(&line_, bytes.substr(0, end));
      if (line_.size() > kMostLine) {
        return absl::InternalError("an answer is no RESP: too long a line");
      }
      if (!whole) return absl::OkStatus();
      bytes.remove_prefix(end + 1);
      if (absl::Status s = HearLine(answers); !s.ok()) return s;
      line_.clear();
    }
    return absl::OkStatus();
  }

 private:
  absl::Status HearLine(Answers& answers) {
    const auto wrong = [this] {
      return absl::InternalError(
          absl::StrCat("an answer is no RESP: ", line_.substr(0, 40)));
    };
    if (line_.size() < 2 || line_.back() != '\r') return wrong();
    const absl::string_view rest(line_.data() + 1, line_.size() - 2);
    switch (line_.front()) {
      case '+':
      case ':':
        ++answers.complete;
        return absl::OkStatus();
      case '-':
        ++answers.complete;
        ++answers.refused;
        return absl::OkStatus();
      case '$': {
        std::int64_t size = 0;
        if (!absl::SimpleAtoi(rest, &size) || size < -1) return wrong();
        if (size < 0) {
          ++answers.complete;
          ++answers.misses;
        } else {
          string_left_ = static_cast<std::size_t>(size) + 2;
        }
        return absl::OkStatus();
      }
      default:
        return wrong();
    }
  }

  const LoadOptions& options_;
  std::minstd_rand random_;
  std::string line_;             // the part that is there
  std::size_t string_left_ = 0;  // of a string, with the line's end
};

}  // namespace

std::unique_ptr<Dialogue> MakeRedisDialogue(const LoadOptions& options,
                                            std::size_t connection) {
  return std::make_unique<RedisDialogue>(options, connection);
}

void AppendRedisFill(const LoadOptions& options, std::size_t key,
                     std::string& out) {
  AppendSet(options, key, out);
}

}  // namespace eddy::bench
