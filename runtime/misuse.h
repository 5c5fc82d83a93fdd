// The end for programming errors: one line on stderr that names the mistake
// and what to do instead, then abort(). Never used for what a peer, a disk or
// an administrator can cause; that is an Error.
#ifndef EDDY_RUNTIME_MISUSE_H_
#define EDDY_RUNTIME_MISUSE_H_

namespace eddy::internal {

// Prints "eddy: " and the message (printf style) and aborts.
[[noreturn, gnu::cold, gnu::format(printf, 1, 2)]] void Misuse(
    const char* format, ...) noexcept;

}  // namespace eddy::internal

#endif  // EDDY_RUNTIME_MISUSE_H_
