// What INFO tells.
#ifndef EDDY_EXAMPLES_KV_SERVER_INFO_H_
#define EDDY_EXAMPLES_KV_SERVER_INFO_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "examples/kv_server/core.h"

namespace kv_server {

// What one core knows.
struct CoreInfo {
  CoreStats stats;
  std::size_t keys = 0;
  std::size_t expiring = 0;
  std::uint64_t expired = 0;
  std::size_t clients = 0;
  std::size_t channels = 0;
  std::size_t patterns = 0;
  LogStats log;
  bool log_failed = false;
};

CoreInfo InfoOf(Core& core);

// The sections that are asked for; all where none is.
std::string InfoText(const Options& options, const std::vector<CoreInfo>& cores,
                     Arguments sections);

}  // namespace kv_server

#endif  // EDDY_EXAMPLES_KV_SERVER_INFO_H_
