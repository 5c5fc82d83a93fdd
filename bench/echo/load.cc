// The load generator on io_uring. What keeps it cheaper than a server:
//   - a request costs one completion: a successful send posts none, and the
//     receive waits in the kernel for the whole answer;
//   - the receive starts with a poll, since the answer cannot be there yet;
//   - answers that are not compared are dropped in the kernel (MSG_TRUNC);
//   - its files are registered with the ring;
//   - its congestion control is the simplest that there is;
//   - the clock is read once per turn of the loop.

#include "bench/echo/load.h"

#include <arpa/inet.h>
#include <liburing.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "bench/lib/histogram.h"

namespace eddy::bench {
namespace {

using std::chrono::nanoseconds;

constexpr unsigned kSubmissions = 1024;
constexpr unsigned kCompletions = 8192;
constexpr std::uint64_t kSendTag = std::uint64_t{1} << 63;
constexpr char kReno[] = "reno";
constexpr unsigned kComparedOneIn = 16;
constexpr std::size_t kPatterns = 4096;  // different starts within the pattern
constexpr nanoseconds kPatience = std::chrono::seconds(20);
// How long a server may need to fall asleep after its last answer.
constexpr unsigned kTimeToRestUs = 300;

nanoseconds Now(clockid_t clock) {
  timespec time{};
  ::clock_gettime(clock, &time);
  return std::chrono::seconds(time.tv_sec) + nanoseconds(time.tv_nsec);
}

double Seconds(nanoseconds time) {
  return std::chrono::duration<double>(time).count();
}

struct Connection {
  int fd = -1;
  unsigned rounds = 0;       // bursts sent
  std::size_t received = 0;  // bytes of the awaited answer
  nanoseconds sent_at{};
  std::vector<char> answer;  // only of those that are compared
};

class RingLoad : public Load {
 public:
  explicit RingLoad(const LoadOptions& options);
  ~RingLoad() override;
  RingLoad(const RingLoad&) = delete;
  RingLoad& operator=(const RingLoad&) = delete;

  absl::Status Open();
  absl::Status Run(const Slice& slice, LoadTotals& totals) override;

 private:
  absl::Status MakeRing();
  absl::Status ConnectAll();
  const char* Pattern(std::size_t index) const;
  static bool Compared(const Connection& c);
  io_uring_sqe* Sqe();
  void SendBurst(std::size_t index);
  void ReceiveRest(std::size_t index);
  absl::Status LoopUntil(nanoseconds end);
  absl::Status LoopUntilRest();
  absl::Status Turn();
  void OnCompletion(const io_uring_cqe& cqe);
  void OnAnswer(std::size_t index);
  void Fail(const std::string& what);

