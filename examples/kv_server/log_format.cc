#include "examples/kv_server/log_format.h"

#include <absl/strings/str_cat.h>
#include <zlib.h>

namespace kv_server {
namespace {

constexpr std::string_view kMagic = "eddykv1\n";

std::uint32_t HeadChecksum(std::uint64_t size, std::uint32_t checksum,
                           std::uint64_t offset, std::uint64_t seed) {
  std::string bytes;
  PutNumber(size, 4, bytes);
  PutNumber(checksum, 4, bytes);
  PutNumber(offset, 8, bytes);
  PutNumber(seed, 8, bytes);
  return Checksum(bytes);
}

std::uint32_t Number32(std::string_view bytes) {
  return static_cast<std::uint32_t>(GetNumber(bytes.substr(0, 4)));
}

}  // namespace

std::uint32_t Checksum(std::string_view bytes) {
  return static_cast<std::uint32_t>(
      crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

std::string LogHead(const LogOwner& owner) {
  std::string head(kMagic);
  PutNumber(owner.core, 4, head);
  PutNumber(owner.cores, 4, head);
  PutNumber(owner.seed, 8, head);
  PutNumber(Checksum(head), 4, head);
  return head;
}

std::optional<LogOwner> ParseLogHead(std::string_view bytes) {
  if (bytes.size() < kLogHead || !bytes.starts_with(kMagic)) return {};
  LogOwner owner;
  owner.core = Number32(bytes.substr(8));
  owner.cores = Number32(bytes.substr(12));
  owner.seed = GetNumber(bytes.substr(16, 8));
  if (LogHead(owner) != bytes.substr(0, kLogHead)) return {};
  return owner;
}

std::string WrongOwner(const LogOwner& found, const LogOwner& expected) {
  if (found.core == expected.core && found.cores == expected.cores) {
    return " was not written together with the others";
  }
  return absl::StrCat(" is the log of core ", found.core, " of ", found.cores,
                      ", and not of core ", expected.core, " of ",
                      expected.cores, ": start with --cores=", found.cores);
}

std::string MakeFrameHead(std::string_view body, std::uint64_t offset,
                          std::uint64_t seed) {
  const std::uint32_t checksum = Checksum(body);
  std::string head;
  PutNumber(body.size(), 4, head);
  PutNumber(checksum, 4, head);
  PutNumber(HeadChecksum(body.size(), checksum, offset, seed), 4, head);
  return head;
}

std::optional<FrameHead> ParseFrameHead(std::string_view bytes,
                                        std::uint64_t offset,
                                        std::uint64_t seed) {
  if (bytes.size() < kFrameHead) return {};
  FrameHead head;
  head.size = Number32(bytes);
  head.checksum = Number32(bytes.substr(4));
  if (head.size == 0 || HeadChecksum(head.size, head.checksum, offset, seed) !=
                            Number32(bytes.substr(8))) {
    return {};
  }
  return head;
}

}  // namespace kv_server
