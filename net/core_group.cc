#include <eddy/net/core_group.h>

#include <eddy/net/socket_option.h>
#include <eddy/runtime/runtime.h>

#include <sys/socket.h>

#include <utility>

namespace eddy::net::internal {

CoreGroup::CoreGroup(unsigned cores, const SocketAddress& address,
                     const ListenOptions& listen,
                     std::optional<std::size_t> most_ahead)
    : address_(address),
      listen_(listen),
      most_ahead_(most_ahead),
      cores_(cores) {}

CoreGroup::CoreGroup(unsigned cores, const SocketAddress& address,
                     const io::Fd& listener, std::size_t most_ahead)
    : address_(address),
      most_ahead_(most_ahead),
      shared_listener_(&listener),
      shared_core_(Runtime::CurrentCore()),
      cores_(cores) {}

Result<std::optional<TcpListener>> CoreGroup::Listen(unsigned core) {
  if (shared_listener_ != nullptr || core >= cores_.size()) {
    return std::optional<TcpListener>();
  }
  Result<TcpListener> listener = TcpListener::Bind(address_, listen_);
  if (!listener) return Unexpected(listener.error());
  if (!bound_) {
    const Result<SocketAddress> local = listener->local_address();
    if (!local) return Unexpected(local.error());
    address_ = *local;
    // Not before it is bound: so a listener of another program is in its way.
    const Result<void> set =
        SetSocketOption(listener->fd().get(), SOL_SOCKET, SO_REUSEPORT, 1);
    if (!set) return Unexpected(set.error());
    listen_.reuse_port = true;
    bound_ = true;
  }
  return std::optional<TcpListener>(*std::move(listener));
}

void CoreGroup::SetOpen(unsigned core, bool open) noexcept {
  cores_[core].open.store(open, std::memory_order_relaxed);
}

unsigned CoreGroup::Choose(unsigned own) noexcept {
  const std::size_t here =
      cores_[own].connections.load(std::memory_order_relaxed);
  std::size_t fewest = here;
  unsigned chosen = own;
  for (unsigned core = 0; core < cores_.size(); ++core) {
    const std::size_t there =
        cores_[core].connections.load(std::memory_order_relaxed);
    if (there < fewest && here - there > *most_ahead_ &&
        cores_[core].open.load(std::memory_order_relaxed)) {
      fewest = there;
      chosen = core;
    }
  }
  cores_[chosen].connections.fetch_add(1, std::memory_order_relaxed);
  return chosen;
}

void CoreGroup::Move(unsigned from, unsigned to) noexcept {
  cores_[from].connections.fetch_sub(1, std::memory_order_relaxed);
  cores_[to].connections.fetch_add(1, std::memory_order_relaxed);
}

void CoreGroup::Leave(unsigned core) noexcept {
  if (!balances()) return;
  cores_[core].connections.fetch_sub(1, std::memory_order_relaxed);
}

}  // namespace eddy::net::internal
