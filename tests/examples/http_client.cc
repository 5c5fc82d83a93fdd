#include "tests/examples/http_client.h"

#include <eddy/net/socket_address.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <utility>
#include <vector>

namespace eddy::testing_examples {

HttpClient::HttpClient(const std::string& address, int receive_buffer) {
  const auto parsed = net::SocketAddress::Parse(address);
  if (!parsed) ADD_FAILURE() << "no address: " << address;
  const net::SocketAddress to = parsed.value_or(net::SocketAddress());
  fd_ = socket(to.family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (receive_buffer > 0) {
    setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer,
               sizeof receive_buffer);
  }
  // Only what hangs takes this long.
  const timeval patience{60, 0};
  setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (connect(fd_, to.native(), to.size()) != 0) {
    ADD_FAILURE() << "cannot connect to " << address;
  }
}

HttpClient::~HttpClient() {
  if (fd_ >= 0) close(fd_);
}

HttpClient::HttpClient(HttpClient&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      received_(std::move(other.received_)) {}

bool HttpClient::Send(std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
    if (n <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

bool HttpClient::SendGet(std::string_view target, std::string_view lines) {
  return Send("GET " + std::string(target) + " HTTP/1.1\r\nHost: test\r\n" +
              std::string(lines) + "\r\n");
}

std::string HttpClient::Read(std::size_t size) {
  if (received_.empty()) {
    received_.resize(std::size_t{64} * 1024);
    ssize_t n;
    do {
      n = recv(fd_, received_.data(), received_.size(), 0);
      // With a time limit it does not go on by itself where the process was
      // halted.
    } while (n < 0 && errno == EINTR);
    received_.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  }
  const std::string part = received_.substr(0, size);
  received_.erase(0, part.size());
  return part;
}

bool HttpClient::AtEnd() {
  if (!received_.empty()) return false;
  std::array<char, 1> byte;
  const ssize_t n = recv(fd_, byte.data(), byte.size(), MSG_PEEK);
  return n == 0 || (n < 0 && errno == ECONNRESET);
}

std::size_t HttpClient::Skip(std::size_t size) {
  std::size_t skipped = std::min(size, received_.size());
  received_.erase(0, skipped);
  std::vector<char> part(std::size_t{256} * 1024);
  while (skipped < size) {
    const ssize_t n =
        recv(fd_, part.data(), std::min(part.size(), size - skipped), 0);
    if (n <= 0) break;
    skipped += static_cast<std::size_t>(n);
  }
  return skipped;
}

HttpResponse HttpClient::Get(std::string_view target, std::string_view lines) {
  SendGet(target, lines);
  return Receive();
}

HttpResponse HttpClient::Receive(bool head_only) {
  HttpResponse response;
  std::string all;
  std::size_t head = all.npos;
  while ((head = all.find("\r\n\r\n")) == all.npos) {
    const std::string part = Read(std::size_t{64} * 1024);
    if (part.empty()) return response;
    all += part;
  }
  head += 4;
  if (all.rfind("HTTP/1.1 ", 0) != 0) {
    ADD_FAILURE() << "not HTTP: " << all.substr(0, 200);
    return response;
  }
  response.status = std::stoi(all.substr(9, 3));
  for (std::size_t at = all.find("\r\n") + 2; at < head - 2;) {
    const std::size_t end = all.find("\r\n", at);
    const std::size_t colon = all.find(": ", at);
    std::string name = all.substr(at, colon - at);
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) {
      return static_cast<char>(std::tolower(c));
    });
    if (!response.fields.emplace(name, all.substr(colon + 2, end - colon - 2))
             .second) {
      ADD_FAILURE() << "the field " << name << " came twice";
    }
    at = end + 2;
  }
  received_.insert(0, all.substr(head));
  const std::string length = response.Field("content-length");
  if (head_only || length.empty()) return response;
  while (response.body.size() < std::stoul(length)) {
    const std::string part = Read(std::stoul(length) - response.body.size());
    if (part.empty()) {
      ADD_FAILURE() << "the body ended after " << response.body.size() << " of "
                    << length << " bytes";
      break;
    }
    response.body += part;
  }
  return response;
}

void HttpClient::EndOfInput() { shutdown(fd_, SHUT_WR); }

void HttpClient::Reset() {
  const linger at_once{1, 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close(std::exchange(fd_, -1));
}

}  // namespace eddy::testing_examples
