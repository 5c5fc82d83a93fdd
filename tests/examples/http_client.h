// HttpClient: a raw connection to a server, for requests that no decent client
// would send; and just enough HTTP to read the answers.
#ifndef EDDY_TESTS_EXAMPLES_HTTP_CLIENT_H_
#define EDDY_TESTS_EXAMPLES_HTTP_CLIENT_H_

#include <cstddef>
#include <map>
#include <string>
#include <string_view>

namespace eddy::testing_examples {

struct HttpResponse {
  int status = 0;                             // 0: none came
  std::map<std::string, std::string> fields;  // names in lower case
  std::string body;

  // Empty if there is none.
  std::string Field(const std::string& name) const {
    const auto found = fields.find(name);
    return found == fields.end() ? "" : found->second;
  }
};

class HttpClient {
 public:
  // `address` as in "127.0.0.1:8080". `receive_buffer` in bytes; 0 for the
  // kernel's choice.
  explicit HttpClient(const std::string& address, int receive_buffer = 0);
  ~HttpClient();
  HttpClient(HttpClient&& other) noexcept;
  HttpClient& operator=(HttpClient&&) = delete;

  // False if the server has closed the connection meanwhile.
  bool Send(std::string_view text);
  // Sends a GET with Host and these lines ("Range: bytes=0-1\r\n").
  bool SendGet(std::string_view target, std::string_view lines = {});

  // The next response. `head_only` after a HEAD.
  HttpResponse Receive(bool head_only = false);
  HttpResponse Get(std::string_view target, std::string_view lines = {});

  // Some bytes, at most `size`; none at the end of the connection.
  std::string Read(std::size_t size);
  // Whether the server has closed; waits for it. Bytes that come are no end.
  bool AtEnd();
  // Throws away `size` bytes; how many came.
  std::size_t Skip(std::size_t size);

  void EndOfInput();  // no more requests
  void Reset();       // closes with RST

 private:
  int fd_;
  std::string received_;
};

}  // namespace eddy::testing_examples

#endif  // EDDY_TESTS_EXAMPLES_HTTP_CLIENT_H_