  const LoadOptions options_;
  const std::size_t burst_;  // bytes sent together
  io_uring ring_{};
  bool ring_made_ = false;
  std::vector<char> pattern_;
  std::vector<Connection> connections_;
  absl::Status error_;
  nanoseconds now_{};  // read once per turn
  nanoseconds last_answer_{};
  std::uint64_t answers_ = 0;  // requests answered since the start of the slice
  Histogram* latencies_ = nullptr;  // null outside of the window
  std::size_t outstanding_ = 0;     // receives in the kernel
  bool sending_ = false;
};

RingLoad::RingLoad(const LoadOptions& options)
    : options_(options),
      burst_(options.size * options.pipeline),
      pattern_(kPatterns + burst_),
      connections_(options.connections) {
  std::minstd_rand random(1);
  for (char& byte : pattern_) byte = static_cast<char>(random() >> 16);
}

RingLoad::~RingLoad() {
  // A connection that is shut down completes what is in flight on it, after
  // which the kernel refers to none of these buffers.
  if (outstanding_ > 0) {
    sending_ = false;
    for (const Connection& c : connections_) {
      if (c.fd >= 0) ::shutdown(c.fd, SHUT_RDWR);
    }
    while (outstanding_ > 0) {
      io_uring_cqe* cqe = nullptr;
      const int result = io_uring_submit_and_wait(&ring_, 1);
      if (result < 0 && result != -EINTR) break;
      while (io_uring_peek_cqe(&ring_, &cqe) == 0) {
        if ((cqe->user_data & kSendTag) == 0) --outstanding_;
        io_uring_cqe_seen(&ring_, cqe);
      }
    }
  }
  // A reset leaves no connection behind in TIME_WAIT; thousands of them would
  // slow down the rounds to come.
  const linger reset{1, 0};
  for (const Connection& c : connections_) {
    if (c.fd < 0) continue;
    ::setsockopt(c.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    ::close(c.fd);
  }
  if (ring_made_) io_uring_queue_exit(&ring_);
}

absl::Status RingLoad::MakeRing() {
  io_uring_params params{};
  params.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                 IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE;
  params.cq_entries = kCompletions;
  const int result = io_uring_queue_init_params(kSubmissions, &ring_, &params);
  if (result < 0) {
    return absl::ErrnoToStatus(-result, "the load generator needs io_uring");
  }
  ring_made_ = true;
  io_uring_register_ring_fd(&ring_);
  return absl::OkStatus();
}

absl::Status RingLoad::ConnectAll() {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(options_.port);
  std::vector<int> files;
  for (Connection& c : connections_) {
    c.fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
    if (c.fd < 0) return absl::ErrnoToStatus(errno, "socket (see ulimit -n)");
    const int on = 1;
    ::setsockopt(c.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::setsockopt(c.fd, IPPROTO_TCP, TCP_CONGESTION, kReno, sizeof kReno - 1);
    if (::connect(c.fd, reinterpret_cast<sockaddr*>(&address),
                  sizeof address) != 0) {
      return absl::ErrnoToStatus(errno, "connect");
    }
    files.push_back(c.fd);
  }
  const int result = io_uring_register_files(
      &ring_, files.data(), static_cast<unsigned>(files.size()));
  if (result < 0) {
    return absl::ErrnoToStatus(-result, "io_uring_register_files");
  }
  return absl::OkStatus();
}

// Each request starts elsewhere in the pattern, so that an answer meant for
// another connection, or for an earlier request, does not compare equal.
const char* RingLoad::Pattern(std::size_t index) const {
  const std::size_t mixed =
      (index * 769) + (std::size_t{connections_[index].rounds} * 31);
  return pattern_.data() + (mixed % kPatterns);
}

bool RingLoad::Compared(const Connection& c) {
  return c.rounds % kComparedOneIn == 1;
}

io_uring_sqe* RingLoad::Sqe() {
  io_uring_sqe* sqe = io_uring_get_sqe(&ring_);
  while (sqe == nullptr) {
    io_uring_submit(&ring_);
    sqe = io_uring_get_sqe(&ring_);
  }
  return sqe;
}

void RingLoad::SendBurst(std::size_t index) {
  Connection& c = connections_[index];
  ++c.rounds;
  c.received = 0;
  c.sent_at = now_;
  const auto file = static_cast<int>(index);  // in the registered table
  io_uring_sqe* sqe = Sqe();
  io_uring_prep_send(sqe, file, Pattern(index), burst_,
                     MSG_NOSIGNAL | MSG_WAITALL);
  io_uring_sqe_set_flags(sqe, IOSQE_FIXED_FILE | IOSQE_CQE_SKIP_SUCCESS);
  io_uring_sqe_set_data64(sqe, index | kSendTag);
  ReceiveRest(index);
}

void RingLoad::ReceiveRest(std::size_t index) {
  Connection& c = connections_[index];
  const std::size_t rest = burst_ - c.received;
  const auto file = static_cast<int>(index);
  io_uring_sqe* sqe = Sqe();
  if (Compared(c)) {
    c.answer.resize(burst_);
    io_uring_prep_recv(sqe, file, c.answer.data() + c.received, rest,
                       MSG_WAITALL);
  } else {
    io_uring_prep_recv(sqe, file, nullptr, rest, MSG_WAITALL | MSG_TRUNC);
  }
  io_uring_sqe_set_flags(sqe, IOSQE_FIXED_FILE);
  sqe->ioprio |= IORING_RECVSEND_POLL_FIRST;
  io_uring_sqe_set_data64(sqe, index);
  ++outstanding_;
}

void RingLoad::OnCompletion(const io_uring_cqe& cqe) {
  if ((cqe.user_data & kSendTag) != 0) {
    if (sending_) {
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
  if (c.received < burst_) return ReceiveRest(index);
  OnAnswer(index);
}

void RingLoad::OnAnswer(std::size_t index) {
  Connection& c = connections_[index];
  if (Compared(c) &&
      std::memcmp(c.answer.data(), Pattern(index), burst_) != 0) {
    return Fail("an answer differs from its request");
  }
  answers_ += options_.pipeline;
  if (latencies_ != nullptr) {
    latencies_->Add(static_cast<std::uint64_t>((now_ - c.sent_at).count()),
                    options_.pipeline);
  }
  last_answer_ = now_;
  if (sending_) SendBurst(index);
}

void RingLoad::Fail(const std::string& what) {
  if (error_.ok()) error_ = absl::InternalError(what);
}

absl::Status RingLoad::Turn() {
  __kernel_timespec timeout{0, 100'000'000};
  io_uring_cqe* cqe = nullptr;
  const int result =
      io_uring_submit_and_wait_timeout(&ring_, &cqe, 1, &timeout, nullptr);
  if (result < 0 && result != -ETIME && result != -EINTR && result != -EAGAIN &&
      result != -EBUSY) {
    return absl::ErrnoToStatus(-result, "io_uring_enter");
  }
  now_ = Now(CLOCK_MONOTONIC);
  unsigned head;
  unsigned seen = 0;
  io_uring_for_each_cqe(&ring_, head, cqe) {
    OnCompletion(*cqe);
    ++seen;
  }
  io_uring_cq_advance(&ring_, seen);
  if (now_ - last_answer_ > kPatience) {
    Fail(absl::StrCat("no answer for ", Seconds(kPatience), " s, ",
                      outstanding_, " outstanding"));
  }
  return error_;
}

absl::Status RingLoad::LoopUntil(nanoseconds end) {
  while (now_ < end) {
    if (absl::Status s = Turn(); !s.ok()) return s;
  }
  return absl::OkStatus();
}

absl::Status RingLoad::LoopUntilRest() {
  sending_ = false;
  while (outstanding_ > 0) {
    if (absl::Status s = Turn(); !s.ok()) return s;
  }
  return absl::OkStatus();
}

absl::Status RingLoad::Open() {
  if (absl::Status s = MakeRing(); !s.ok()) return s;
  return ConnectAll();
}

absl::Status RingLoad::Run(const Slice& slice, LoadTotals& totals) {
  const nanoseconds start = now_ = last_answer_ = Now(CLOCK_MONOTONIC);
  const nanoseconds server_start = slice.server_cpu();
  const nanoseconds client_start = Now(CLOCK_THREAD_CPUTIME_ID);
  answers_ = 0;
  sending_ = true;
  for (std::size_t i = 0; i < connections_.size(); ++i) SendBurst(i);
  if (absl::Status s = LoopUntil(start + slice.ramp); !s.ok()) return s;

  const nanoseconds window_start = now_;
  const std::uint64_t answers_before = answers_;
  latencies_ = &totals.latencies;
  absl::Status measured = LoopUntil(window_start + slice.window);
  latencies_ = nullptr;
  if (!measured.ok()) return measured;
  const nanoseconds window_end = now_;
  const std::uint64_t answers_within = answers_ - answers_before;

  if (absl::Status s = LoopUntilRest(); !s.ok()) return s;
  const nanoseconds client_end = Now(CLOCK_THREAD_CPUTIME_ID);
  ::usleep(kTimeToRestUs);
  totals.window_requests += static_cast<double>(answers_within);
  totals.window_seconds += Seconds(window_end - window_start);
  totals.all_requests += static_cast<double>(answers_);
  totals.all_seconds += Seconds(now_ - start);
  totals.server_cpu_seconds += Seconds(slice.server_cpu() - server_start);
  totals.client_cpu_seconds += Seconds(client_end - client_start);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Load>> Load::Connect(
    const LoadOptions& options) {
  auto load = std::make_unique<RingLoad>(options);
  if (absl::Status s = load->Open(); !s.ok()) return s;
  return load;
}

}  // namespace eddy::bench
