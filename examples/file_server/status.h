// The HTTP statuses that this server answers with.
#ifndef EDDY_EXAMPLES_FILE_SERVER_STATUS_H_
#define EDDY_EXAMPLES_FILE_SERVER_STATUS_H_

#include <string_view>

namespace file_server {

enum class Status {
  kOk = 200,
  kPartialContent = 206,
  kMovedPermanently = 301,
  kNotModified = 304,
  kBadRequest = 400,
  kForbidden = 403,
  kNotFound = 404,
  kMethodNotAllowed = 405,
  kRequestTimeout = 408,
  kUriTooLong = 414,
  kRangeNotSatisfiable = 416,
  kHeadTooLarge = 431,
  kInternalError = 500,
  kNotImplemented = 501,
  kServiceUnavailable = 503,
  kVersionNotSupported = 505,
};

// Number and phrase, as the status line has them: "404 Not Found".
constexpr std::string_view StatusText(Status status) {
  switch (status) {
    case Status::kOk:
      return "200 OK";
    case Status::kPartialContent:
      return "206 Partial Content";
    case Status::kMovedPermanently:
      return "301 Moved Permanently";
    case Status::kNotModified:
      return "304 Not Modified";
    case Status::kBadRequest:
      return "400 Bad Request";
    case Status::kForbidden:
      return "403 Forbidden";
    case Status::kNotFound:
      return "404 Not Found";
    case Status::kMethodNotAllowed:
      return "405 Method Not Allowed";
    case Status::kRequestTimeout:
      return "408 Request Timeout";
    case Status::kUriTooLong:
      return "414 URI Too Long";
    case Status::kRangeNotSatisfiable:
      return "416 Range Not Satisfiable";
    case Status::kHeadTooLarge:
      return "431 Request Header Fields Too Large";
    case Status::kNotImplemented:
      return "501 Not Implemented";
    case Status::kServiceUnavailable:
      return "503 Service Unavailable";
    case Status::kVersionNotSupported:
      return "505 HTTP Version Not Supported";
    case Status::kInternalError:
      break;
  }
  return "500 Internal Server Error";
}

}  // namespace file_server

#endif  // EDDY_EXAMPLES_FILE_SERVER_STATUS_H_
