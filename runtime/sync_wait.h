// SyncWait: runs a task to its end on a fresh reactor of this thread; the way
// main() starts.
//
//   int main() { return SyncWait(Main()); }
//
// Result: what the task returns or throws.
// Errors: where no reactor can be made (io_uring forbidden, disabled, out of
// memory) it throws a std::system_error whose what() says what to change. A
// program that wants to go on without uses Reactor::Create.
// REQUIRES: no reactor runs on this thread.
// Cost: a reactor, some fifteen system calls.
#ifndef EDDY_RUNTIME_SYNC_WAIT_H_
#define EDDY_RUNTIME_SYNC_WAIT_H_

#include <eddy/runtime/reactor.h>
#include <eddy/runtime/task.h>

#include <memory>
#include <system_error>
#include <utility>

namespace eddy {

template <class T>
T SyncWait(Task<T> task, const ReactorOptions& options = {}) {
  Result<std::unique_ptr<Reactor>> reactor = Reactor::Create(options);
  if (!reactor) {
    throw std::system_error(reactor.error().ToErrorCode(),
                            "cannot create a reactor");
  }
  return (*reactor)->Run(std::move(task));
}

}  // namespace eddy

#endif  // EDDY_RUNTIME_SYNC_WAIT_H_
