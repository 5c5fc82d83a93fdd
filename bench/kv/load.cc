// The load generator on io_uring. What keeps it cheaper than a server: what it
// sends is written before it starts, and of what comes it counts the lines.

#include "bench/kv/load.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "bench/lib/load_ring.h"

namespace eddy::bench {
namespace {

constexpr std::uint64_t kSendTag = std::uint64_t{1} << 63;
// Bursts of commands that a connection sends, over and over.
constexpr std::size_t kBursts = 64;
constexpr std::size_t kBuffer = std::size_t{16} * 1024;

std::string Key(std::size_t number) { return absl::StrCat("key:", number); }
std::string Counter(std::size_t number) {
  return absl::StrCat("counter:", number);
}

// What a command is in its protocol, and its answer.
class Speech {
 public:
  explicit Speech(const KvOptions& options)
      : redis_(options.protocol == KvProtocol::kRedis),
        value_(options.value_size, 'x') {}

  std::string Set(const std::string& key, const std::string& value) const {
    if (redis_) return Array({"SET", key, value});
    return absl::StrCat("set ", key, " 0 0 ", value.size(), "\r\n", value,
                        "\r\n");
  }
  std::string Get(const std::string& key) const {
    if (redis_) return Array({"GET", key});
    return absl::StrCat("get ", key, "\r\n");
  }
  std::string Increment(const std::string& key) const {
    if (redis_) return Array({"INCR", key});
    return absl::StrCat("incr ", key, " 1\r\n");
  }
  const std::string& value() const { return value_; }

  std::string Stored() const { return redis_ ? "+OK\r\n" : "STORED\r\n"; }
  std::string Got(const std::string& key) const {
    if (redis_) return absl::StrCat("$", value_.size(), "\r\n", value_, "\r\n");
    return absl::StrCat("VALUE ", key, " 0 ", value_.size(), "\r\n", value_,
                        "\r\nEND\r\n");
  }

  std::string Say(KvCommand command, std::size_t key) const {
    switch (command) {
      case KvCommand::kGet:
        return Get(Key(key));
      case KvCommand::kSet:
        return Set(Key(key), value_);
      case KvCommand::kIncrement:
        return Increment(Counter(key));
    }
    return {};
  }
  // Empty where it is not known.
  std::string Answer(KvCommand command, std::size_t key) const {
    switch (command) {
      case KvCommand::kGet:
        return Got(Key(key));
      case KvCommand::kSet:
        return Stored();
      case KvCommand::kIncrement:
        return {};
    }
    return {};
  }
  std::size_t LinesOfAnswer(KvCommand command) const {
    if (command != KvCommand::kGet) return 1;
    return redis_ ? 2 : 3;
  }
  bool MayBegin(KvCommand command, char first) const {
    switch (command) {
      case KvCommand::kGet:
        return first == (redis_ ? '$' : 'V');
      case KvCommand::kSet:
        return first == (redis_ ? '+' : 'S');
      case KvCommand::kIncrement:
        return redis_ ? first == ':' : first >= '0' && first <= '9';
    }
    return false;
  }

 private:
  static std::string Array(const std::vector<std::string>& words) {
    std::string text = absl::StrCat("*", words.size(), "\r\n");
    for (const std::string& word : words) {
      absl::StrAppend(&text, "$", word.size(), "\r\n", word, "\r\n");
    }
    return text;
  }

