#include <eddy/fs/temporary_name.h>

#include <sys/random.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <ctime>

namespace eddy::fs {
namespace {

constexpr std::string_view kBegin = ".eddy-";
constexpr std::string_view kEnd = ".tmp";
constexpr std::string_view kDigits = "0123456789abcdef";
constexpr std::size_t kDigitsOfName = 16;

}  // namespace

bool IsTemporaryName(std::string_view name) noexcept {
  if (name.size() != kBegin.size() + kDigitsOfName + kEnd.size() ||
      !name.starts_with(kBegin) || !name.ends_with(kEnd)) {
    return false;
  }
  return std::ranges::all_of(
      name.substr(kBegin.size(), kDigitsOfName),
      [](char c) { return kDigits.find(c) != std::string_view::npos; });
}

std::string internal::RandomDigits() {
  std::uint64_t random = 0;
  if (getrandom(&random, sizeof random, GRND_NONBLOCK) !=
      static_cast<ssize_t>(sizeof random)) {
    // Shortly after the start of the machine.
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    random = static_cast<std::uint64_t>(now.tv_nsec) * 0x9E3779B97F4A7C15U;
  }
  std::string digits;
  for (std::size_t i = 0; i < kDigitsOfName; ++i, random >>= 4) {
    digits += kDigits[random & 15];
  }
  return digits;
}

std::string NewTemporaryName() {
  return std::string(kBegin).append(internal::RandomDigits()).append(kEnd);
}

}  // namespace eddy::fs
