#include <eddy/net/idle_timeout.h>

#include <linux/sockios.h>
#include <sys/ioctl.h>

#include <utility>

namespace eddy::net::internal {

bool Activity::Any() noexcept {
  const std::uint32_t completed = fd_.completed();
  if (std::exchange(completed_, completed) != completed) return true;
  if (!fd_.in_use()) return true;
  // What a write in flight has sent meanwhile.
  int unsent = 0;
  if (ioctl(fd_.get(), SIOCOUTQ, &unsent) != 0) return false;
  return std::exchange(unsent_, unsent) != unsent;
}

}  // namespace eddy::net::internal
