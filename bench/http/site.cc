// Blocking sockets and std::filesystem: nothing here is measured.

#include "bench/http/site.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace eddy::bench {
namespace {

sockaddr_in Loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  return address;
}

// A connected socket, or -1 after 20 s of trying.
int ConnectPatiently(int port) {
  const auto deadline =
      std::chrono::steady_clock::now() + std::chrono::seconds(20);
  const sockaddr_in address = Loopback(port);
  while (std::chrono::steady_clock::now() < deadline) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&address),
                  sizeof address) == 0) {
      return fd;
    }
    ::close(fd);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return -1;
}

// What comes until the text ends so, or until nothing comes any more.
std::string ReadUntil(int fd, const std::string& end) {
  std::string all;
  char chunk[65536];
  while (!absl::EndsWith(all, end)) {
    const ssize_t n = ::recv(fd, chunk, sizeof chunk, 0);
    if (n <= 0) break;
    all.append(chunk, static_cast<std::size_t>(n));
  }
  return all;
}

}  // namespace

Site::Site() {
  std::string pattern =
      (std::filesystem::temp_directory_path() / "eddy-bench-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) {
    std::perror(pattern.c_str());
    std::exit(1);
  }
  folder_ = pattern;
  std::filesystem::create_directory(folder_ / "root");
}

Site::~Site() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

std::string Site::AddFile(std::size_t size) {
  std::string name = absl::StrCat(size, ".txt");
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) {
    text[i] = static_cast<char>('a' + ((i * 7 + i / 64) % 26));
  }
  std::ofstream(Path(name)) << text;
  return name;
}

std::string Site::Write(const std::string& name, const std::string& text) {
  const std::filesystem::path path = folder_ / name;
  std::ofstream(path) << text;
  return path.string();
}

absl::Status Site::Check(int port, const std::string& file) const {
  const int fd = ConnectPatiently(port);
  if (fd < 0) return absl::UnavailableError("accepts no connections");
  const timeval patience{20, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  const std::string request =
      absl::StrCat("GET /", file,
                   " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  const ssize_t sent = ::send(fd, request.data(), request.size(), MSG_NOSIGNAL);
  std::ostringstream body;
  body << std::ifstream(Path(file)).rdbuf();
  const std::string end = absl::StrCat("\r\n\r\n", body.str());
  const std::string answer = ReadUntil(fd, end);
  ::close(fd);
  if (sent != static_cast<ssize_t>(request.size())) {
    return absl::UnavailableError("takes no request");
  }
  if (!absl::StartsWith(answer, "HTTP/1.1 200 ") ||
      !absl::EndsWith(answer, end)) {
    return absl::InternalError(absl::StrCat(
        "does not serve the file: ", answer.substr(0, answer.find('\r'))));
  }
  return absl::OkStatus();
}

}  // namespace eddy::bench
