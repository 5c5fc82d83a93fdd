// ToStatus: an Error as an absl::Status, at an application's border.
#ifndef EDDY_RUNTIME_STATUS_H_
#define EDDY_RUNTIME_STATUS_H_

#include <absl/status/status.h>
#include <absl/strings/string_view.h>
#include <eddy/runtime/error.h>

namespace eddy {

// A status whose code follows absl::ErrnoToStatusCode (kCanceled becomes
// CANCELLED, kTimedOut DEADLINE_EXCEEDED, kEndOfStream OUT_OF_RANGE, kClosed
// FAILED_PRECONDITION, an unusable io_uring UNAVAILABLE or
// RESOURCE_EXHAUSTED, an unknown name NOT_FOUND, a name server without an
// answer UNAVAILABLE) and whose message is "what: message".
// The errno value itself is lost: decide by Error, report by Status.
// Allocates.
absl::Status ToStatus(Error error, absl::string_view what);

}  // namespace eddy

#endif  // EDDY_RUNTIME_STATUS_H_
