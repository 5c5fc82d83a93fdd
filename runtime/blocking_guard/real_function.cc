#include <eddy/runtime/blocking_guard/real_function.h>

#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

// The linker's names for the ends of the section that EDDY_REAL fills.
extern "C" {
[[gnu::visibility(
    "hidden")]] extern eddy::internal::guard::RealFunction __start_eddy_real[];
[[gnu::visibility(
    "hidden")]] extern eddy::internal::guard::RealFunction __stop_eddy_real[];
}

namespace eddy::internal::guard {

namespace {

// Where libc has a name in two versions, programs call the newer one, whose
// objects have another layout. Which one dlsym() finds is the loader's choice.
void* FindVersion([[maybe_unused]] const char* name) noexcept {
#if defined(__x86_64__)
  for (const char* of_two : {"pthread_cond_wait", "pthread_cond_timedwait"}) {
    if (std::strcmp(name, of_two) == 0) {
      return dlvsym(RTLD_NEXT, name, "GLIBC_2.3.2");
    }
  }
#endif
  return nullptr;
}

}  // namespace

void* RealFunction::TryFind() noexcept {
  void* address = FindVersion(name_);
  if (address == nullptr) address = dlsym(RTLD_NEXT, name_);
  if (address != nullptr) address_.store(address, std::memory_order_relaxed);
  return address;
}

void* RealFunction::Find() noexcept {
  void* address = TryFind();
  if (address == nullptr) {
    std::fprintf(stderr,
                 "eddy: the blocking guard finds no %s in the C library; it "
                 "was made for another one\n",
                 name_);
    std::abort();
  }
  return address;
}

void RealFunction::FindAll() noexcept {
  for (auto* f = __start_eddy_real; f != __stop_eddy_real; ++f) f->TryFind();
}

}  // namespace eddy::internal::guard
