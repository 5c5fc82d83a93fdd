#include "examples/sqlite_service_threads/server.h"

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "examples/blocking_sockets/connection_threads.h"
#include "examples/blocking_sockets/line_reader.h"

namespace sqlite_service_threads {
namespace {

using blocking_sockets::LineReader;
using blocking_sockets::Socket;

// How long a client has to see why it was left.
constexpr std::chrono::seconds kFarewell(1);

class Session final : public blocking_sockets::Connection {
 public:
  Session(Socket socket, StorePool& stores, const Options& options)
      : socket_(std::move(socket)), stores_(stores), options_(options) {}

  void Run() override {
    Talk();
    socket_.EndGently(kFarewell);
  }

  void Drain() override {
    draining_ = true;
    socket_.EndReceives();
  }
  void Cut() override {
    stop_.stopped = true;
    socket_.EndBoth();
  }

 private:
  void Talk() {
    socket_.SetSendTimeout(options_.patience);
    LineReader reader(socket_, options_.longest_line, options_.idle);
    while (!draining_) {
      const LineReader::Status status = reader.Next();
      if (status == LineReader::Status::kTooLong) {
        socket_.SendAll("ERR that line is too long\n");
      }
      if (status != LineReader::Status::kLine || reader.line() == "QUIT") {
        return;
      }
      if (!socket_.SendAll(stores_.Answer(reader.line(), stop_))) return;
    }
  }

  Socket socket_;
  StorePool& stores_;
  const Options& options_;
  sqlite_service::StopRequest stop_;
  std::atomic<bool> draining_ = false;
};

}  // namespace

void Serve(blocking_sockets::Listener& listener, StorePool& stores,
           const Options& options) {
  blocking_sockets::ConnectionThreads threads(
      options.most_clients, [&](Socket socket) {
        return std::make_unique<Session>(std::move(socket), stores, options);
      });
  threads.ServeUntilSignal(listener, options.drain);
}

}  // namespace sqlite_service_threads
