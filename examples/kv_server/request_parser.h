// RequestParser: finds the requests of a Redis client in its bytes.
//
// A request is an array of bulk strings, "*2\r\n$3\r\nGET\r\n$1\r\na\r\n", or
// one line of words, "GET a\r\n", as people type it; words may be quoted. Its
// arguments are views into the bytes: nothing is copied. What is not there yet
// is no error: the parser remembers how far it came, so that a large request
// that arrives in many pieces is looked at once.
//
// A client cannot make it use memory but for what it has sent, up to the
// limits. It does no I/O.
#ifndef EDDY_EXAMPLES_KV_SERVER_REQUEST_PARSER_H_
#define EDDY_EXAMPLES_KV_SERVER_REQUEST_PARSER_H_

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kv_server {

// The words of a request; the first is the command's name.
using Arguments = std::span<const std::string_view>;

struct RequestLimits {
  std::size_t most_arguments = std::size_t{1} << 20;
  std::size_t longest_argument = std::size_t{512} << 20;
  std::size_t longest_line = std::size_t{64} << 10;  // of a request in a line
};

class RequestParser {
 public:
  enum class Outcome {
    kRequest,     // see arguments() and size()
    kIncomplete,  // more bytes are needed
    kMalformed,   // see error(); nothing that follows makes sense
  };

  explicit RequestParser(const RequestLimits& limits) : limits_(limits) {}

  // `bytes` begins with a request. After kIncomplete the next call has the same
  // bytes again, with more behind them; they may have moved. The words of a
  // line with quotes are unquoted in place.
  Outcome Parse(std::span<char> bytes);

  // After kRequest: its words, as long as the bytes stay where they are, and
  // until the next Parse. None for an empty line or array, which get no answer.
  Arguments arguments() const { return arguments_; }
  // How many bytes it took.
  std::size_t size() const { return position_; }

  // After kIncomplete: how many bytes the request has at the least.
  std::size_t least_size() const { return least_size_; }

  // After kMalformed: what to tell the client, as Redis says it.
  const std::string& error() const { return error_; }

 private:
  struct Piece {
    std::size_t begin;
    std::size_t size;
  };

  void Begin();
  std::optional<Outcome> ParseHead(std::string_view bytes);
  std::optional<Outcome> ParseArgument(std::string_view bytes);
  Outcome ParseLine(std::span<char> bytes);
  std::optional<std::size_t> LengthLine(std::string_view bytes);
  Outcome Finish(std::string_view bytes);
  Outcome NeedMore(std::size_t least_size);
  Outcome Malformed(std::string_view what);

  const RequestLimits limits_;
  // Of the request that is looked at: how far it was understood, how many
  // arguments are still to come, and the length of the one that is next.
  bool begun_ = false;
  std::size_t position_ = 0;
  std::size_t expected_ = 0;
  std::optional<std::size_t> length_;
  std::vector<Piece> pieces_;
  std::vector<std::string_view> arguments_;
  std::size_t least_size_ = 0;
  std::string error_;
};

}  // namespace kv_server

#endif  // EDDY_EXAMPLES_KV_SERVER_REQUEST_PARSER_H_
