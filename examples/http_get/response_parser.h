// ResponseParser: what a server sends, in parts of any size, as one response.
//
// Nothing is kept of it but its status and the size of its body, so neither an
// endless head nor an endless body costs memory; both have a limit all the
// same.
#ifndef EDDY_EXAMPLES_HTTP_GET_RESPONSE_PARSER_H_
#define EDDY_EXAMPLES_HTTP_GET_RESPONSE_PARSER_H_

#include <eddy/runtime/result.h>
#include <llhttp.h>

#include <cstddef>
#include <cstdint>
#include <span>

namespace http_get {

class ResponseParser {
 public:
  // `most_head` bounds the head, and whatever else comes without a byte of the
  // body: interim responses, the frames of chunks, trailers.
  ResponseParser(std::size_t most_head, std::uint64_t most_body);
  ResponseParser(const ResponseParser&) = delete;
  ResponseParser& operator=(const ResponseParser&) = delete;

  // Errors: EPROTO for what is no HTTP; EMSGSIZE, EFBIG beyond the limits.
  eddy::Result<void> Feed(std::span<const std::byte> data);
  // The server has closed. Errors: kEndOfStream: too early.
  eddy::Result<void> Finish();

  // Whether the head is there, and whether all is.
  bool in_body() const noexcept { return in_body_; }
  bool complete() const noexcept { return complete_; }
  int status() const noexcept { return status_; }
  std::uint64_t body_size() const noexcept { return body_size_; }

 private:
  struct Callbacks;

  const std::size_t most_head_;
  const std::uint64_t most_body_;
  llhttp_t parser_;
  int status_ = 0;
  std::uint64_t body_size_ = 0;
  // Bytes since the last of the body.
  std::size_t others_ = 0;
  bool in_body_ = false;
  bool complete_ = false;
};

}  // namespace http_get

#endif  // EDDY_EXAMPLES_HTTP_GET_RESPONSE_PARSER_H_
