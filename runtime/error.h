// Error: what went wrong, in four bytes.
//
// An Error is an errno value or one of eddy's own codes. It costs no
// allocation, keeps the kernel's distinction between, say, ECONNRESET and
// ECONNREFUSED, and compares with std::errc:
//
//   Result<std::size_t> n = co_await stream.Read(buffer);
//   if (!n && n.error() == std::errc::connection_reset) ...
//   if (!n && n.error() == kCanceled) ...      // a stop was requested
//
// Thread safety: a value; all functions are const and need no allocation but
// message().
#ifndef EDDY_RUNTIME_ERROR_H_
#define EDDY_RUNTIME_ERROR_H_

#include <cstdint>
#include <iosfwd>
#include <string>
#include <system_error>

namespace eddy {

class Error {
 public:
  // The error of an errno condition.
  constexpr Error(std::errc code) noexcept  // NOLINT: meant to convert
      : code_(static_cast<std::int32_t>(code)) {}

  // The error of a positive errno value (see errno(3)).
  static constexpr Error FromErrno(int value) noexcept {
    return Error(static_cast<std::int32_t>(value), 0);
  }

  // The errno value, or a number from kFirstOwnCode for eddy's own codes.
  constexpr int code() const noexcept { return code_; }

  // True if code() is an errno value.
  constexpr bool is_errno() const noexcept { return code_ < kFirstOwnCode; }

  // A sentence for people: what happened and, for eddy's own codes, what to
  // change. Allocates.
  std::string message() const;

  // Same as std::error_code: errno values in std::system_category(), eddy's own
  // codes in ErrorCategory().
  std::error_code ToErrorCode() const noexcept;

  friend constexpr bool operator==(Error a, Error b) noexcept {
    return a.code_ == b.code_;
  }
  friend constexpr bool operator==(Error a, std::errc b) noexcept {
    return a.code_ == static_cast<std::int32_t>(b);
  }

  static constexpr std::int32_t kFirstOwnCode = 10000;

  // Makes one of eddy's own codes; use the constants below.
  static constexpr Error Own(int offset) noexcept {
    return Error(kFirstOwnCode + offset, 0);
  }

 private:
  constexpr Error(std::int32_t code, int) noexcept : code_(code) {}

  std::int32_t code_;
};

// A stop was requested for the task; the operation did not happen.
inline constexpr Error kCanceled = std::errc::operation_canceled;
// The peer has sent all it will send, before what was asked for was complete.
inline constexpr Error kEndOfStream = Error::Own(1);
// The object was closed on this side.
inline constexpr Error kClosed = Error::Own(2);
// A deadline set with WithTimeout or WithDeadline passed. Never TCP's
// ETIMEDOUT, which is std::errc::timed_out.
inline constexpr Error kTimedOut = Error::Own(3);

// Why a reactor cannot be created. message() says what to change.
inline constexpr Error kUringDisabledBySysctl = Error::Own(4);
inline constexpr Error kUringForbidden = Error::Own(5);
inline constexpr Error kUringMemoryLimit = Error::Own(6);
inline constexpr Error kKernelTooOld = Error::Own(7);

// Why a name gives no address (net/resolve.h). The name is unknown, or has no
// address of the family asked for.
inline constexpr Error kHostNotFound = Error::Own(8);
// No name server gave an answer; a later try may find it.
inline constexpr Error kNameServerUnreachable = Error::Own(9);
// A name server refused to answer, or failed.
inline constexpr Error kNameServerFailed = Error::Own(10);
// The name of a service is not known to this machine.
inline constexpr Error kServiceNotFound = Error::Own(11);

// Memory cannot be locked (ReactorOptions::lock_memory). message() says what to
// change.
inline constexpr Error kMemoryLockLimit = Error::Own(12);

// What of a direct transfer is not aligned as its file demands.
inline constexpr Error kMisalignedOffset = Error::Own(13);
inline constexpr Error kMisalignedLength = Error::Own(14);
inline constexpr Error kMisalignedMemory = Error::Own(15);

// Why no more folders can be watched (fs/watch.h). message() says which limit
// to raise.
inline constexpr Error kWatchLimit = Error::Own(16);
inline constexpr Error kWatchInstanceLimit = Error::Own(17);

// More cores were asked for than this process may use (runtime/runtime.h).
inline constexpr Error kTooFewCores = Error::Own(18);

// The category of eddy's own codes, named "eddy".
const std::error_category& ErrorCategory() noexcept;

// Prints message().
std::ostream& operator<<(std::ostream& out, Error error);

}  // namespace eddy

#endif  // EDDY_RUNTIME_ERROR_H_
