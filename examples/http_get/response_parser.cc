#include "examples/http_get/response_parser.h"

#include <system_error>

namespace http_get {

using eddy::Result;
using eddy::Unexpected;

struct ResponseParser::Callbacks {
  static ResponseParser& Self(llhttp_t* parser) {
    return *static_cast<ResponseParser*>(parser->data);
  }

  static int OnHead(llhttp_t* parser) {
    ResponseParser& self = Self(parser);
    self.status_ = parser->status_code;
    // 100 to 199 come before the response.
    self.in_body_ = parser->status_code >= 200;
    return HPE_OK;
  }
  static int OnBody(llhttp_t* parser, const char*, std::size_t size) {
    ResponseParser& self = Self(parser);
    self.body_size_ += size;
    self.others_ = 0;
    return HPE_OK;
  }
  static int OnEnd(llhttp_t* parser) {
    ResponseParser& self = Self(parser);
    self.complete_ = self.in_body_;
    // What comes after it is nobody's.
    return self.complete_ ? HPE_PAUSED : HPE_OK;
  }

  static const llhttp_settings_t& Settings() {
    static const llhttp_settings_t settings = [] {
      llhttp_settings_t s;
      llhttp_settings_init(&s);
      s.on_headers_complete = OnHead;
      s.on_body = OnBody;
      s.on_message_complete = OnEnd;
      return s;
    }();
    return settings;
  }
};

ResponseParser::ResponseParser(std::size_t most_head, std::uint64_t most_body)
    : most_head_(most_head), most_body_(most_body) {
  llhttp_init(&parser_, HTTP_RESPONSE, &Callbacks::Settings());
  parser_.data = this;
}

Result<void> ResponseParser::Feed(std::span<const std::byte> data) {
  others_ += data.size();
  const llhttp_errno_t error = llhttp_execute(
      &parser_, reinterpret_cast<const char*>(data.data()), data.size());
  if (body_size_ > most_body_) return Unexpected(std::errc::file_too_large);
  if (complete_) return {};
  // 101: the connection would speak something else from here on.
  if (error != HPE_OK) return Unexpected(std::errc::protocol_error);
  if (others_ > most_head_) return Unexpected(std::errc::message_size);
  return {};
}

Result<void> ResponseParser::Finish() {
  llhttp_finish(&parser_);
  if (!complete_) return Unexpected(eddy::kEndOfStream);
  return {};
}

}  // namespace http_get
