// RealFunction: a function of libc behind the one that takes its place here.
//
// EDDY_INTERPOSE defines a function under the name that libc gives it. The
// compiler knows it by another name, so that it neither clashes with the
// declarations of libc's headers (which differ between versions, and where
// _FORTIFY_SOURCE is set) nor is taken for a builtin.
#ifndef EDDY_RUNTIME_BLOCKING_GUARD_REAL_FUNCTION_H_
#define EDDY_RUNTIME_BLOCKING_GUARD_REAL_FUNCTION_H_

#include <atomic>

namespace eddy::internal::guard {

class RealFunction {
 public:
  explicit constexpr RealFunction(const char* name) noexcept : name_(name) {}
  RealFunction(const RealFunction&) = delete;
  RealFunction& operator=(const RealFunction&) = delete;

  // The next definition of the name after this library's.
  void* Get() noexcept {
    // Relaxed: every thread finds the same.
    void* address = address_.load(std::memory_order_relaxed);
    return address != nullptr ? address : Find();
  }

  // All of them, when the library starts: a forked child of a program with
  // threads must not have to wait for the loader's lock.
  static void FindAll() noexcept;

 private:
  void* Find() noexcept;
  void* TryFind() noexcept;

  const char* name_;
  std::atomic<void*> address_{nullptr};
};

}  // namespace eddy::internal::guard

// A function that is called and not watched.
#define EDDY_REAL(result, name, parameters)                            \
  using Type_##name = result parameters;                               \
  [[gnu::section("eddy_real"),                                         \
    gnu::used]] static constinit ::eddy::internal::guard::RealFunction \
      real_##name(#name)

#define EDDY_INTERPOSE(result, name, parameters)                               \
  EDDY_REAL(result, name, parameters);                                         \
  extern "C"                                                                   \
      [[gnu::visibility("default")]] result Guarded_##name parameters __asm__( \
          #name);                                                              \
  result Guarded_##name parameters

#define REAL(name) (reinterpret_cast<Type_##name*>(real_##name.Get()))

#endif  // EDDY_RUNTIME_BLOCKING_GUARD_REAL_FUNCTION_H_
