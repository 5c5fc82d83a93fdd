// A subject of the HTTP benchmark: what canned_server does, as a user of eddy
// would write it. A task for each client, requests parsed by llhttp, all of
// them given the same answer.
//
//   hello_server PORT FILE      answers with FILE; prints its port; SIGTERM
//                               ends it

#include <llhttp.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "bench/http/canned.h"
#include "bench/lib/eddy_server.h"

namespace eddy::bench {
namespace {

// As in the twins (twin.h).
constexpr std::size_t kBufferSize = std::size_t{16} * 1024;

// What one client sends.
class Requests {
 public:
  Requests() {
    llhttp_init(&parser_, HTTP_REQUEST, Settings());
    parser_.data = this;
  }
  Requests(const Requests&) = delete;
  Requests& operator=(const Requests&) = delete;

  // How many requests are complete with these bytes.
  std::size_t Parse(std::span<const std::byte> more) {
    complete_ = 0;
    const auto result = llhttp_execute(
        &parser_, reinterpret_cast<const char*>(more.data()), more.size());
    if (result != HPE_OK) last_ = true;
    return complete_;
  }

  // Whether nothing follows: the client has said so, or does not speak HTTP.
  bool last() const { return last_; }

 private:
  static int OnComplete(llhttp_t* parser) {
    auto& self = *static_cast<Requests*>(parser->data);
    ++self.complete_;
    if (llhttp_should_keep_alive(parser) == 0) self.last_ = true;
    return HPE_OK;
  }
  static const llhttp_settings_t* Settings() {
    static const llhttp_settings_t settings = [] {
      llhttp_settings_t s;
      llhttp_settings_init(&s);
      s.on_message_complete = OnComplete;
      return s;
    }();
    return &settings;
  }

  llhttp_t parser_;
  std::size_t complete_ = 0;
  bool last_ = false;
};

Task<void> Hello(net::TcpStream stream, const CannedAnswers& answers) {
  const auto memory = std::make_unique_for_overwrite<std::byte[]>(kBufferSize);
  const std::span<std::byte> buffer(memory.get(), kBufferSize);
  Requests requests;
  while (!requests.last()) {
    const Result<std::size_t> n = co_await stream.Read(buffer);
    if (!n || *n == 0) co_return;
    std::size_t owed = requests.Parse(buffer.first(*n));
    while (owed > 0) {
      const std::string_view text = answers.To(owed);
      const Result<void> written =
          co_await stream.Write(std::as_bytes(std::span(text)));
      if (!written) co_return;
      owed -= std::min(owed, CannedAnswers::kTogether);
    }
  }
}

}  // namespace
}  // namespace eddy::bench

int main(int argc, char** argv) {
  using namespace eddy;         // NOLINT: a program
  using namespace eddy::bench;  // NOLINT: a program
  if (argc != 3) return 2;
  const CannedAnswers answers(argv[2]);
  return ServeTcp(argc, argv, [&answers](net::TcpStream stream) {
    return Hello(std::move(stream), answers);
  });
}
