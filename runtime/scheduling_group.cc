#include <eddy/runtime/scheduling_group.h>

#include <eddy/runtime/misuse.h>
#include <eddy/runtime/ready_groups.h>

#include <cstddef>

namespace eddy {
namespace {

void CheckShares(unsigned shares) {
  if (shares == 0) {
    internal::Misuse("a SchedulingGroup was given no shares; 1 is the least");
  }
}

}  // namespace

SchedulingGroup SchedulingGroup::Get(std::string_view name, unsigned shares) {
  Reactor* const reactor = Reactor::Current();
  if (reactor == nullptr) {
    internal::Misuse(
        "SchedulingGroup::Get was called while no reactor runs on this thread");
  }
  CheckShares(shares);
  internal::ReadyGroups& groups = reactor->EnsureGroups();
  for (std::size_t i = 0; i < groups.size(); ++i) {
    if (groups[i].name == name) {
      return SchedulingGroup(*reactor, static_cast<std::uint8_t>(i));
    }
  }
  if (groups.size() == internal::ReadyGroups::kMost) {
    internal::Misuse("a reactor has at most %zu scheduling groups",
                     internal::ReadyGroups::kMost);
  }
  return SchedulingGroup(*reactor, groups.Add(name, shares));
}

SchedulingGroup SchedulingGroup::Current() noexcept {
  Reactor* const reactor = Reactor::Current();
  if (reactor == nullptr) {
    internal::Misuse(
        "SchedulingGroup::Current was called while no reactor runs on this "
        "thread");
  }
  return SchedulingGroup(*reactor, reactor->EnsureGroups().running());
}

const std::string& SchedulingGroup::name() const noexcept {
  return reactor_->EnsureGroups()[index_].name;
}
unsigned SchedulingGroup::shares() const noexcept {
  return reactor_->EnsureGroups()[index_].shares;
}
void SchedulingGroup::set_shares(unsigned shares) const {
  CheckShares(shares);
  reactor_->EnsureGroups()[index_].shares = shares;
}
Duration SchedulingGroup::time() const noexcept {
  return reactor_->EnsureGroups()[index_].time;
}
std::uint64_t SchedulingGroup::resumptions() const noexcept {
  return reactor_->EnsureGroups()[index_].resumptions;
}

}  // namespace eddy
