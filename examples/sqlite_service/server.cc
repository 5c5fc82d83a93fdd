#include "examples/sqlite_service/server.h"

#include <eddy/io/buffered_reader.h>
#include <eddy/net/serve.h>
#include <eddy/runtime/stop.h>
#include <eddy/runtime/timeout.h>
#include <eddy/runtime/with_stop.h>

#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace sqlite_service {
namespace {

using eddy::Result;
using eddy::StopToken;
using eddy::Task;
using eddy::Unexpected;
using eddy::WithStop;
using eddy::WithTimeout;
using eddy::net::TcpStream;

// How long a client has to see why it was left.
constexpr eddy::Duration kFarewell = std::chrono::seconds(1);

class Session {
 public:
  Session(TcpStream& stream, StorePool& stores, const Options& options,
          StopToken draining)
      : stream_(stream),
        stores_(stores),
        options_(options),
        draining_(std::move(draining)) {}

  Task<Result<void>> Run() {
    EDDY_CO_CHECK(co_await Talk());
    co_return co_await WithTimeout(kFarewell, EndGently());
  }

 private:
  Task<Result<void>> Talk() {
    eddy::io::BufferedReader reader(stream_, options_.longest_line);
    while (!draining_.stop_requested()) {
      const Result<std::string_view> line = co_await WithStop(
          draining_, WithTimeout(options_.idle, reader.ReadLine()));
      if (!line && line.error() == std::errc::message_size) {
        co_return co_await Say("ERR that line is too long\n");
      }
      if (!line || *line == "QUIT") break;
      const Result<std::string> answer =
          co_await WithTimeout(options_.patience, stores_.Answer(*line));
      if (answer) {
        EDDY_CO_CHECK(co_await Say(*answer));
      } else if (answer.error() == eddy::kTimedOut) {
        EDDY_CO_CHECK(co_await Say("ERR it took too long\n"));
      } else {
        co_return Unexpected(answer.error());
      }
    }
    co_return Result<void>();
  }

  Task<Result<void>> Say(std::string_view text) {
    co_return co_await WithTimeout(
        options_.patience, stream_.Write(std::as_bytes(std::span(text))));
  }

  // To close while input waits would reset the connection, and destroy what the
  // client has not read yet.
  Task<Result<void>> EndGently() {
    EDDY_CO_CHECK(co_await stream_.Shutdown());
    std::vector<std::byte> buffer(options_.longest_line);
    while (true) {
      EDDY_CO_TRY(const std::size_t n, co_await stream_.Read(buffer));
      if (n == 0) co_return Result<void>();
    }
  }

  TcpStream& stream_;
  StorePool& stores_;
  const Options& options_;
  const StopToken draining_;
};

}  // namespace

Task<Result<void>> Serve(eddy::net::TcpListener& listener, StorePool& stores,
                         Options options) {
  eddy::net::ServeOptions serve;
  serve.most_connections = options.most_clients;
  serve.drain = options.drain;
  // One client's end is no failure of the others.
  serve.on_failure = [](const auto&, const auto&) {};
  const auto talk = [&](TcpStream& stream,
                        StopToken draining) -> Task<Result<void>> {
    Session session(stream, stores, options, std::move(draining));
    co_return co_await session.Run();
  };
  co_return co_await eddy::net::Serve(listener, talk, std::move(serve));
}

}  // namespace sqlite_service
