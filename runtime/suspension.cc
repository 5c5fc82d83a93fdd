#include <eddy/runtime/suspension.h>

#include <eddy/runtime/misuse.h>

namespace eddy::internal {

void Suspension::DestroyedWhileSuspended() const noexcept {
  const std::source_location& at = coroutine.promise().where;
  Misuse(
      "coroutine frame destroyed while it waits at %s:%u (%s); stop its scope "
      "and await the scope's end instead of destroying it",
      at.file_name(), static_cast<unsigned>(at.line()), at.function_name());
}

}  // namespace eddy::internal
