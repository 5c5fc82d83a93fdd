// On epoll, because a line that was heard costs one receive either way, and
// nothing is to be learnt here.

#include "bench/porting/line_load.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace eddy::bench {
namespace {

constexpr int kEvents = 512;
constexpr std::size_t kBuffer = std::size_t{64} * 1024;

struct Client {
  int fd = -1;
  // Of a line whose end has not come.
  std::string part;
};

struct Group {
  std::size_t first = 0;
  std::size_t size = 0;
  std::size_t speaker = 0;  // of the group
  std::size_t unheard = 0;  // lines until the next one speaks
  std::uint64_t turn = 0;
  Load::nanoseconds said_at{};
};

class LineLoad final : public Load {
 public:
  explicit LineLoad(LineTalk talk)
      : talk_(std::move(talk)),
        clients_(talk_.clients),
        groups_((talk_.clients + talk_.group - 1) / talk_.group),
        buffer_(kBuffer) {
    for (std::size_t i = 0; i < groups_.size(); ++i) {
      groups_[i].first = i * talk_.group;
      groups_[i].size = std::min(talk_.group, talk_.clients - groups_[i].first);
    }
  }
  LineLoad(const LineLoad&) = delete;
  LineLoad& operator=(const LineLoad&) = delete;
  ~LineLoad() override {
    // A reset leaves no connection behind in TIME_WAIT.
    const linger reset{1, 0};
    for (const Client& client : clients_) {
      if (client.fd < 0) continue;
      ::setsockopt(client.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
      ::close(client.fd);
    }
    if (epoll_ >= 0) ::close(epoll_);
  }

  absl::Status Open(std::uint16_t port);

 private:
  void Begin() override {
    for (Group& group : groups_) Speak(group);
  }
  absl::Status Turn() override;
  bool AtRest() const override { return busy_ == 0; }

  absl::Status Connect(std::size_t client, const sockaddr_in& address);
  absl::Status SayHello();
  void Speak(Group& group);
  void Say(std::size_t client, std::string line);
  void Hear(std::size_t client);
  void Heard(std::size_t client, std::string_view line);

  const LineTalk talk_;
  std::vector<Client> clients_;
  std::vector<Group> groups_;
  std::vector<char> buffer_;
  std::array<epoll_event, kEvents> events_;
  int epoll_ = -1;
  std::size_t busy_ = 0;  // groups that have not heard all
  bool hello_ = false;    // is being said
};

absl::Status LineLoad::Connect(std::size_t client, const sockaddr_in& address) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
  if (fd < 0) return absl::ErrnoToStatus(errno, "socket (see ulimit -n)");
  clients_[client].fd = fd;
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address),
                sizeof address) != 0) {
    return absl::ErrnoToStatus(errno, "connect");
  }
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = client;
  if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) {
    return absl::ErrnoToStatus(errno, "epoll_ctl");
  }
  return absl::OkStatus();
}

absl::Status LineLoad::Open(std::uint16_t port) {
  epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  if (epoll_ < 0) return absl::ErrnoToStatus(errno, "epoll_create1");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  for (std::size_t i = 0; i < clients_.size(); ++i) {
    if (absl::Status s = Connect(i, address); !s.ok()) return s;
  }
  return SayHello();
}

absl::Status LineLoad::SayHello() {
  if (!talk_.hello) return absl::OkStatus();
  hello_ = true;
  Waited();
  Answered(now(), 0);  // from here on somebody may be patient
  for (Group& group : groups_) {
    group.unheard = talk_.heard_of_hello(group.first, group.size);
    ++busy_;
    for (std::size_t i = 0; i < group.size; ++i) {
      Say(group.first + i, talk_.hello(group.first + i));
    }
  }
  while (!AtRest()) {
    if (absl::Status s = Turn(); !s.ok()) return s;
  }
  hello_ = false;
  return absl::OkStatus();
}

void LineLoad::Speak(Group& group) {
  group.unheard = talk_.others_hear ? group.size - 1 : 1;
  if (group.unheard == 0) return;  // alone in a room
  ++busy_;
  group.said_at = now();
  const std::size_t client = group.first + group.speaker;
  group.speaker = (group.speaker + 1) % group.size;
  Say(client, talk_.say(client, group.turn++));
}

// The socket's buffer is empty: this one has said nothing since it was heard.
void LineLoad::Say(std::size_t client, std::string line) {
  line += '\n';
  const ssize_t n = ::send(clients_[client].fd, line.data(), line.size(),
                           MSG_NOSIGNAL | MSG_DONTWAIT);
  if (n != static_cast<ssize_t>(line.size())) {
    Fail(absl::StrCat("send: ", std::strerror(n < 0 ? errno : ENOBUFS)));
  }
}

void LineLoad::Hear(std::size_t client) {
  Client& c = clients_[client];
  const ssize_t n = ::recv(c.fd, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
  if (n == 0) return Fail("the server closed a connection");
  if (n < 0) {
    if (errno == EAGAIN || errno == EINTR) return;
    return Fail(absl::StrCat("recv: ", std::strerror(errno)));
  }
  std::string_view text(buffer_.data(), static_cast<std::size_t>(n));
  for (std::size_t end; (end = text.find('\n')) != text.npos;) {
    if (c.part.empty()) {
      Heard(client, text.substr(0, end));
    } else {
      const std::string line = c.part + std::string(text.substr(0, end));
      c.part.clear();
      Heard(client, line);
    }
    text.remove_prefix(end + 1);
  }
  c.part += text;
}

void LineLoad::Heard(std::size_t client, std::string_view line) {
  Group& group = groups_[client / talk_.group];
  if ((!hello_ && !line.starts_with(talk_.good)) || line.starts_with("ERR")) {
    return Fail("a client has heard: " + std::string(line));
  }
  if (group.unheard == 0) return Fail("a client has heard too much");
  if (--group.unheard > 0) return;
  --busy_;
  if (hello_) return Answered(now(), 0);
  Answered(group.said_at);
  if (sending()) Speak(group);
}

absl::Status LineLoad::Turn() {
  const int n = ::epoll_wait(epoll_, events_.data(), kEvents, 100);
  if (n < 0 && errno != EINTR) return absl::ErrnoToStatus(errno, "epoll_wait");
  Waited();
  for (int i = 0; i < n; ++i) {
    Hear(static_cast<std::size_t>(
        events_[static_cast<std::size_t>(i)].data.u64));
  }
  return Outcome();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Load>> ConnectLines(std::uint16_t port,
                                                   LineTalk talk) {
  auto load = std::make_unique<LineLoad>(std::move(talk));
  if (absl::Status s = load->Open(port); !s.ok()) return s;
  return load;
}

}  // namespace eddy::bench
