// CheckRequests: what holds for any bytes that a client may send: the parser
// finds the same requests however the bytes arrive, and each command of keys
// answers with one reply. What is wrong ends the program.
#ifndef EDDY_TESTS_EXAMPLES_KV_FUZZ_TARGET_H_
#define EDDY_TESTS_EXAMPLES_KV_FUZZ_TARGET_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "examples/kv_server/request_parser.h"

namespace eddy::testing_examples {

// The requests in some bytes that arrive in pieces of `step`, each at another
// address; then "incomplete", or the error.
struct ParsedRequests {
  std::vector<std::vector<std::string>> requests;
  std::string end;

  friend bool operator==(const ParsedRequests&,
                         const ParsedRequests&) = default;
};
ParsedRequests ParseInSteps(std::string_view bytes, std::size_t step,
                            const kv_server::RequestLimits& limits = {});

void CheckRequests(std::string_view bytes);

}  // namespace eddy::testing_examples

#endif  // EDDY_TESTS_EXAMPLES_KV_FUZZ_TARGET_H_
