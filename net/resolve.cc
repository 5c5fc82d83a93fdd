#include <eddy/net/resolve.h>

#include <eddy/runtime/abandonable_blocking.h>

#include <netdb.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

namespace eddy::net {
namespace {

using Addresses = std::vector<SocketAddress>;

// RFC 1035, in text, without the dot at the end.
constexpr std::size_t kMaxName = 253;
constexpr std::size_t kMaxLabel = 63;
constexpr std::size_t kMaxService = 63;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool IsLetter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool IsNameCharacter(char c) {
  return IsLetter(c) || IsDigit(c) || c == '-' || c == '_';
}

bool IsLabel(std::string_view label) {
  return !label.empty() && label.size() <= kMaxLabel &&
         std::all_of(label.begin(), label.end(), IsNameCharacter);
}

// As inet_aton(3) would read it.
bool IsNumber(std::string_view label) {
  return std::all_of(label.begin(), label.end(), IsDigit) ||
         label.starts_with("0x") || label.starts_with("0X");
}

// Whether a name can have this text. (An address of IPv4 is no name.)
bool IsName(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  if (name.empty() || name.size() > kMaxName) return false;
  while (true) {
    const std::size_t dot = name.find('.');
    const std::string_view label = name.substr(0, dot);
    if (!IsLabel(label)) return false;
    if (dot == name.npos) return !IsNumber(label);
    name.remove_prefix(dot + 1);
  }
}

std::optional<std::uint16_t> ParsePort(std::string_view text) {
  std::uint16_t port = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, port);
  if (error != std::errc() || stop != end) return std::nullopt;
  return port;
}

// RFC 6335, and what else /etc/services may have: at least one letter.
bool IsService(std::string_view text) {
  return text.size() <= kMaxService &&
         std::any_of(text.begin(), text.end(), IsLetter) &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return IsNameCharacter(c) || c == '+' || c == '.' || c == '/';
         });
}

// What stands for an address, with port 0; nothing where it is a name.
Result<std::optional<SocketAddress>> ParseHost(const std::string& host) {
  std::string text = host;
  if (host.find(':') != host.npos && !host.starts_with('[')) {
    text = "[" + host + "]";
  }
  const Result<SocketAddress> address = SocketAddress::Parse(text + ":0");
  if (address && address->family() != AF_UNIX) return *address;
  // Its scope may be an unknown interface.
  if (!address && address.error() == std::errc::no_such_device) {
    return Unexpected(address.error());
  }
  if (!IsName(host)) return Unexpected(std::errc::invalid_argument);
  return std::nullopt;
}

Error ErrorOf(int code) {
  switch (code) {
    case EAI_NONAME:
    case EAI_NODATA:
    case EAI_ADDRFAMILY:
      return kHostNotFound;
    case EAI_AGAIN:
      return kNameServerUnreachable;
    case EAI_FAIL:
      return kNameServerFailed;
    case EAI_SERVICE:
      return kServiceNotFound;
    case EAI_MEMORY:
      return std::errc::not_enough_memory;
    case EAI_FAMILY:
      return std::errc::address_family_not_supported;
    case EAI_SYSTEM:
      return errno != 0 ? Error::FromErrno(errno) : Error(std::errc::io_error);
    default:
      return std::errc::invalid_argument;
  }
}

// On a thread of the pool.
Result<Addresses> LookUp(const std::string& host, const std::string& service,
                         int family) {
  addrinfo hints{};
  hints.ai_family = family;
  hints.ai_socktype = SOCK_STREAM;  // each address once
  addrinfo* found = nullptr;
  errno = 0;
  const int code = getaddrinfo(host.c_str(), service.c_str(), &hints, &found);
  if (code != 0) return Unexpected(ErrorOf(code));
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found,
                                                                 freeaddrinfo);
  Addresses addresses;
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    const SocketAddress address =
        SocketAddress::FromNative(each->ai_addr, each->ai_addrlen);
    const bool usable =
        address.family() == AF_INET || address.family() == AF_INET6;
    if (usable && std::find(addresses.begin(), addresses.end(), address) ==
                      addresses.end()) {
      addresses.push_back(address);
    }
  }
  if (addresses.empty()) return Unexpected(kHostNotFound);
  return addresses;
}

}  // namespace

Task<Result<Addresses>> Resolve(std::string host, std::uint16_t port,
                                int family) {
  return Resolve(std::move(host), std::to_string(port), family);
}

Task<Result<Addresses>> Resolve(std::string host, std::string service,
                                int family) {
  if (family != AF_UNSPEC && family != AF_INET && family != AF_INET6) {
    co_return Unexpected(std::errc::address_family_not_supported);
  }
  EDDY_CO_TRY(std::optional<SocketAddress> address, ParseHost(host));
  if (address && family != AF_UNSPEC && family != address->family()) {
    co_return Unexpected(kHostNotFound);
  }
  const std::optional<std::uint16_t> port = ParsePort(service);
  if (!port && !IsService(service)) {
    co_return Unexpected(std::errc::invalid_argument);
  }
  if (address && port) {
    address->set_port(*port);
    co_return Addresses{*address};
  }
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  AbandonableBlocking look_up(LookUp, std::move(host), std::move(service),
                              family);
  co_return co_await std::move(look_up);
}

}  // namespace eddy::net
