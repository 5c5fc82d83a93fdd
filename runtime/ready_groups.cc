#include <eddy/runtime/ready_groups.h>

#include <algorithm>

namespace eddy::internal {

std::uint8_t ReadyGroups::Add(std::string_view name, unsigned shares) {
  groups_.push_back(std::make_unique<Group>(name, shares));
  return static_cast<std::uint8_t>(groups_.size() - 1);
}

void ReadyGroups::Sort(ReadyQueue& ready) noexcept {
  while (!ready.empty()) {
    ReadyNode& node = ready.PopNode();
    Group& group = *groups_[node.coroutine.promise().context->group()];
    if (group.ready.empty()) {
      group.virtual_time = std::max(group.virtual_time, least_);
    }
    group.ready.Push(node);
  }
}

ReadyGroups::Group* ReadyGroups::Next() noexcept {
  Group* next = nullptr;
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    Group& group = *groups_[i];
    if (!group.ready.empty() &&
        (next == nullptr || group.virtual_time < next->virtual_time)) {
      next = &group;
      running_ = static_cast<std::uint8_t>(i);
    }
  }
  if (next != nullptr) least_ = std::max(least_, next->virtual_time);
  return next;
}

bool ReadyGroups::has_ready() const noexcept {
  return std::any_of(groups_.begin(), groups_.end(),
                     [](const auto& group) { return !group->ready.empty(); });
}

}  // namespace eddy::internal
