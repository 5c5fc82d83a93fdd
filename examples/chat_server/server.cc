#include "examples/chat_server/server.h"

#include <eddy/io/buffered_reader.h>
#include <eddy/net/serve.h>
#include <eddy/runtime/stop.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/timeout.h>
#include <eddy/runtime/timer.h>
#include <eddy/runtime/with_stop.h>

#include <algorithm>
#include <exception>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "examples/chat_server/chat.h"
#include "examples/chat_server/outbox.h"

namespace chat_server {
namespace {

using eddy::Clock;
using eddy::Duration;
using eddy::Error;
using eddy::Result;
using eddy::StopToken;
using eddy::Task;
using eddy::TaskScope;
using eddy::TimePoint;
using eddy::Unexpected;
using eddy::WithStop;
using eddy::WithTimeout;
using eddy::net::TcpStream;

// How long a client has to see why it was left.
constexpr Duration kFarewell = std::chrono::seconds(1);

// Says when a client may say something again.
class Pace {
 public:
  explicit Pace(const Options& options) : options_(options) {}

  // How long to wait after a line.
  Duration Next() {
    const TimePoint now = Clock::now();
    const Duration saved = options_.per_line * options_.lines_at_once;
    credit_ = std::max(credit_, now - saved) + options_.per_line;
    return std::max(credit_ - now, Duration::zero());
  }

 private:
  const Options& options_;
  TimePoint credit_ = {};
};

// Why a client is left, for the client; "" where nobody needs to know.
std::string_view Farewell(Error error, bool draining) {
  if (error == eddy::kTimedOut) return "ERR idle for too long";
  if (error == std::errc::message_size) return "ERR that line is too long";
  return draining ? "* the server ends" : "";
}

class Session final : public Member {
 public:
  Session(TcpStream& stream, Chat& chat, const Options& options,
          StopToken draining)
      : stream_(stream),
        chat_(chat),
        options_(options),
        draining_(std::move(draining)),
        outbox_(options.most_queued) {}
  // Also where an exception has ended it, nobody talks to it any more.
  ~Session() {
    try {
      chat_.Remove(*this);
    } catch (const std::exception&) {
      // Not all could be told.
    }
  }

  using Member::Tell;
  void Tell(Line line) override {
    if (!outbox_.Push(std::move(line))) thrown_out_.RequestStop();
  }

  // Two tasks: one reads, one writes. Either's end is the end of both, but what
  // waits is still written where the client itself says goodbye.
  Task<Result<void>> Run() {
    Result<void> read;
    const auto body = [&](TaskScope& scope) -> Task<> {
      scope.Spawn(Write());
      read = co_await Read();
      chat_.Remove(*this);
      outbox_.Close();
    };
    const Result<void> ended =
        co_await WithStop(thrown_out_.token(), eddy::WithScope(body));
    // Thrown out, its tasks were stopped, and it is still there.
    chat_.Remove(*this);
    if (thrown_out_.stop_requested()) {
      co_return Unexpected(std::errc::no_buffer_space);
    }
    if (ended) static_cast<void>(co_await WithTimeout(kFarewell, Discard()));
    // Where the writing has failed first, that has stopped the reading.
    if (read || read.error() == eddy::kCanceled) co_return ended;
    co_return read;
  }

 private:
  // Until the client has gone, or is to be left.
  Task<Result<void>> Read() {
    eddy::io::BufferedReader reader(stream_, options_.longest_line);
    Pace pace(options_);
    while (true) {
      const Result<std::string_view> line = co_await WithStop(
          draining_, WithTimeout(options_.idle, reader.ReadLine()));
      if (!line) {
        const std::string_view why =
            Farewell(line.error(), draining_.stop_requested());
        if (!why.empty()) Tell(why);
        if (draining_.stop_requested() || line.error() == eddy::kEndOfStream) {
          co_return Result<void>();
        }
        co_return Unexpected(line.error());
      }
      if (!chat_.Handle(*this, *line)) co_return Result<void>();
      const Duration wait = pace.Next();
      // A stop is seen by the next read.
      if (wait > Duration::zero()) {
        static_cast<void>(co_await WithStop(draining_, eddy::Sleep(wait)));
      }
    }
  }

  // An error stops the reading too.
  Task<Result<void>> Write() {
    while (true) {
      EDDY_CO_TRY(const std::string text, co_await outbox_.Take());
      if (text.empty()) co_return co_await stream_.Shutdown();
      EDDY_CO_CHECK(co_await WithTimeout(
          options_.patience, stream_.Write(std::as_bytes(std::span(text)))));
    }
  }

  // To close while input waits would reset the connection, and destroy what the
  // client has not read yet.
  Task<Result<void>> Discard() {
    std::vector<std::byte> buffer(options_.longest_line);
    while (true) {
      EDDY_CO_TRY(const std::size_t n, co_await stream_.Read(buffer));
      if (n == 0) co_return Result<void>();
    }
  }

  TcpStream& stream_;
  Chat& chat_;
  const Options& options_;
  const StopToken draining_;
  Outbox outbox_;
  // Stopped when it cannot keep up.
  eddy::StopSource thrown_out_;
};

}  // namespace

Task<Result<void>> Serve(eddy::net::TcpListener& listener, Options options) {
  Chat chat;
  eddy::net::ServeOptions serve;
  serve.most_connections = options.most_clients;
  serve.drain = options.patience + kFarewell;
  // Also without a callback: one client's end is no failure of the others.
  serve.on_failure = [&](const auto& client, const auto& failure) {
    if (options.on_failure) options.on_failure(client, failure);
  };
  const auto talk = [&](TcpStream& stream,
                        StopToken draining) -> Task<Result<void>> {
    Session session(stream, chat, options, draining);
    const Result<void> ended = co_await session.Run();
    // Who has gone by then need not hear that the server ends.
    if (draining.stop_requested()) co_return Result<void>();
    co_return ended;
  };
  co_return co_await eddy::net::Serve(listener, talk, std::move(serve));
}

}  // namespace chat_server
