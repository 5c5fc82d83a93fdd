#include "examples/chat_server_threads/server.h"

#include <algorithm>
#include <condition_variable>
#include <cstdio>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "examples/blocking_sockets/connection_threads.h"
#include "examples/blocking_sockets/line_reader.h"
#include "examples/chat_server/chat.h"
#include "examples/chat_server_threads/outbox.h"

namespace chat_server_threads {
namespace {

using blocking_sockets::LineReader;
using blocking_sockets::Socket;
using Clock = std::chrono::steady_clock;
using chat_server::Chat;
using chat_server::Member;
using std::chrono::nanoseconds;

// How long a client has to see why it was left.
constexpr std::chrono::seconds kFarewell(1);

// Says when a client may say something again.
class Pace {
 public:
  explicit Pace(const Options& options) : options_(options) {}

  // How long to wait after a line.
  nanoseconds Next() {
    const Clock::time_point now = Clock::now();
    const nanoseconds saved = options_.per_line * options_.lines_at_once;
    credit_ = std::max(credit_, now - saved) + options_.per_line;
    return std::max(credit_ - now, nanoseconds::zero());
  }

 private:
  const Options& options_;
  Clock::time_point credit_;
};

// The chat, for one thread at a time.
class SharedChat {
 public:
  bool Handle(Member& member, std::string_view line) {
    const std::lock_guard lock(mutex_);
    return chat_.Handle(member, line);
  }
  void Remove(Member& member) {
    const std::lock_guard lock(mutex_);
    chat_.Remove(member);
  }

 private:
  std::mutex mutex_;
  Chat chat_;
};

class Session final : public Member, public blocking_sockets::Connection {
 public:
  Session(Socket socket, SharedChat& chat, const Options& options)
      : socket_(std::move(socket)),
        chat_(chat),
        options_(options),
        outbox_(options.most_queued) {}

  using Member::Tell;
  // On the thread of who speaks, which has the chat's mutex.
  void Tell(Line line) override {
    if (!outbox_.Push(std::move(line))) socket_.EndBoth();
  }

  // This thread reads, another one writes. Either's end is the end of both, but
  // what waits is still written where the client itself says goodbye.
  void Run() override {
    std::thread writer(&Session::Write, this);
    {
      const Ending ending(*this, writer);
      Read();
    }
    socket_.EndGently(kFarewell);
  }

  // The client is told that the server ends.
  void Drain() override {
    {
      const std::lock_guard lock(mutex_);
      draining_ = true;
      drained_.notify_one();
    }
    socket_.EndReceives();
  }
  void Cut() override { socket_.EndBoth(); }

 private:
  // The end of both threads, also by an exception.
  class Ending {
   public:
    Ending(Session& session, std::thread& writer) noexcept
        : session_(session), writer_(writer) {}
    Ending(const Ending&) = delete;
    Ending& operator=(const Ending&) = delete;
    ~Ending() {
      try {
        session_.chat_.Remove(session_);
      } catch (const std::exception&) {
        // Not all could be told.
      }
      session_.outbox_.Close();
      writer_.join();
    }

   private:
    Session& session_;
    std::thread& writer_;
  };

  void Read() {
    LineReader reader(socket_, options_.longest_line, options_.idle);
    Pace pace(options_);
    while (true) {
      switch (reader.Next()) {
        case LineReader::Status::kLine:
          break;
        case LineReader::Status::kTimedOut:
          return Tell("ERR idle for too long");
        case LineReader::Status::kTooLong:
          return Tell("ERR that line is too long");
        case LineReader::Status::kEnd:
          if (IsDraining()) Tell("* the server ends");
          return;
      }
      if (!chat_.Handle(*this, reader.line())) return;
      const nanoseconds wait = pace.Next();
      if (wait > nanoseconds::zero()) {
        std::unique_lock lock(mutex_);
        drained_.wait_for(lock, wait, [this] { return draining_; });
      }
    }
  }

  // An error ends the reading too.
  void Write() {
    try {
      WriteAll();
    } catch (const std::exception& error) {
      std::fprintf(stderr, "a client was left: %s\n", error.what());
      socket_.EndBoth();
    }
  }
  void WriteAll() {
    socket_.SetSendTimeout(options_.patience);
    while (true) {
      const std::string text = outbox_.Take();
      if (text.empty()) return socket_.EndSends();
      if (!socket_.SendAll(text)) return socket_.EndBoth();
    }
  }

  bool IsDraining() {
    const std::lock_guard lock(mutex_);
    return draining_;
  }

  Socket socket_;
  SharedChat& chat_;
  const Options& options_;
  Outbox outbox_;

  std::mutex mutex_;
  std::condition_variable drained_;
  bool draining_ = false;
};

}  // namespace

void Serve(blocking_sockets::Listener& listener, const Options& options) {
  SharedChat chat;
  blocking_sockets::ConnectionThreads threads(
      options.most_clients, [&](Socket socket) {
        return std::make_unique<Session>(std::move(socket), chat, options);
      });
  threads.ServeUntilSignal(listener, options.patience + kFarewell);
}

}  // namespace chat_server_threads
