// A request's head, parsed by llhttp where it lies in the receive buffer.
//
// llhttp decides what HTTP is, with all its lenient modes off. What it lets
// through all the same and a server must refuse (RFC 9112: a field name with a
// space, a folded line, a missing Host) is refused here.
#ifndef EDDY_EXAMPLES_FILE_SERVER_REQUEST_H_
#define EDDY_EXAMPLES_FILE_SERVER_REQUEST_H_

#include <llhttp.h>

#include <cstddef>
#include <optional>
#include <string_view>

#include "examples/file_server/status.h"

namespace file_server {

// The texts refer to the buffer that was parsed. A field that is absent, or
// that came twice, is empty.
struct Request {
  enum class Method { kGet, kHead, kOther };

  Method method = Method::kOther;
  bool http_1_0 = false;
  // What the client wants to happen to the connection.
  bool keep_alive = false;
  // A body follows the head.
  bool has_body = false;
  std::string_view target;
  std::string_view range;
  std::string_view if_range;
  std::string_view if_none_match;
  std::string_view if_modified_since;
};

class RequestParser {
 public:
  RequestParser() noexcept { Start(); }
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  // Begins a new head.
  void Start() noexcept;

  // Parses more of the head. `more` lies in memory right behind what was given
  // before. Result: nothing while the head is incomplete; kOk when it is
  // complete; otherwise the status to refuse the request with.
  std::optional<Status> Parse(std::string_view more) noexcept;

  // Of the last `more`, the bytes that belong to the head. After kOk.
  std::size_t consumed() const noexcept { return consumed_; }

  // After kOk; method and target also before, as far as they were parsed.
  const Request& request() const noexcept { return request_; }

  // Whether the head got beyond the request line.
  bool in_fields() const noexcept { return in_fields_; }

 private:
  struct Callbacks;

  bool TakeField() noexcept;
  std::optional<Status> Complete() noexcept;
  Status Refusal(std::string_view more) const noexcept;

  llhttp_t parser_;
  Request request_;
  // The field that is being parsed.
  std::string_view name_;
  std::string_view value_;
  std::size_t consumed_ = 0;
  unsigned hosts_ = 0;
  bool in_fields_ = false;
};

}  // namespace file_server

#endif  // EDDY_EXAMPLES_FILE_SERVER_REQUEST_H_
