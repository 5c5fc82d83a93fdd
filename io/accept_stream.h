// AcceptStream: the connections of a listening socket, one after another.
//
//   io::AcceptStream connections;
//   EDDY_CO_TRY(io::Fd client, co_await connections.Next(listener));
//
// One entry in the kernel brings many of them (a multishot accept): all that
// are in the backlog, and those that come. Where kMostWaiting have been
// accepted ahead of Next, it ends until Next has given them; the others wait in
// the backlog.
//
// Result: a connected socket, close-on-exec.
//
// Errors: as io::Accept; kCanceled. EMFILE, ENFILE, ENOBUFS and ENOMEM leave
// the connection in the backlog: wait before the next Next.
//
// Stop: after kCanceled the kernel accepts no more until the next Next, and
// nothing that it had accepted is left: that is given first.
//
// Lifetime: as ReceiveStream. What was accepted and not asked for is closed
// with the AcceptStream.
//
// REQUIRES: one Next at a time; violations abort.
//
// Cost: no entry for a connection but the first, and after a pause. Where the
// kernel has no multishot accept (before 5.19), one each. See accept4(2),
// io_uring_prep_multishot_accept(3).
#ifndef EDDY_IO_ACCEPT_STREAM_H_
#define EDDY_IO_ACCEPT_STREAM_H_

#include <eddy/io/fd.h>
#include <eddy/io/next_of.h>
#include <eddy/runtime/fifo.h>
#include <eddy/runtime/multishot_operation.h>
#include <eddy/runtime/result.h>

#include <cstddef>
#include <cstdint>

namespace eddy::io {
namespace internal {

class AcceptOperation final : public eddy::internal::MultishotOperation {
 public:
  explicit AcceptOperation(bool multishot) noexcept : multishot_(multishot) {}

  const char* name() const noexcept override { return "Accept"; }
  void set_fd(int fd) noexcept { fd_ = fd; }
  Result<Fd> Take();
  void Rest() noexcept {
    if (in_flight()) Pause();
  }

 private:
  ~AcceptOperation() override;
  void Prepare(io_uring_sqe* sqe) noexcept override;
  void Deliver(std::int32_t result, std::uint32_t flags) noexcept override;
  bool HasElement() const noexcept override { return !accepted_.empty(); }

  // Descriptors, and errors as -errno.
  eddy::internal::Fifo<int> accepted_;
  int fd_ = -1;
  bool multishot_;
};

}  // namespace internal

struct AcceptStreamOptions {
  // False: an entry for each connection, which accepts nothing ahead of Next.
  bool multishot = true;
};

class AcceptStream {
 public:
  using NextAwaiter = internal::NextOf<internal::AcceptOperation>;
  static constexpr std::size_t kMostWaiting = 16;

  explicit AcceptStream(const AcceptStreamOptions& options = {})
      : operation_(new internal::AcceptOperation(options.multishot)) {}

  NextAwaiter Next(const Fd& listener) noexcept {
    return {*operation_, listener};
  }

  // The kernel accepts no more until the next Next; connections wait in the
  // backlog.
  void Pause() noexcept { operation_->Rest(); }

 private:
  eddy::internal::MultishotPtr<internal::AcceptOperation> operation_;
};

}  // namespace eddy::io

#endif  // EDDY_IO_ACCEPT_STREAM_H_
