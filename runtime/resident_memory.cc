#include <eddy/runtime/resident_memory.h>

#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>

namespace eddy::internal {
namespace {

// What the functions above and below the prefaulted part may use.
constexpr std::size_t kReserve = std::size_t{64} * 1024;

// The lowest address of this thread's stack; 0 if it is not known.
std::uintptr_t EndOfStack() noexcept {
  pthread_attr_t attributes;
  if (pthread_getattr_np(pthread_self(), &attributes) != 0) return 0;
  void* lowest = nullptr;
  std::size_t size = 0;
  const int failed = pthread_attr_getstack(&attributes, &lowest, &size);
  pthread_attr_destroy(&attributes);
  return failed != 0 ? 0 : reinterpret_cast<std::uintptr_t>(lowest);
}

}  // namespace

Result<void> LockMemory(void* memory, std::size_t size,
                        LockWhen when) noexcept {
  int result = -1;
  if (when == LockWhen::kOnFault) {
    result = mlock2(memory, size, MLOCK_ONFAULT);
  }
  // Before Linux 4.4 there is only this.
  if (result != 0 && (when == LockWhen::kNow || errno == ENOSYS)) {
    result = mlock(memory, size);
  }
  if (result == 0) return {};
  const int error = errno;
  rlimit limit{};
  getrlimit(RLIMIT_MEMLOCK, &limit);
  // ENOMEM has several meanings.
  if (error == EPERM || (error == ENOMEM && limit.rlim_cur != RLIM_INFINITY)) {
    return Unexpected(kMemoryLockLimit);
  }
  return Unexpected(Error::FromErrno(error));
}

// The stack is touched from the top down, a page at a time, as the kernel lets
// it grow; what is touched lies below every frame that is in use.
[[gnu::noinline, gnu::no_sanitize_address]] Result<void> PrefaultStack(
    std::size_t size, bool lock) noexcept {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const auto here =
      reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
  const std::uintptr_t end = EndOfStack();
  if (end == 0 || here - end <= kReserve) return {};
  size = std::min(size, here - end - kReserve) / page * page;
  if (size == 0) return {};
  auto* top = static_cast<volatile std::byte*>(__builtin_alloca(size)) + size;
  for (std::size_t offset = page; offset <= size; offset += page) {
    *(top - offset) = std::byte{0};
  }
  if (!lock) return {};
  const auto lowest =
      reinterpret_cast<std::uintptr_t>(top - size) / page * page;
  return LockMemory(reinterpret_cast<void*>(lowest), size);
}

}  // namespace eddy::internal