  const bool redis_;
  const std::string value_;
};

struct Connection {
  int fd = -1;
  std::size_t burst = 0;  // sent last
  std::size_t lines = 0;  // that have come in answer to it
  bool begun = false;     // to come
  Load::nanoseconds sent_at{};
  std::vector<std::string> bursts;
  std::string first_answer;  // until that has come
  std::array<char, kBuffer> buffer;
};

class KvLoad final : public Load {
 public:
  explicit KvLoad(const KvOptions& options)
      : options_(options),
        speech_(options),
        lines_(options.pipeline * speech_.LinesOfAnswer(options.command)),
        connections_(options.clients) {}
  ~KvLoad() override {
    // A connection that is shut down completes what is in flight on it, after
    // which the kernel refers to none of these buffers.
    StopSending();
    for (const Connection& c : connections_) {
      if (outstanding_ > 0) ::shutdown(c.fd, SHUT_RDWR);
    }
    while (outstanding_ > 0 && io_uring_submit_and_wait(ring_.get(), 1) >= 0) {
      io_uring_cqe* cqe = nullptr;
      while (io_uring_peek_cqe(ring_.get(), &cqe) == 0) {
        if ((cqe->user_data & kSendTag) == 0) --outstanding_;
        io_uring_cqe_seen(ring_.get(), cqe);
      }
    }
    // A reset leaves no connection behind in TIME_WAIT.
    const linger reset{1, 0};
    for (const Connection& c : connections_) {
      if (c.fd < 0) continue;
      ::setsockopt(c.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
      ::close(c.fd);
    }
  }
  KvLoad(const KvLoad&) = delete;
  KvLoad& operator=(const KvLoad&) = delete;

  absl::Status Open() {
    if (absl::Status s = ring_.Open(); !s.ok()) return s;
    std::minstd_rand random(1);
    std::uniform_int_distribution<std::size_t> key(0, options_.keys - 1);
    for (Connection& c : connections_) {
      if (absl::Status s = Connect(c); !s.ok()) return s;
      for (std::size_t burst = 0; burst < kBursts; ++burst) {
        std::string& text = c.bursts.emplace_back();
        for (std::size_t i = 0; i < options_.pipeline; ++i) {
          const std::size_t number = key(random);
          text += speech_.Say(options_.command, number);
          if (burst == 0) {
            c.first_answer += speech_.Answer(options_.command, number);
          }
        }
      }
      c.burst = kBursts - 1;
    }
    return FillAll();
  }

 private:
  absl::Status Connect(Connection& c) const {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(options_.port);
    c.fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
    if (c.fd < 0) return absl::ErrnoToStatus(errno, "socket (see ulimit -n)");
    const int on = 1;
    ::setsockopt(c.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (::connect(c.fd, reinterpret_cast<sockaddr*>(&address),
                  sizeof address) != 0) {
      return absl::ErrnoToStatus(errno, "connect");
    }
    return absl::OkStatus();
  }

  // Sets every key, some at a time, on the first connection.
  absl::Status FillAll() const {
    constexpr std::size_t kAtOnce = 100;
    for (std::size_t key = 0; key < options_.keys; key += kAtOnce) {
      std::string text;
      std::string wanted;
      for (std::size_t i = key; i < std::min(key + kAtOnce, options_.keys);
           ++i) {
        text += speech_.Set(Key(i), speech_.value());
        text += speech_.Set(Counter(i), "1");
        wanted += speech_.Stored() + speech_.Stored();
      }
      if (absl::Status s = Ask(text, wanted); !s.ok()) return s;
    }
    return absl::OkStatus();
  }
  absl::Status Ask(const std::string& text, const std::string& wanted) const {
    const int fd = connections_.front().fd;
    if (::send(fd, text.data(), text.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(text.size())) {
      return absl::ErrnoToStatus(errno, "send");
    }
    std::string answer(wanted.size(), '\0');
    const ssize_t n = ::recv(fd, answer.data(), answer.size(), MSG_WAITALL);
    if (n == static_cast<ssize_t>(wanted.size()) && answer == wanted) {
      return absl::OkStatus();
    }
    answer.resize(static_cast<std::size_t>(std::clamp<ssize_t>(n, 0, 60)));
    return absl::InternalError(absl::StrCat("SET was answered by ", answer));
  }

  void Begin() override {
    for (std::size_t i = 0; i < connections_.size(); ++i) Send(i);
  }
  bool AtRest() const override { return outstanding_ == 0; }
  absl::Status Turn() override {
    return ring_.Turn([this] { Waited(); },
                      [this](const io_uring_cqe& cqe) { OnCompletion(cqe); },
                      [this] { return Outcome(); });
  }

  void Send(std::size_t index) {
    Connection& c = connections_[index];
    c.burst = (c.burst + 1) % kBursts;
    c.lines = 0;
    c.begun = false;
    c.sent_at = now();
    const std::string& text = c.bursts[c.burst];
    io_uring_sqe* sqe = ring_.Sqe();
    io_uring_prep_send(sqe, c.fd, text.data(), text.size(),
                       MSG_NOSIGNAL | MSG_WAITALL);
    io_uring_sqe_set_flags(sqe, IOSQE_CQE_SKIP_SUCCESS);
    io_uring_sqe_set_data64(sqe, index | kSendTag);
    Receive(index);
  }
  void Receive(std::size_t index) {
    Connection& c = connections_[index];
    io_uring_sqe* sqe = ring_.Sqe();
    io_uring_prep_recv(sqe, c.fd, c.buffer.data(), c.buffer.size(), 0);
    sqe->ioprio |= IORING_RECVSEND_POLL_FIRST;
    io_uring_sqe_set_data64(sqe, index);
    ++outstanding_;
  }
  void OnCompletion(const io_uring_cqe& cqe) {
    if ((cqe.user_data & kSendTag) != 0) {
      return Fail(absl::StrCat("send: ", std::strerror(std::max(0, -cqe.res))));
    }
    --outstanding_;
    if (cqe.res < 0) {
      return Fail(absl::StrCat("recv: ", std::strerror(-cqe.res)));
    }
    if (cqe.res == 0) return Fail("the server closed a connection");
    const auto index = static_cast<std::size_t>(cqe.user_data);
    Connection& c = connections_[index];
    const auto size = static_cast<std::size_t>(cqe.res);
    if (!Check(c, size)) return;
    c.lines += static_cast<std::size_t>(
        std::count(c.buffer.data(), c.buffer.data() + size, '\n'));
    if (c.lines < lines_) return Receive(index);
    if (c.lines > lines_) return Fail("more was answered than asked");
    Answered(c.sent_at, options_.pipeline);
    if (sending()) Send(index);
  }
  bool Check(Connection& c, std::size_t size) {
    const bool begins = !std::exchange(c.begun, true);
    bool good = true;
    if (!c.first_answer.empty()) {
      const std::size_t known = std::min(size, c.first_answer.size());
      good = c.first_answer.compare(0, known, c.buffer.data(), known) == 0;
      c.first_answer.erase(0, known);
    } else if (begins) {
      good = speech_.MayBegin(options_.command, c.buffer[0]);
    }
    if (good) return true;
    Fail(absl::StrCat(
        "a wrong answer: ",
        std::string(c.buffer.data(), std::min(size, std::size_t{60}))));
    return false;
  }

  const KvOptions options_;
  const Speech speech_;
  const std::size_t lines_;  // of the answer to a burst
  std::vector<Connection> connections_;
  std::size_t outstanding_ = 0;  // receives in the kernel
  LoadRing ring_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Load>> ConnectKv(const KvOptions& options) {
  auto load = std::make_unique<KvLoad>(options);
  if (absl::Status s = load->Open(); !s.ok()) return s;
  return load;
}

}  // namespace eddy::bench
