#include "examples/file_server/request.h"

#include <strings.h>

#include <algorithm>
#include <cctype>

namespace file_server {
namespace {

bool EqualsIgnoringCase(std::string_view a, std::string_view b) {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

// Appends a part of a text that llhttp hands over in parts. False if it is not
// the text's continuation: something, such as a line break, is between them.
bool Extend(std::string_view& text, const char* at, std::size_t size) {
  if (text.empty()) {
    text = {at, size};
    return true;
  }
  if (text.data() + text.size() != at) return false;
  text = {text.data(), text.size() + size};
  return true;
}

std::string_view TrimEnd(std::string_view text) {
  const std::size_t last = text.find_last_not_of(" \t");
  return text.substr(0, last + 1);
}

// A method's name and a space, though no method that llhttp knows.
bool StartsWithUnknownMethod(std::string_view head) {
  const std::size_t space = head.find(' ');
  return space != head.npos && space > 0 && space < 32 &&
         std::all_of(head.begin(), head.begin() + space, [](unsigned char c) {
           return std::isalnum(c) || c == '-' || c == '_';
         });
}

}  // namespace

struct RequestParser::Callbacks {
  static RequestParser& Self(llhttp_t* parser) {
    return *static_cast<RequestParser*>(parser->data);
  }

  static int OnUrl(llhttp_t* parser, const char* at, std::size_t size) {
    // The method is before it; also an answer to half a head is told by it.
    Request& request = Self(parser).request_;
    if (parser->method == HTTP_GET) request.method = Request::Method::kGet;
    if (parser->method == HTTP_HEAD) request.method = Request::Method::kHead;
    return Extend(request.target, at, size) ? HPE_OK : HPE_USER;
  }
  static int OnName(llhttp_t* parser, const char* at, std::size_t size) {
    RequestParser& self = Self(parser);
    self.in_fields_ = true;
    return Extend(self.name_, at, size) ? HPE_OK : HPE_USER;
  }
  static int OnValue(llhttp_t* parser, const char* at, std::size_t size) {
    return Extend(Self(parser).value_, at, size) ? HPE_OK : HPE_USER;
  }
  static int OnValueComplete(llhttp_t* parser) {
    return Self(parser).TakeField() ? HPE_OK : HPE_USER;
  }
  // The server answers before it looks at a body, so llhttp never sees one.
  static int OnHeadersComplete(llhttp_t*) { return HPE_PAUSED; }

  static const llhttp_settings_t* Settings() {
    static const llhttp_settings_t settings = [] {
      llhttp_settings_t s;
      llhttp_settings_init(&s);
      s.on_url = OnUrl;
      s.on_header_field = OnName;
      s.on_header_value = OnValue;
      s.on_header_value_complete = OnValueComplete;
      s.on_headers_complete = OnHeadersComplete;
      return s;
    }();
    return &settings;
  }
};

void RequestParser::Start() noexcept {
  llhttp_init(&parser_, HTTP_REQUEST, Callbacks::Settings());
  parser_.data = this;
  request_ = Request{};
  name_ = value_ = {};
  consumed_ = 0;
  hosts_ = 0;
  in_fields_ = false;
}

std::optional<Status> RequestParser::Parse(std::string_view more) noexcept {
  switch (llhttp_execute(&parser_, more.data(), more.size())) {
    case HPE_OK:
      return std::nullopt;
    case HPE_PAUSED:
      consumed_ = static_cast<std::size_t>(llhttp_get_error_pos(&parser_) -
                                           more.data());
      return Complete();
    default:
      return Refusal(more);
  }
}

// The end of a field. False for one that no request may have.
bool RequestParser::TakeField() noexcept {
  const std::string_view name = name_;
  const std::string_view value = TrimEnd(value_);
  name_ = value_ = {};
  if (name.find(' ') != name.npos) return false;
  std::string_view* wanted = nullptr;
  switch (name.size()) {
    case 4:
      if (EqualsIgnoringCase(name, "host")) ++hosts_;
      break;
    case 5:
      if (EqualsIgnoringCase(name, "range")) wanted = &request_.range;
      break;
    case 8:
      if (EqualsIgnoringCase(name, "if-range")) wanted = &request_.if_range;
      break;
    case 13:
      if (EqualsIgnoringCase(name, "if-none-match")) {
        wanted = &request_.if_none_match;
      }
      break;
    case 17:
      if (EqualsIgnoringCase(name, "if-modified-since")) {
        wanted = &request_.if_modified_since;
      }
      break;
    default:
      break;
  }
  if (wanted == nullptr) return true;
  // Not null, though empty, from the second on: it stays so.
  *wanted = wanted->data() == nullptr ? value : value.substr(0, 0);
  return true;
}

std::optional<Status> RequestParser::Complete() noexcept {
  if (parser_.http_major != 1) return Status::kVersionNotSupported;
  request_.http_1_0 = parser_.http_minor == 0;
  if (hosts_ > 1 || (hosts_ == 0 && !request_.http_1_0)) {
    return Status::kBadRequest;
  }
  const bool encoded = (parser_.flags & F_TRANSFER_ENCODING) != 0;
  if (encoded && (parser_.flags & F_CHUNKED) == 0) {
    return Status::kNotImplemented;
  }
  request_.has_body = encoded || parser_.content_length > 0;
  request_.keep_alive = llhttp_should_keep_alive(&parser_) != 0;
  return Status::kOk;
}

Status RequestParser::Refusal(std::string_view more) const noexcept {
  switch (llhttp_get_errno(&parser_)) {
    case HPE_INVALID_METHOD:
      return StartsWithUnknownMethod(more) ? Status::kNotImplemented
                                           : Status::kBadRequest;
    case HPE_INVALID_VERSION: {
      const bool known = parser_.http_major == 1 && parser_.http_minor <= 1;
      return known ? Status::kBadRequest : Status::kVersionNotSupported;
    }
    case HPE_PAUSED_H2_UPGRADE:
      return Status::kVersionNotSupported;
    default:
      return Status::kBadRequest;
  }
}

}  // namespace file_server
