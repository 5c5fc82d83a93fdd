// Url: the parts of an http:// URL that a request needs.
#ifndef EDDY_EXAMPLES_HTTP_GET_URL_H_
#define EDDY_EXAMPLES_HTTP_GET_URL_H_

#include <eddy/runtime/result.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace http_get {

struct Url {
  std::string host;  // as net::Connect takes it: no brackets around IPv6
  std::uint16_t port = 80;
  std::string authority;  // for the field Host
  std::string target;     // path and query, at least "/"
};

// Errors: EPROTONOSUPPORT for other schemes, EINVAL for what is no URL, for
// user names, and for characters that would have to be escaped.
eddy::Result<Url> ParseUrl(std::string_view text);

}  // namespace http_get

#endif  // EDDY_EXAMPLES_HTTP_GET_URL_H_
