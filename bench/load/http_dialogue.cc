// HTTP: one GET again and again, on a connection that is kept. llhttp finds the
// answers' ends.

#include <llhttp.h>

#include "absl/strings/str_cat.h"
#include "bench/load/dialogue.h"

namespace eddy::bench {
namespace {

class HttpDialogue final : public Dialogue {
 public:
  explicit HttpDialogue(const Target& target)
      : request_(absl::StrCat("GET ", target.path,
                              " HTTP/1.1\r\nHost: ", target.host, "\r\n\r\n")) {
    llhttp_init(&parser_, HTTP_RESPONSE, &Settings());
    parser_.data = this;
  }
  HttpDialogue(const HttpDialogue&) = delete;
  HttpDialogue& operator=(const HttpDialogue&) = delete;

  void Ask(std::string& out) override { out += request_; }

  absl::Status Hear(absl::string_view bytes, Answers& answers) override {
    answers_ = &answers;
    const llhttp_errno_t error =
        llhttp_execute(&parser_, bytes.data(), bytes.size());
    answers_ = nullptr;
    // What comes after the last answer is nobody's.
    if (error == HPE_OK || !stays_open_) return absl::OkStatus();
    return absl::InternalError(
        absl::StrCat("an answer is no HTTP: ", llhttp_errno_name(error)));
  }

  bool stays_open() const override { return stays_open_; }

 private:
  static int OnEnd(llhttp_t* parser) {
    auto& self = *static_cast<HttpDialogue*>(parser->data);
    // 100 to 199 come before the answer.
    if (parser->status_code < 200) return HPE_OK;
    ++self.answers_->complete;
    if (parser->status_code >= 400) ++self.answers_->refused;
    if (llhttp_should_keep_alive(parser) != 0) return HPE_OK;
    self.stays_open_ = false;
    return HPE_PAUSED;
  }

  static const llhttp_settings_t& Settings() {
    static const llhttp_settings_t settings = [] {
      llhttp_settings_t s;
      llhttp_settings_init(&s);
      s.on_message_complete = OnEnd;
      return s;
    }();
    return settings;
  }

  const std::string request_;
  llhttp_t parser_;
  Answers* answers_ = nullptr;  // while in Hear
  bool stays_open_ = true;
};

}  // namespace

std::unique_ptr<Dialogue> MakeHttpDialogue(const LoadOptions& options) {
  return std::make_unique<HttpDialogue>(options.target);
}

}  // namespace eddy::bench
