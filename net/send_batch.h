// SendBatch: many datagrams to many addresses, given to the kernel together:
//
//   net::SendBatch batch;
//   for (const Client& client : clients) batch.Add(client.address, update);
//   EDDY_CO_CHECK(co_await socket.Send(batch));
//
// The entries of all go with the loop's next system call. Clear() and Add()
// again: a batch keeps its memory, and in a steady state allocates nothing.
//
// Result of Send(batch): nothing; all were sent. Or the error of the first one,
// in the order of Add, that was not; result(i) tells of each. One that fails
// keeps none of the others from being sent.
// Errors: as io::SendMessage; kCanceled.
// Order: as they were added, but where the send buffer is full those that wait
// for room may be overtaken.
// Lifetime: data that was added, and the batch, live until the await returns.
// Stop: reaches every datagram that waits for room; result(i) tells which were
// not sent.
// Cost: an entry each; of a stop, one more each.
#ifndef EDDY_NET_SEND_BATCH_H_
#define EDDY_NET_SEND_BATCH_H_

#include <eddy/io/fd.h>
#include <eddy/net/socket_address.h>
#include <eddy/runtime/await_budget.h>
#include <eddy/runtime/operation.h>
#include <eddy/runtime/result.h>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace eddy::net {

class SendBatchAwaiter;

class SendBatch {
 public:
  SendBatch() noexcept = default;
  SendBatch(const SendBatch&) = delete;
  SendBatch& operator=(const SendBatch&) = delete;
  ~SendBatch() { AssertIdle(); }

  // One to an IPv4 or IPv6 address, or to whom the socket is connected. The
  // address is copied, the data is not. REQUIRES: not in flight.
  void Add(const SocketAddress& to, std::span<const std::byte> data);
  void Add(std::span<const std::byte> data) { Add(SocketAddress(), data); }
  void Clear() noexcept {
    AssertIdle();
    datagrams_.clear();
  }

  std::size_t size() const noexcept { return datagrams_.size(); }
  bool empty() const noexcept { return datagrams_.empty(); }

  // How the datagram with this number was sent: its bytes. REQUIRES: i <
  // size(), and the batch was sent.
  Result<std::size_t> result(std::size_t i) const noexcept {
    return datagrams_[i].result();
  }

 private:
  friend class SendBatchAwaiter;

  class Datagram final : public Operation {
   public:
    Datagram(const SocketAddress& to, std::span<const std::byte> data) noexcept;
    Datagram(Datagram&&) noexcept = default;

    const char* name() const noexcept override { return "Send"; }
    void Submit(SendBatchAwaiter& awaiter, const io::Fd& fd,
                Reactor& reactor) noexcept;
    void End(std::int32_t result) noexcept { set_raw_result(result); }
    void Complete(std::int32_t result, std::uint32_t flags) noexcept override;
    Result<std::size_t> result() const noexcept { return CountResult(); }

   private:
    SendBatchAwaiter* awaiter_ = nullptr;
    sockaddr_in6 to_{};
    socklen_t to_size_ = 0;
    iovec buffer_;
    msghdr message_{};
  };

  void AssertIdle() const noexcept {
    if (in_flight_) [[unlikely]] {
      UsedInFlight();
    }
  }
  [[noreturn]] static void UsedInFlight() noexcept;

  std::vector<Datagram> datagrams_;
  bool in_flight_ = false;
};

// What UdpSocket::Send(batch) gives.
class [[nodiscard]] SendBatchAwaiter final : public eddy::internal::Suspension {
 public:
  SendBatchAwaiter(const io::Fd& fd, SendBatch& batch) noexcept
      : fd_(&fd), batch_(&batch) {}

  const char* name() const noexcept override { return "SendBatch"; }

  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> waiter) noexcept {
    static_assert(std::is_base_of_v<eddy::internal::PromiseBase, Promise>,
                  "an operation can be awaited only in a coroutine of eddy");
    if (!Start(waiter.promise())) {
      return eddy::internal::AwaitBudget::Spend(waiter.promise());
    }
    return true;
  }
  [[nodiscard]] Result<void> await_resume() const noexcept;

  void Cancel() noexcept override;

 private:
  friend class SendBatch;

  // False where there is nothing to wait for.
  bool Start(eddy::internal::PromiseBase& waiter) noexcept;
  // One has ended, with this result or, if a stop did it, ECANCELED.
  std::int32_t Ended(std::int32_t result) noexcept;

  const io::Fd* fd_;
  SendBatch* batch_;
  std::size_t left_ = 0;
};

}  // namespace eddy::net

#endif  // EDDY_NET_SEND_BATCH_H_
