#include <eddy/runtime/remote.h>

#include <eddy/runtime/misuse.h>

namespace eddy {

Result<Remote> Remote::Create() {
  Reactor* const reactor = Reactor::Current();
  if (reactor == nullptr) {
    internal::Misuse(
        "Remote::Create was called while no reactor runs on this thread; call "
        "it in a task");
  }
  return internal::RemotePort::Of(*reactor).map(
      [](std::shared_ptr<internal::RemotePort> port) {
        return Remote(std::move(port));
      });
}

}  // namespace eddy
