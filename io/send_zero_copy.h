// SendZeroCopy: bytes to a connected stream socket, which the kernel takes from
// where they are instead of copying them first.
//
// With SendZeroCopy(fd, data) the bytes are borrowed: the await returns when
// the kernel has let go of them, which for TCP is when the peer has
// acknowledged them. With SendZeroCopyOwned(fd, data, owner) it returns as soon
// as Send would, and the owner of the bytes is kept alive until the kernel has
// let go: who writes never waits for the peer. StreamSocket::WriteZeroCopy is
// made of it.
//
// Whether it pays: each call costs a second completion, and memory that is
// pinned. Where the kernel has to copy all the same, as it does on loopback,
// between network namespaces, and on devices without scatter-gather, there is
// nothing to win; ThreadZeroCopyStats() tells. Measured on loopback and over a
// veth pair (Linux 6.18, CPU time of the sender, all copied): with 4 KiB three
// times that of Send, with 16 KiB up to twice as much, from 64 KiB on the same.
//
// `flags` are those of send(2); MSG_NOSIGNAL is always set. With MSG_WAITALL
// the kernel goes on until all is sent, an error, or a stop. Result: the bytes
// that the socket took, 1 to data.size(). Errors: those of send(2); EOPNOTSUPP
// (the socket cannot, such as one of AF_UNIX), EINVAL (the kernel cannot),
// ENOMEM, ENOBUFS (RLIMIT_MEMLOCK): see CannotZeroCopy; kCanceled. Lifetime: fd
// lives until the await returns. The bytes: see above; nobody changes them
// meanwhile. Stop: after kCanceled nothing was sent; what had been sent before
// is counted in the result. A stop does not end the wait for the kernel to let
// go. So a peer that acknowledges nothing holds up SendZeroCopy, and with
// either form the end of the reactor, until the connection breaks: by
// TCP_USER_TIMEOUT, or by a close after TcpStream::ResetOnClose. Cost: one
// operation with two completions. Owned: two blocks from the heap. See
// io_uring_prep_send_zc(3). Kernel: 6.0; 6.2 for the statistics.
#ifndef EDDY_IO_SEND_ZERO_COPY_H_
#define EDDY_IO_SEND_ZERO_COPY_H_

#include <eddy/io/fd_operation.h>
#include <eddy/runtime/await_budget.h>
#include <eddy/runtime/error.h>

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

namespace eddy::io {

// With less, Send costs less; see above.
inline constexpr std::size_t kZeroCopyThreshold = 64 * 1024;

struct ZeroCopySendStats {
  // What the kernel has let go of, in calls; and of these, those whose bytes it
  // had copied.
  std::uint64_t sends = 0;
  std::uint64_t copied = 0;
};
// Of this thread, so far.
const ZeroCopySendStats& ThreadZeroCopyStats() noexcept;

// Whether the error means that Send would do what this cannot.
bool CannotZeroCopy(Error error) noexcept;

}  // namespace eddy::io

namespace eddy::internal {

// What both forms have in common: the two completions.
class ZeroCopySend : public Operation {
 public:
  const char* name() const noexcept override { return "SendZeroCopy"; }
  void Complete(std::int32_t result, std::uint32_t flags) noexcept override;
  void Cancel() noexcept override;

 protected:
  ZeroCopySend(const io::Fd& fd, std::span<const std::byte> data,
               int flags) noexcept
      : fd_(&fd), data_(data), flags_(flags) {}
  ZeroCopySend(ZeroCopySend&&) noexcept = default;
  ~ZeroCopySend() = default;

  void Submit(PromiseBase& waiter) noexcept;
  // The socket has taken the bytes, or not; the result says.
  virtual void Sent() noexcept = 0;
  // The kernel has let go, and nothing more comes; after Sent.
  virtual void LetGo() noexcept = 0;

 private:
  const io::Fd* fd_;
  std::span<const std::byte> data_;
  int flags_;
  bool sent_ = false;
};

}  // namespace eddy::internal

namespace eddy::io {

class [[nodiscard]] SendZeroCopy final : public eddy::internal::ZeroCopySend {
 public:
  SendZeroCopy(const Fd& fd, std::span<const std::byte> data,
               int flags = 0) noexcept
      : ZeroCopySend(fd, data, flags) {}

  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> waiter) noexcept {
    eddy::internal::PromiseBase& promise = waiter.promise();
    if (promise.context->stop_requested()) {
      set_raw_result(-ECANCELED);
      return eddy::internal::AwaitBudget::Spend(promise);
    }
    Submit(promise);
    return true;
  }
  [[nodiscard]] Result<std::size_t> await_resume() const {
    return CountResult();
  }

 private:
  void Sent() noexcept override {}
  void LetGo() noexcept override { Wake(); }
};

class [[nodiscard]] SendZeroCopyOwned {
 public:
  // `owner` keeps the bytes of `data` alive, whatever it is.
  SendZeroCopyOwned(const Fd& fd, std::span<const std::byte> data,
                    std::shared_ptr<const void> owner, int flags = 0)
      : send_(new Send(fd, data, std::move(owner), flags)) {}

  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> waiter) noexcept {
    return send_->Start(waiter.promise());
  }
  [[nodiscard]] Result<std::size_t> await_resume() const {
    return send_->result();
  }

 private:
  // Lives until the awaiter and the kernel are done with it.
  class Send final : public eddy::internal::ZeroCopySend {
   public:
    Send(const Fd& fd, std::span<const std::byte> data,
         std::shared_ptr<const void> owner, int flags) noexcept
        : ZeroCopySend(fd, data, flags), owner_(std::move(owner)) {}

    // Whether the waiter is suspended.
    bool Start(eddy::internal::PromiseBase& waiter) noexcept;
    void Continue() noexcept override;
    Result<std::size_t> result() const { return CountResult(); }
    // The awaiter is done with it.
    void Release() noexcept;

   private:
    void Sent() noexcept override { Wake(); }
    void LetGo() noexcept override;

    std::shared_ptr<const void> owner_;
    bool in_kernel_ = false;
    bool released_ = false;
  };
  struct Releaser {
    void operator()(Send* send) const noexcept { send->Release(); }
  };

  std::unique_ptr<Send, Releaser> send_;
};

}  // namespace eddy::io

#endif  // EDDY_IO_SEND_ZERO_COPY_H_
