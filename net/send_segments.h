// SendSegments: data as datagrams of one size: the awaiter of
// UdpSocket::SendSegments.
//
// Where the kernel can (UDP_SEGMENT, Linux 4.18), up to 64 of them are one
// entry, which goes through the network's layers once and is cut at the end.
// Else, or where the device refuses, each is an entry of its own.
#ifndef EDDY_NET_SEND_SEGMENTS_H_
#define EDDY_NET_SEND_SEGMENTS_H_

#include <eddy/io/control_message.h>
#include <eddy/io/fd.h>
#include <eddy/net/socket_address.h>
#include <eddy/runtime/await_budget.h>
#include <eddy/runtime/operation.h>
#include <eddy/runtime/result.h>

#include <sys/socket.h>
#include <sys/uio.h>

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <span>

namespace eddy::net {
namespace internal {

// Whether datagrams of a socket are cut by the kernel.
enum class Segmentation : std::uint8_t { kUnknown, kByKernel, kNone };

}  // namespace internal

class [[nodiscard]] SendSegments final : public Operation {
 public:
  // To whom the socket is connected where `to` is null.
  SendSegments(const io::Fd& fd, internal::Segmentation& segmentation,
               const SocketAddress* to, std::span<const std::byte> data,
               std::size_t segment_size, std::size_t* transferred) noexcept;

  const char* name() const noexcept override { return "SendSegments"; }

  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> waiter) noexcept {
    static_assert(std::is_base_of_v<eddy::internal::PromiseBase, Promise>,
                  "an operation can be awaited only in a coroutine of eddy");
    eddy::internal::PromiseBase& promise = waiter.promise();
    if (const int error = ErrorBefore(promise); error != 0 || rest_.empty()) {
      set_raw_result(-error);
      return eddy::internal::AwaitBudget::Spend(promise);
    }
    Suspend(promise);
    fd_->Pin();
    Submit();
    return true;
  }
  [[nodiscard]] Result<void> await_resume() const { return VoidResult(); }

  void Complete(std::int32_t result, std::uint32_t flags) noexcept override;
  void Cancel() noexcept override;
  void Continue() noexcept override;

 private:
  int ErrorBefore(const eddy::internal::PromiseBase& promise) const noexcept;
  void Submit() noexcept;
  bool CutsNext() noexcept;
  void End(std::int32_t result) noexcept {
    fd_->Unpin();
    set_raw_result(result);
    Wake();
  }

  const io::Fd* fd_;
  internal::Segmentation* segmentation_;
  std::span<const std::byte> rest_;
  std::size_t segment_size_;
  std::size_t* transferred_;
  // The entry in flight has several datagrams.
  bool cuts_ = false;
  // Not for this data: the kernel has refused it.
  bool never_cuts_ = false;
  msghdr message_{};
  iovec buffer_{};
  io::ControlBuffer<io::ControlSpace(sizeof(std::uint16_t))> control_;
};

}  // namespace eddy::net

#endif  // EDDY_NET_SEND_SEGMENTS_H_
