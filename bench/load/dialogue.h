// What is said on one connection: the requests of a protocol, and how their
// answers are told apart. Knows no socket.

#ifndef EDDY_BENCH_LOAD_DIALOGUE_H_
#define EDDY_BENCH_LOAD_DIALOGUE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "bench/load/options.h"

namespace eddy::bench {

// How many of which kind.
struct Answers {
  std::uint64_t complete = 0;  // of any kind
  std::uint64_t refused = 0;   // of these, errors that the server has said
  std::uint64_t misses = 0;    // of these, keys that the server does not have
};

class Dialogue {
 public:
  virtual ~Dialogue() = default;

  // Adds the next request to `out`.
  virtual void Ask(std::string& out) = 0;

  // Takes what has come, in parts of any size, and counts the answers that are
  // whole now.
  // Errors: what came is no answer, or another one than it has to be. The
  // connection is of no use any more.
  virtual absl::Status Hear(absl::string_view bytes, Answers& answers) = 0;

  // Whether the server takes more requests after the last answer.
  virtual bool stays_open() const { return true; }
};

// For connection number `connection`. One serves one connection: after a new
// one, a new one.
std::unique_ptr<Dialogue> MakeDialogue(const LoadOptions& options,
                                       std::size_t connection);

// By protocol; MakeDialogue calls these.
std::unique_ptr<Dialogue> MakeEchoDialogue(const LoadOptions& options,
                                           std::size_t connection);
std::unique_ptr<Dialogue> MakeHttpDialogue(const LoadOptions& options);
std::unique_ptr<Dialogue> MakeRedisDialogue(const LoadOptions& options,
                                            std::size_t connection);

// Sets each key once, so that a GET finds it.
void AppendRedisFill(const LoadOptions& options, std::size_t key,
                     std::string& out);

}  // namespace eddy::bench

#endif  // EDDY_BENCH_LOAD_DIALOGUE_H_
