// Two entries a connection, of which one completes: the connect is silent when
// it succeeds, and the receive behind it ends with the stream.

#include "bench/network/accept_load.h"

#include <cstring>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "bench/lib/load_ring.h"
#include "bench/lib/twin.h"

namespace eddy::bench {
namespace {

constexpr std::uint64_t kConnectTag = std::uint64_t{1} << 63;
constexpr std::uint64_t kCloseTag = std::uint64_t{1} << 62;

struct Client {
  int fd = -1;
  Load::nanoseconds since{};
};

class AcceptLoad final : public Load {
 public:
  AcceptLoad(std::uint16_t port, std::size_t clients)
      : address_(Loopback(absl::StrCat(port).c_str())), clients_(clients) {}
  AcceptLoad(const AcceptLoad&) = delete;
  AcceptLoad& operator=(const AcceptLoad&) = delete;

  ~AcceptLoad() override {
    for (const Client& client : clients_) {
      if (client.fd >= 0) ::close(client.fd);
    }
  }

  absl::Status Open() { return ring_.Open(); }

 private:
  void Begin() override {
    for (std::size_t i = 0; i < clients_.size(); ++i) Connect(i);
  }

  bool AtRest() const override { return outstanding_ == 0; }

  absl::Status Turn() override {
    return ring_.Turn([this] { Waited(); },
                      [this](const io_uring_cqe& cqe) { OnCompletion(cqe); },
                      [this] { return Outcome(); });
  }

  void Connect(std::size_t index) {
    Client& client = clients_[index];
    client.fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
    if (client.fd < 0) return Fail("socket (see ulimit -n)");
    const linger reset{1, 0};
    ::setsockopt(client.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    client.since = now();
    ring_.Reserve(2);
    io_uring_sqe* sqe = ring_.Sqe();
    io_uring_prep_connect(sqe, client.fd,
                          reinterpret_cast<sockaddr*>(&address_),
                          sizeof address_);
    io_uring_sqe_set_flags(sqe, IOSQE_IO_LINK | IOSQE_CQE_SKIP_SUCCESS);
    io_uring_sqe_set_data64(sqe, index | kConnectTag);
    sqe = ring_.Sqe();
    io_uring_prep_recv(sqe, client.fd, &byte_, 1, 0);
    io_uring_sqe_set_data64(sqe, index);
    ++outstanding_;
  }

  void OnCompletion(const io_uring_cqe& cqe) {
    if ((cqe.user_data & kCloseTag) != 0) return;
    if ((cqe.user_data & kConnectTag) != 0) {
      return Fail(absl::StrCat("connect: ", std::strerror(-cqe.res)));
    }
    --outstanding_;
    const auto index = static_cast<std::size_t>(cqe.user_data);
    if (cqe.res != 0) {
      return Fail(cqe.res > 0
                      ? std::string("the server sent something")
                      : absl::StrCat("recv: ", std::strerror(-cqe.res)));
    }
    Client& client = clients_[index];
    io_uring_sqe* sqe = ring_.Sqe();
    io_uring_prep_close(sqe, std::exchange(client.fd, -1));
    io_uring_sqe_set_flags(sqe, IOSQE_CQE_SKIP_SUCCESS);
    io_uring_sqe_set_data64(sqe, kCloseTag);
    Answered(client.since);
    if (sending()) Connect(index);
  }

  sockaddr_in address_;
  std::vector<Client> clients_;
  std::size_t outstanding_ = 0;
  char byte_ = 0;
  LoadRing ring_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Load>> MakeAcceptLoad(std::uint16_t port,
                                                     std::size_t clients) {
  auto load = std::make_unique<AcceptLoad>(port, clients);
  if (absl::Status s = load->Open(); !s.ok()) return s;
  return load;
}

}  // namespace eddy::bench
