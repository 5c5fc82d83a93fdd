// ConnectionThreads: a thread for each connection of a listener; what
// net::Serve is for tasks.
#ifndef EDDY_EXAMPLES_BLOCKING_SOCKETS_CONNECTION_THREADS_H_
#define EDDY_EXAMPLES_BLOCKING_SOCKETS_CONNECTION_THREADS_H_

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <utility>

#include "examples/blocking_sockets/socket.h"

namespace blocking_sockets {

class Connection {
 public:
  virtual ~Connection() = default;

  // On a thread of its own.
  virtual void Run() = 0;

  // While it runs, on other threads: end when what was begun is done; end at
  // once.
  virtual void Drain() = 0;
  virtual void Cut() = 0;
};

class ConnectionThreads {
 public:
  using Make = std::function<std::unique_ptr<Connection>(Socket)>;

  // `most` connections at once; more wait in the backlog.
  ConnectionThreads(std::size_t most, Make make)
      : most_(most), make_(std::move(make)) {}
  ConnectionThreads(const ConnectionThreads&) = delete;
  ConnectionThreads& operator=(const ConnectionThreads&) = delete;

  // Serves until SIGINT or SIGTERM; then the connections may go on for `drain`.
  // REQUIRES: called by the only thread.
  void ServeUntilSignal(Listener& listener, std::chrono::nanoseconds drain);

 private:
  void Serve(Listener& listener);
  void Stop(Listener& listener);
  void WaitForEnd(std::chrono::nanoseconds drain);

  // False where the server ends.
  bool WaitForRoom();
  void Start(Socket socket);
  // One client's exception is no end of the others.
  static void Run(Connection& connection);
  void End(std::unique_ptr<Connection> connection);

  const std::size_t most_;
  const Make make_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::set<Connection*> connections_;
  bool ending_ = false;
};

}  // namespace blocking_sockets

#endif  // EDDY_EXAMPLES_BLOCKING_SOCKETS_CONNECTION_THREADS_H_
