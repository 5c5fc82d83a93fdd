// Spawn: posix_spawn(3), for Process.
#ifndef EDDY_IO_SPAWN_H_
#define EDDY_IO_SPAWN_H_

#include <eddy/io/command.h>
#include <eddy/io/fd.h>
#include <eddy/runtime/result.h>

#include <sys/types.h>

#include <array>
#include <string>
#include <vector>

namespace eddy::io::internal {

// All that a child is started with; nothing of it belongs to a reactor's
// thread.
struct SpawnPlan {
  // Descriptors that are above 2, so that none is overwritten before it is
  // used.
  static constexpr int kInherit = -1;
  static constexpr int kOutput = -2;

  std::vector<std::string> words;
  std::vector<std::string> environment;
  std::string folder;
  ProcessGroup group = ProcessGroup::kOurs;
  std::array<int, 3> streams{kInherit, kInherit, kInherit};
};

struct Spawned {
  pid_t pid = 0;
  Fd pidfd;
};

// "NAME=value" of all that the child gets.
// Errors: EINVAL (a name that is empty or has a '=', a zero byte).
Result<std::vector<std::string>> EnvironmentOf(const Command& command);

// The errors are those of Process::Start. Suspends the calling thread until the
// child has begun its program.
Result<Spawned> Spawn(const SpawnPlan* plan);

// A signal to a process that this one has started and not reaped yet.
Result<void> SendSignal(const Fd& pidfd, int signal);

}  // namespace eddy::io::internal

#endif  // EDDY_IO_SPAWN_H_
