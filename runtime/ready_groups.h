// ReadyGroups: what is ready on a reactor, by scheduling group, and which group
// is next.
//
// A group's virtual time is the time that it has run, divided by its shares.
// The group with the least of it runs next, so that groups that all want the
// core have it in proportion to their shares. One that wanted nothing for a
// while comes back at the least virtual time of those that run: it has no claim
// to what it did not use.
#ifndef EDDY_RUNTIME_READY_GROUPS_H_
#define EDDY_RUNTIME_READY_GROUPS_H_

#include <eddy/runtime/suspension.h>
#include <eddy/runtime/time.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace eddy::internal {

class ReadyGroups {
 public:
  // TaskContext keeps an index of eight bits.
  static constexpr std::size_t kMost = 256;

  struct Group {
    Group(std::string_view name_in, unsigned shares_in)
        : name(name_in), shares(shares_in) {}

    // It has had the core for so long.
    void Ran(Duration duration) noexcept {
      time += duration;
      ++resumptions;
      virtual_time += static_cast<double>(duration.count()) / shares;
    }

    const std::string name;
    unsigned shares;
    ReadyQueue ready;
    Duration time = Duration::zero();
    std::uint64_t resumptions = 0;
    double virtual_time = 0;  // nanoseconds of one share
  };

  static constexpr unsigned kDefaultShares = 100;

  // With the group of what is in none, which is 0.
  ReadyGroups() { Add("", kDefaultShares); }

  // REQUIRES: size() < kMost.
  std::uint8_t Add(std::string_view name, unsigned shares);
  std::size_t size() const noexcept { return groups_.size(); }
  Group& operator[](std::size_t index) noexcept { return *groups_[index]; }

  // Takes all that is in `ready` to the queues of its groups.
  void Sort(ReadyQueue& ready) noexcept;

  // The group that runs next, which has something to run; null: none has.
  Group* Next() noexcept;

  // The one that Next() gave last, until Leave(); then 0.
  std::uint8_t running() const noexcept { return running_; }
  void Leave() noexcept { running_ = 0; }

  bool has_ready() const noexcept;

 private:
  std::vector<std::unique_ptr<Group>> groups_;
  // The virtual time of the group that ran last, when it was chosen.
  double least_ = 0;
  std::uint8_t running_ = 0;
};

}  // namespace eddy::internal

#endif  // EDDY_RUNTIME_READY_GROUPS_H_
