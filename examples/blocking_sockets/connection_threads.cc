#include "examples/blocking_sockets/connection_threads.h"

#include <pthread.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <optional>
#include <thread>

namespace blocking_sockets {

void ConnectionThreads::ServeUntilSignal(Listener& listener,
                                         std::chrono::nanoseconds drain) {
  // Blocked in all threads, so that sigwait() gets them.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::thread serving([&] { Serve(listener); });
  int signal = 0;
  sigwait(&signals, &signal);
  Stop(listener);
  serving.join();
  WaitForEnd(drain);
}

void ConnectionThreads::Serve(Listener& listener) {
  while (WaitForRoom()) {
    std::optional<Socket> socket = listener.Accept();
    if (!socket) return;
    Start(*std::move(socket));
  }
}

void ConnectionThreads::Stop(Listener& listener) {
  const std::lock_guard lock(mutex_);
  ending_ = true;
  for (Connection* connection : connections_) connection->Drain();
  changed_.notify_all();
  listener.Stop();
}

void ConnectionThreads::WaitForEnd(std::chrono::nanoseconds drain) {
  std::unique_lock lock(mutex_);
  const auto gone = [this] { return connections_.empty(); };
  if (!changed_.wait_for(lock, drain, gone)) {
    for (Connection* connection : connections_) connection->Cut();
  }
  changed_.wait(lock, gone);
}

bool ConnectionThreads::WaitForRoom() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock,
                [this] { return ending_ || connections_.size() < most_; });
  return !ending_;
}

void ConnectionThreads::Start(Socket socket) {
  std::unique_ptr<Connection> connection;
  try {
    connection = make_(std::move(socket));
    Connection* const started = connection.get();
    {
      const std::lock_guard lock(mutex_);
      connections_.insert(started);
      if (ending_) started->Drain();
    }
    std::thread([this, started] {
      Run(*started);
      End(std::unique_ptr<Connection>(started));
    }).detach();
    static_cast<void>(connection.release());
  } catch (const std::exception& error) {
    // No thread or no memory is to be had: this client has to come again.
    std::fprintf(stderr, "a client was refused: %s\n", error.what());
    const std::lock_guard lock(mutex_);
    connections_.erase(connection.get());
  }
}

void ConnectionThreads::Run(Connection& connection) {
  try {
    connection.Run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "a client was left: %s\n", error.what());
  }
}

void ConnectionThreads::End(std::unique_ptr<Connection> connection) {
  const std::lock_guard lock(mutex_);
  connections_.erase(connection.get());
  connection.reset();
  // Under the lock, and as the last thing: without it, who waits could see that
  // this was the last one, and destroy the condition variable, before it is
  // notified.
  changed_.notify_all();
}

}  // namespace blocking_sockets
