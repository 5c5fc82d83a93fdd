// The load generator on io_uring. What keeps it cheaper than a server:
//   - a request mostly costs one completion: a successful send posts none;
//   - the receive starts with a poll, since the answer cannot be there yet;
//   - answers that are not compared are dropped in the kernel (MSG_TRUNC);
//   - its sockets are registered with the ring;
//   - its congestion control is the simplest that there is;
//   - the clock is read once per turn of the loop.
// A registered socket needs no descriptor, so the loads of several servers may
// together have more connections than a process may have descriptors.

#include "bench/echo/load.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "bench/lib/load_ring.h"

namespace eddy::bench {
namespace {

constexpr std::uint64_t kSendTag = std::uint64_t{1} << 63;
constexpr char kReno[] = "reno";
constexpr unsigned kComparedOneIn = 16;
constexpr std::size_t kPatterns = 4096;  // different starts within the pattern

struct Connection {
  unsigned rounds = 0;       // bursts sent
  std::size_t received = 0;  // bytes of the awaited answer
  Load::nanoseconds sent_at{};
  std::vector<char> answer;  // only of those that are compared
};

class RingLoad final : public Load {
 public:
  explicit RingLoad(const EchoOptions& options);
  ~RingLoad() override;
  RingLoad(const RingLoad&) = delete;
  RingLoad& operator=(const RingLoad&) = delete;

  absl::Status Open();

 private:
  void Begin() override;
  absl::Status Turn() override;
  bool AtRest() const override { return outstanding_ == 0; }

  absl::Status ConnectAll();
  const char* Pattern(std::size_t index) const;
  bool Compared(const Connection& c) const;
  void SendBurst(std::size_t index);
  void ReceiveRest(std::size_t index);
  void OnCompletion(const io_uring_cqe& cqe);
  void OnAnswer(std::size_t index);

  const EchoOptions options_;
  const std::size_t burst_;         // bytes sent together
  const std::size_t answer_burst_;  // bytes of the answer to that
  std::vector<char> pattern_;
  std::vector<Connection> connections_;
  std::size_t outstanding_ = 0;  // receives in the kernel
  bool registered_ = false;      // the sockets, each at its connection's index
  LoadRing ring_;
};

// A socket whose end is a reset: that leaves no connection behind in TIME_WAIT;
// thousands of them would slow down the rounds to come.
absl::StatusOr<int> Connect(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
  if (fd < 0) return absl::ErrnoToStatus(errno, "socket (see ulimit -n)");
  const int on = 1;
  const linger reset{1, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, kReno, sizeof kReno - 1);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) !=
      0) {
    const int error = errno;
    ::close(fd);
    return absl::ErrnoToStatus(error, "connect");
  }
  return fd;
}

RingLoad::RingLoad(const EchoOptions& options)
    : options_(options),
      burst_(options.size * options.pipeline),
      answer_burst_((options.answer == 0 ? options.size : options.answer) *
                    options.pipeline),
      pattern_(kPatterns + burst_),
      connections_(options.connections) {
  std::minstd_rand random(1);
  for (char& byte : pattern_) byte = static_cast<char>(random() >> 16);
}

RingLoad::~RingLoad() {
  // What is canceled has completed when the kernel refers to none of these
  // buffers any more.
  if (outstanding_ > 0) {
    StopSending();
    io_uring_sqe* sqe = ring_.Sqe();
    io_uring_prep_cancel64(sqe, 0,
                           IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL);
    io_uring_sqe_set_data64(sqe, kSendTag);
    while (outstanding_ > 0) {
      io_uring_cqe* cqe = nullptr;
      const int result = io_uring_submit_and_wait(ring_.get(), 1);
      if (result < 0 && result != -EINTR) break;
      while (io_uring_peek_cqe(ring_.get(), &cqe) == 0) {
        if ((cqe->user_data & kSendTag) == 0) --outstanding_;
        io_uring_cqe_seen(ring_.get(), cqe);
      }
    }
  }
  // Closes them now; the ring's end would later.
  if (registered_) io_uring_unregister_files(ring_.get());
}

