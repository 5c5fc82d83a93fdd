#include <eddy/runtime/owned_by.h>

namespace eddy::internal {

void LetGo(const CoreGroup& group, unsigned core,
           std::unique_ptr<Homing> object) noexcept {
  CorePort* const port = CorePort::Current();
  if (port != nullptr && &port->group() == &group) {
    port->SendHome(core, std::move(object));
  } else if (group.running.load(std::memory_order_relaxed)) {
    Misuse(
        "an OwnedBy of core %u ended on a thread that is no core of its "
        "Runtime, which runs",
        core);
  }
}

}  // namespace eddy::internal
