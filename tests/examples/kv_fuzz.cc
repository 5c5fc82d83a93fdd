// The fuzzer of the requests that kv_server takes. It begins with the corpus:
//
//   build/clang/tests/kv_fuzz /tmp/found tests/examples/resp_corpus
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "tests/examples/kv_fuzz_target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  eddy::testing_examples::CheckRequests(
      {reinterpret_cast<const char*>(data), size});
  return 0;
}
