#include <eddy/runtime/status.h>

#include <absl/strings/str_cat.h>

namespace eddy {
namespace {

absl::StatusCode CodeOf(Error error) {
  if (error.is_errno()) return absl::ErrnoToStatusCode(error.code());
  if (error == kTimedOut) return absl::StatusCode::kDeadlineExceeded;
  if (error == kEndOfStream) return absl::StatusCode::kOutOfRange;
  if (error == kClosed) return absl::StatusCode::kFailedPrecondition;
  if (error == kUringMemoryLimit || error == kMemoryLockLimit ||
      error == kWatchLimit || error == kWatchInstanceLimit ||
      error == kTooFewCores) {
    return absl::StatusCode::kResourceExhausted;
  }
  if (error == kMisalignedOffset || error == kMisalignedLength ||
      error == kMisalignedMemory) {
    return absl::StatusCode::kInvalidArgument;
  }
  if (error == kHostNotFound || error == kServiceNotFound) {
    return absl::StatusCode::kNotFound;
  }
  return absl::StatusCode::kUnavailable;
}

}  // namespace

absl::Status ToStatus(Error error, absl::string_view what) {
  return absl::Status(CodeOf(error), absl::StrCat(what, ": ", error.message()));
}

}  // namespace eddy
