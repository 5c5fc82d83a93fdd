// AllowBlocking: a scope in which blocking calls of a task are intended.
//
//   {
//     const AllowBlocking allow("the key file is read once, at the start");
//     key = ReadKeyFile();
//   }
//
// The blocking guard (docs/blocking_guard.md) reports no call made on this
// thread while such a scope is open. Scopes may be nested, and one that is open
// around SyncWait or Reactor::Run covers all that runs in it.
//
// A scope in a task ends at the latest where the task suspends: others run
// then, whose calls nobody has allowed. A guard reports such a scope with its
// reason, since it does not do what it says; open another one after the await.
//
// Cost: without a guard, the look at one pointer; no system call, no memory.
#ifndef EDDY_RUNTIME_ALLOW_BLOCKING_H_
#define EDDY_RUNTIME_ALLOW_BLOCKING_H_

#include <eddy/runtime/blocking_guard_hooks.h>

#include <cstddef>
#include <cstdint>

namespace eddy {

class [[nodiscard]] AllowBlocking {
 public:
  // `why` is for who reads the code, and for reports; it outlives the scope.
  explicit AllowBlocking(const char* why) noexcept {
    if (internal::blocking_guard != nullptr) [[unlikely]] {
      resumption_ = internal::blocking_guard->allow(why);
    }
  }
  ~AllowBlocking() {
    if (internal::blocking_guard != nullptr) [[unlikely]] {
      internal::blocking_guard->end_allow(resumption_);
    }
  }
  AllowBlocking(const AllowBlocking&) = delete;
  AllowBlocking& operator=(const AllowBlocking&) = delete;
  static void* operator new(std::size_t) = delete;

 private:
  std::uint64_t resumption_ = 0;
};

}  // namespace eddy

#endif  // EDDY_RUNTIME_ALLOW_BLOCKING_H_
