#include <eddy/runtime/status.h>

#include <absl/strings/str_cat.h>

namespace eddy {
namespace {

absl::StatusCode CodeOf(Error error) {
  if (error.is_errno()) return absl::ErrnoToStatusCode(error.code());
  if (error == kTimedOut) return absl::StatusCode::kDeadlineExceeded;
  if (error == kEndOfStream) return absl::StatusCode::kOutOfRange;
  if (error == kClosed) return absl::StatusCode::kFailedPrecondition;
  if (error == kUringMemoryLimit) return absl::StatusCode::kResourceExhausted;
  return absl::StatusCode::kUnavailable;
}

}  // namespace

absl::Status ToStatus(Error error, absl::string_view what) {
  return absl::Status(CodeOf(error), absl::StrCat(what, ": ", error.message()));
}

}  // namespace eddy
