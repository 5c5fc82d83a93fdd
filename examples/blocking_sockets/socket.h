// Socket, Listener: blocking sockets, for the servers of threads that the guide
// to porting begins with (docs/porting.md).
#ifndef EDDY_EXAMPLES_BLOCKING_SOCKETS_SOCKET_H_
#define EDDY_EXAMPLES_BLOCKING_SOCKETS_SOCKET_H_

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace blocking_sockets {

class Socket {
 public:
  explicit Socket(int fd) noexcept : fd_(fd) {}
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&&) = delete;
  // REQUIRES: no thread uses it any more.
  ~Socket();

  // To 127.0.0.1:7001 or [::1]:7001. Throws as Listener.
  static Socket Connect(const std::string& address);

  // How long one receive, or one send, waits at most.
  void SetReceiveTimeout(std::chrono::nanoseconds timeout);
  void SetSendTimeout(std::chrono::nanoseconds timeout);

  // Some bytes; 0 at the end, and where the connection has failed; none where
  // nothing came in time.
  std::optional<std::size_t> Receive(char* to, std::size_t size);
  // False where the connection has failed or a send's time was over.
  bool SendAll(std::string_view text);

  // Says that nothing more comes, and reads what the peer still sends, for so
  // long. To close while input waits would reset the connection, and destroy
  // what the peer has not read yet.
  void EndGently(std::chrono::nanoseconds time);

  // Any thread. The first ends receives, also those that wait: what has come
  // can be read still. The second tells the peer that nothing more comes.
  void EndReceives() noexcept;
  void EndSends() noexcept;
  void EndBoth() noexcept;

 private:
  int fd_;
};

class Listener {
 public:
  // `address` is 127.0.0.1:7001 or [::1]:7001; port 0 takes a free one.
  // `send_buffer` is that of its connections, in bytes; 0 for the kernel's.
  // Throws std::system_error or std::invalid_argument.
  Listener(const std::string& address, int send_buffer);
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener();

  std::string address() const;

  // None where it was stopped. Tries again after an error, such as that no
  // descriptor is free.
  std::optional<Socket> Accept();
  // Any thread; ends Accept().
  void Stop() noexcept;

 private:
  int fd_ = -1;
};

}  // namespace blocking_sockets

#endif  // EDDY_EXAMPLES_BLOCKING_SOCKETS_SOCKET_H_
