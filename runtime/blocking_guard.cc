#include <eddy/runtime/blocking_guard.h>
#include <eddy/runtime/blocking_guard_hooks.h>

#include <dlfcn.h>

#include <cstdio>

namespace eddy {
namespace internal {
namespace {

// By name at run time: a preloaded library is not there when programs are
// linked, and a weak reference need not be looked up when they start.
const BlockingGuardHooks* FindGuard() noexcept {
  const auto* hooks = static_cast<const BlockingGuardHooks*>(
      dlsym(RTLD_DEFAULT, BlockingGuardHooks::kSymbol));
  if (hooks == nullptr) return nullptr;
  if (hooks->version == BlockingGuardHooks::kVersion) return hooks;
  std::fprintf(stderr,
               "eddy: the blocking guard in this process is of version %u, "
               "and this eddy needs %u: nothing is watched\n",
               hooks->version, BlockingGuardHooks::kVersion);
  return nullptr;
}

}  // namespace

const BlockingGuardHooks* const blocking_guard = FindGuard();

}  // namespace internal

bool BlockingGuard::loaded() noexcept {
  return internal::blocking_guard != nullptr;
}

BlockingGuardOptions BlockingGuard::options() noexcept {
  BlockingGuardOptions options;
  options.mode = BlockingGuardMode::kOff;
  if (loaded()) internal::blocking_guard->get_options(&options);
  return options;
}

void BlockingGuard::SetOptions(const BlockingGuardOptions& options) noexcept {
  if (loaded()) internal::blocking_guard->set_options(&options);
}

void BlockingGuard::ForgetPlaces() noexcept {
  if (loaded()) internal::blocking_guard->forget_places();
}

}  // namespace eddy
