#include "examples/file_server/target.h"

#include <strings.h>

#include <cctype>
#include <cstddef>

namespace file_server {
namespace {

// -1 for what is no hexadecimal digit.
int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool StartsWithIgnoringCase(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() &&
         strncasecmp(text.data(), prefix.data(), prefix.size()) == 0;
}

// The path of a target in absolute form (RFC 9112, 3.2.2); others as they are.
std::string_view SkipAuthority(std::string_view text) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!StartsWithIgnoringCase(text, scheme)) continue;
    const std::size_t path = text.find_first_of("/?#", scheme.size());
    return path == text.npos ? "/" : text.substr(path);
  }
  return text;
}

// Decodes one segment behind `path`.
Status AppendDecoded(std::string_view segment, std::string& path) {
  while (!segment.empty()) {
    char c = segment.front();
    if (c == '%') {
      const int high = segment.size() > 2 ? HexValue(segment[1]) : -1;
      const int low = segment.size() > 2 ? HexValue(segment[2]) : -1;
      if (high < 0 || low < 0) return Status::kBadRequest;
      c = static_cast<char>(high * 16 + low);
      if (c == '\0') return Status::kBadRequest;
      if (c == '/') return Status::kNotFound;
      segment.remove_prefix(2);
    }
    segment.remove_prefix(1);
    path.push_back(c);
  }
  return Status::kOk;
}

// Removes the last segment, "b/" of "a/b/". False if there is none.
bool RemoveLast(std::string& path) {
  if (path.empty()) return false;
  const std::size_t slash = path.rfind('/', path.size() - 2);
  path.resize(slash == path.npos ? 0 : slash + 1);
  return true;
}

bool IsPlain(unsigned char c) {
  return std::isalnum(c) || c == '-' || c == '_' || c == '.' || c == '~' ||
         c == '/';
}

}  // namespace

Status ParseTarget(std::string_view text, Target& target) {
  text = SkipAuthority(text);
  text = text.substr(0, text.find('#'));
  const std::size_t question = text.find('?');
  target.query = question == text.npos ? "" : text.substr(question);
  std::string_view rest = text.substr(0, question);
  if (rest.empty() && question == 0) rest = "/";  // http://host?query
  if (!rest.starts_with('/')) return Status::kBadRequest;

  std::string& path = target.path;
  path.clear();
  while (!rest.empty()) {
    rest.remove_prefix(1);  // the slash
    const std::size_t begin = path.size();
    const std::string_view raw = rest.substr(0, rest.find('/'));
    rest.remove_prefix(raw.size());
    if (const Status status = AppendDecoded(raw, path); status != Status::kOk) {
      return status;
    }
    const std::string_view segment = std::string_view(path).substr(begin);
    if (segment.empty()) continue;
    if (segment == ".") {
      path.resize(begin);
    } else if (segment == "..") {
      path.resize(begin);
      if (!RemoveLast(path)) return Status::kForbidden;
    } else if (!rest.empty()) {
      path.push_back('/');
    }
  }
  if (path.empty()) path = "./";
  return Status::kOk;
}

std::string UrlPath(std::string_view path) {
  if (path == "./") return "/";
  return '/' + PercentEncode(path);
}

std::string PercentEncode(std::string_view text) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string encoded;
  encoded.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (IsPlain(byte)) {
      encoded.push_back(c);
    } else {
      encoded.push_back('%');
      encoded.push_back(kDigits[byte / 16]);
      encoded.push_back(kDigits[byte % 16]);
    }
  }
  return encoded;
}

std::string EscapeHtml(std::string_view text) {
  std::string escaped;
  escaped.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default:
        escaped.push_back(c);
    }
  }
  return escaped;
}

}  // namespace file_server
