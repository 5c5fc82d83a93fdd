// An echo: each request is a piece of one pattern, from another place on, so
// that the answer to another request does not compare equal.

#include <algorithm>
#include <cstring>
#include <random>

#include "bench/load/dialogue.h"

namespace eddy::bench {
namespace {

constexpr std::size_t kPlaces = 4096;

class EchoDialogue final : public Dialogue {
 public:
  EchoDialogue(std::size_t size, std::size_t connection)
      : size_(size), asked_(connection * 769), heard_(asked_) {
    Pattern(size);
  }

  void Ask(std::string& out) override {
    out.append(Pattern(size_).data() + Place(asked_++), size_);
  }

  absl::Status Hear(absl::string_view bytes, Answers& answers) override {
    while (!bytes.empty()) {
      if (heard_ == asked_) {
        return absl::InternalError("the server says more than it was told");
      }
      const std::size_t n = std::min(bytes.size(), size_ - part_);
      const char* wanted = Pattern(size_).data() + Place(heard_) + part_;
      if (std::memcmp(bytes.data(), wanted, n) != 0) {
        return absl::InternalError("an answer differs from its request");
      }
      bytes.remove_prefix(n);
      part_ += n;
      if (part_ < size_) continue;
      part_ = 0;
      ++heard_;
      ++answers.complete;
    }
    return absl::OkStatus();
  }

 private:
  // One for all connections of a core.
  static const std::string& Pattern(std::size_t size) {
    thread_local std::string pattern;
    if (pattern.size() < kPlaces + size) {
      std::minstd_rand random(1);
      pattern.resize(kPlaces + size);
      for (char& byte : pattern) byte = static_cast<char>(random() >> 16);
    }
    return pattern;
  }
  static std::size_t Place(std::uint64_t request) {
    return static_cast<std::size_t>((request * 31) % kPlaces);
  }

  const std::size_t size_;
  std::uint64_t asked_;
  std::uint64_t heard_;
  std::size_t part_ = 0;  // of the answer that is coming
};

}  // namespace

std::unique_ptr<Dialogue> MakeEchoDialogue(const LoadOptions& options,
                                           std::size_t connection) {
  return std::make_unique<EchoDialogue>(options.size, connection);
}

std::unique_ptr<Dialogue> MakeDialogue(const LoadOptions& options,
                                       std::size_t connection) {
  switch (options.target.protocol) {
    case Protocol::kEcho:
      return MakeEchoDialogue(options, connection);
    case Protocol::kHttp:
      return MakeHttpDialogue(options);
    case Protocol::kRedis:
      return MakeRedisDialogue(options, connection);
  }
  return nullptr;
}

}  // namespace eddy::bench
