#include "examples/kv_server/mutation.h"

namespace kv_server {
namespace {

constexpr std::size_t kHead = 1 + 4 + 4 + 8;

bool IsKind(char c) {
  switch (static_cast<Mutation::Kind>(c)) {
    case Mutation::Kind::kSet:
    case Mutation::Kind::kAppend:
    case Mutation::Kind::kExpire:
    case Mutation::Kind::kErase:
    case Mutation::Kind::kClear:
      return true;
  }
  return false;
}

}  // namespace

void PutNumber(std::uint64_t number, int size, std::string& to) {
  for (int i = 0; i < size; ++i) {
    to.push_back(static_cast<char>(number >> (8 * i)));
  }
}

std::uint64_t GetNumber(std::string_view bytes) {
  std::uint64_t number = 0;
  for (std::size_t i = bytes.size(); i > 0; --i) {
    number = number << 8 | static_cast<unsigned char>(bytes[i - 1]);
  }
  return number;
}

std::size_t EncodedSize(const Mutation& mutation) {
  return kHead + mutation.key.size() + mutation.value.size();
}

void Encode(const Mutation& mutation, std::string& to) {
  to.reserve(to.size() + EncodedSize(mutation));
  to.push_back(static_cast<char>(mutation.kind));
  PutNumber(mutation.key.size(), 4, to);
  PutNumber(mutation.value.size(), 4, to);
  PutNumber(static_cast<std::uint64_t>(mutation.expires_at), 8, to);
  to.append(mutation.key);
  to.append(mutation.value);
}

std::optional<Mutation> Decode(std::string_view& bytes) {
  if (bytes.size() < kHead || !IsKind(bytes[0])) return {};
  const std::size_t key = GetNumber(bytes.substr(1, 4));
  const std::size_t value = GetNumber(bytes.substr(5, 4));
  if (key + value > bytes.size() - kHead) return {};
  const Mutation mutation = {
      static_cast<Mutation::Kind>(bytes[0]), bytes.substr(kHead, key),
      bytes.substr(kHead + key, value),
      static_cast<std::int64_t>(GetNumber(bytes.substr(9, 8)))};
  bytes.remove_prefix(kHead + key + value);
  return mutation;
}

}  // namespace kv_server
