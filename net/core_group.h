// CoreGroup: what the cores of one server share: where they listen, and, where
// connections are evened out, how many each has.
#ifndef EDDY_NET_CORE_GROUP_H_
#define EDDY_NET_CORE_GROUP_H_

#include <eddy/io/fd.h>
#include <eddy/net/socket_address.h>
#include <eddy/net/tcp.h>
#include <eddy/runtime/result.h>

#include <atomic>
#include <cstddef>
#include <optional>
#include <vector>

namespace eddy::net::internal {

class CoreGroup {
 public:
  // A listener on each core.
  CoreGroup(unsigned cores, const SocketAddress& address,
            const ListenOptions& listen, std::optional<std::size_t> most_ahead);
  // One for all, of the core that calls this.
  CoreGroup(unsigned cores, const SocketAddress& address,
            const io::Fd& listener, std::size_t most_ahead);

  const SocketAddress& address() const noexcept { return address_; }

  // On one core after the other: its listener, if it has one of its own. The
  // first one chooses the port, where none is given.
  Result<std::optional<TcpListener>> Listen(unsigned core);
  // The one for all, on its core; or null.
  const io::Fd* SharedListener(unsigned core) const noexcept {
    return core == shared_core_ ? shared_listener_ : nullptr;
  }

  // Whether connections are evened out. The rest is for that.
  bool balances() const noexcept { return most_ahead_.has_value(); }

  // Whether this core takes connections of others.
  void SetOpen(unsigned core, bool open) noexcept;
  // The core for a connection that `own` has accepted; it counts there from
  // here on.
  unsigned Choose(unsigned own) noexcept;
  // It counts elsewhere; it has ended.
  void Move(unsigned from, unsigned to) noexcept;
  void Leave(unsigned core) noexcept;

 private:
  // Relaxed, all of them: what a core learns late makes the distribution less
  // even, and nothing else.
  struct alignas(64) Core {
    std::atomic<std::size_t> connections = 0;
    std::atomic<bool> open = false;
  };

  SocketAddress address_;
  ListenOptions listen_;
  bool bound_ = false;
  const std::optional<std::size_t> most_ahead_;
  const io::Fd* const shared_listener_ = nullptr;
  const unsigned shared_core_ = 0;
  std::vector<Core> cores_;
};

}  // namespace eddy::net::internal

#endif  // EDDY_NET_CORE_GROUP_H_