absl::Status RingLoad::ConnectAll() {
  std::vector<int> sockets;
  absl::Status status;
  while (status.ok() && sockets.size() < connections_.size()) {
    const absl::StatusOr<int> fd = Connect(options_.port);
    if (fd.ok()) {
      sockets.push_back(*fd);
    } else {
      status = fd.status();
    }
  }
  if (status.ok()) {
    const int result = io_uring_register_files(
        ring_.get(), sockets.data(), static_cast<unsigned>(sockets.size()));
    registered_ = result >= 0;
    if (!registered_) {
      status = absl::ErrnoToStatus(-result, "io_uring_register_files");
    }
  }
  for (const int fd : sockets) ::close(fd);
  return status;
}

// Each request starts elsewhere in the pattern, so that an answer meant for
// another connection, or for an earlier request, does not compare equal.
const char* RingLoad::Pattern(std::size_t index) const {
  const std::size_t mixed =
      (index * 769) + (std::size_t{connections_[index].rounds} * 31);
  return pattern_.data() + (mixed % kPatterns);
}

bool RingLoad::Compared(const Connection& c) const {
  return options_.answer == 0 && c.rounds % kComparedOneIn == 1;
}

void RingLoad::SendBurst(std::size_t index) {
  Connection& c = connections_[index];
  ++c.rounds;
  c.received = 0;
  c.sent_at = now();
  const auto file = static_cast<int>(index);  // in the registered table
  io_uring_sqe* sqe = ring_.Sqe();
  io_uring_prep_send(sqe, file, Pattern(index), burst_,
                     MSG_NOSIGNAL | MSG_WAITALL);
  io_uring_sqe_set_flags(sqe, IOSQE_FIXED_FILE | IOSQE_CQE_SKIP_SUCCESS);
  io_uring_sqe_set_data64(sqe, index | kSendTag);
  ReceiveRest(index);
}

void RingLoad::ReceiveRest(std::size_t index) {
  Connection& c = connections_[index];
  const std::size_t rest = answer_burst_ - c.received;
  const auto file = static_cast<int>(index);
  io_uring_sqe* sqe = ring_.Sqe();
  if (Compared(c)) {
    c.answer.resize(burst_);
    io_uring_prep_recv(sqe, file, c.answer.data() + c.received, rest,
                       MSG_WAITALL);
  } else {
    // Not with MSG_WAITALL: after a part the kernel would wait for the whole
    // once more.
    io_uring_prep_recv(sqe, file, nullptr, rest, MSG_TRUNC);
  }
  io_uring_sqe_set_flags(sqe, IOSQE_FIXED_FILE);
  sqe->ioprio |= IORING_RECVSEND_POLL_FIRST;
  io_uring_sqe_set_data64(sqe, index);
  ++outstanding_;
}

void RingLoad::OnCompletion(const io_uring_cqe& cqe) {
  if ((cqe.user_data & kSendTag) != 0) {
    if (sending()) {
      Fail(absl::StrCat("send: ", std::strerror(std::max(0, -cqe.res))));
    }
    return;
  }
  --outstanding_;
  const auto index = static_cast<std::size_t>(cqe.user_data);
  Connection& c = connections_[index];
  if (cqe.res < 0) return Fail(absl::StrCat("recv: ", std::strerror(-cqe.res)));
  if (cqe.res == 0) return Fail("the server closed a connection");
  c.received += static_cast<std::size_t>(cqe.res);
  if (c.received < answer_burst_) return ReceiveRest(index);
  OnAnswer(index);
}

void RingLoad::OnAnswer(std::size_t index) {
  Connection& c = connections_[index];
  if (Compared(c) &&
      std::memcmp(c.answer.data(), Pattern(index), burst_) != 0) {
    return Fail("an answer differs from its request");
  }
  Answered(c.sent_at, options_.pipeline);
  if (sending()) SendBurst(index);
}

void RingLoad::Begin() {
  for (std::size_t i = 0; i < connections_.size(); ++i) SendBurst(i);
}

absl::Status RingLoad::Turn() {
  return ring_.Turn([this] { Waited(); },
                    [this](const io_uring_cqe& cqe) { OnCompletion(cqe); },
                    [this] { return Outcome(); });
}

absl::Status RingLoad::Open() {
  if (absl::Status s = ring_.Open(); !s.ok()) return s;
  return ConnectAll();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Load>> ConnectEcho(const EchoOptions& options) {
  auto load = std::make_unique<RingLoad>(options);
  if (absl::Status s = load->Open(); !s.ok()) return s;
  return load;
}

}  // namespace eddy::bench
