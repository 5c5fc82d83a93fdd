// The bytes of an AppendLog's file: its head, and the heads of its frames.
#ifndef EDDY_EXAMPLES_KV_SERVER_LOG_FORMAT_H_
#define EDDY_EXAMPLES_KV_SERVER_LOG_FORMAT_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "examples/kv_server/append_log.h"

namespace kv_server {

inline constexpr std::size_t kLogHead = 28;
inline constexpr std::size_t kFrameHead = 12;

std::string LogHead(const LogOwner& owner);
// None where these bytes are no head.
std::optional<LogOwner> ParseLogHead(std::string_view bytes);

// What is wrong where a log has another owner, as the end of a sentence.
std::string WrongOwner(const LogOwner& found, const LogOwner& expected);

struct FrameHead {
  std::size_t size = 0;  // of what follows it
  std::uint32_t checksum = 0;
};

// The head of a frame at this offset of the file.
std::string MakeFrameHead(std::string_view body, std::uint64_t offset,
                          std::uint64_t seed);
// None where it is not right there.
std::optional<FrameHead> ParseFrameHead(std::string_view bytes,
                                        std::uint64_t offset,
                                        std::uint64_t seed);

std::uint32_t Checksum(std::string_view bytes);

}  // namespace kv_server

#endif  // EDDY_EXAMPLES_KV_SERVER_LOG_FORMAT_H_
