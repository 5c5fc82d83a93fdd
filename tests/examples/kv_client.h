// What tests of kv_server have in common: the server as a program, and a client
// that sees replies as the bytes they are.
#ifndef EDDY_TESTS_EXAMPLES_KV_CLIENT_H_
#define EDDY_TESTS_EXAMPLES_KV_CLIENT_H_

#include <gtest/gtest.h>

#include <csignal>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/examples/http_client.h"
#include "tests/examples/program.h"
#include "tests/examples/resp.h"

namespace eddy::testing_examples {

using Words = std::vector<std::string>;

class KvClient {
 public:
  explicit KvClient(const std::string& address, int receive_buffer = 0)
      : connection_(address, receive_buffer) {}

  // False if the server has closed the connection meanwhile.
  bool Send(std::string_view bytes) { return connection_.Send(bytes); }
  bool Say(const Words& words) { return Send(RespRequest(words)); }

  // The next reply, as it came; "" at the end.
  std::string Hear() {
    while (true) {
      const auto size = RespReplySize(received_);
      if (size == std::string_view::npos) return "no reply: " + received_;
      if (size) {
        std::string reply = received_.substr(0, *size);
        received_.erase(0, *size);
        return reply;
      }
      const std::string more = connection_.Read(64 * 1024);
      if (more.empty()) return "";
      received_ += more;
    }
  }
  std::string Ask(const Words& words) { return Say(words) ? Hear() : ""; }

  HttpClient& connection() { return connection_; }

 private:
  HttpClient connection_;
  std::string received_;
};

// A bulk string, as a reply.
inline std::string Bulk(const std::string& text) {
  return "$" + std::to_string(text.size()) + "\r\n" + text + "\r\n";
}

class KvServer {
 public:
  explicit KvServer(const Words& flags) {
    Words words = {Program::Example("kv_server"), "--listen=127.0.0.1:0",
                   "--oversubscribe"};
    words.insert(words.end(), flags.begin(), flags.end());
    program_.emplace(words);
    address_ = ListeningOn(*program_);
  }

  const std::string& address() const { return address_; }
  std::string port() const { return address_.substr(address_.find(':') + 1); }
  KvClient Connect(int receive_buffer = 0) const {
    return KvClient(address_, receive_buffer);
  }
  Program& program() { return *program_; }

  // The server's end, as by SIGTERM.
  void EndWell() {
    program_->Signal(SIGTERM);
    EXPECT_EQ(program_->Wait(), 0);
  }
  void Kill() {
    program_->Signal(SIGKILL);
    EXPECT_EQ(program_->Wait(), 128 + SIGKILL);
  }

 private:
  std::optional<Program> program_;
  std::string address_;
};

}  // namespace eddy::testing_examples

#endif  // EDDY_TESTS_EXAMPLES_KV_CLIENT_H_
