// AppendLog: the changes of one core's keys, in a file that only grows; what
// makes them survive a kill -9, and with LogSync::kAlways a power failure.
//
// Group commit: while one batch is on its way to the disk, changes gather in
// the next one. However many connections wait, a batch is one write and one
// fdatasync.
//
// In the file a batch is a frame: the number of its bytes, their CRC-32, and
// the CRC-32 of these two, the frame's offset and the log's seed (4 bytes each,
// least significant first); then the mutations. A crash tears the last frame,
// of which nobody was told: Open cuts it off. Where a frame is damaged and a
// whole head follows somewhere behind it, something other than a crash has
// been at work, and acknowledged changes are behind: Open fails and says where.
//
// The log begins with what it belongs to: the core, of how many, and the seed
// of the keys' hashes.
#ifndef EDDY_EXAMPLES_KV_SERVER_APPEND_LOG_H_
#define EDDY_EXAMPLES_KV_SERVER_APPEND_LOG_H_

#include <eddy/fs/file.h>
#include <eddy/runtime/event.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "examples/kv_server/mutation.h"

namespace kv_server {

enum class LogSync {
  kAlways,       // a client is answered when its changes are on the disk
  kEverySecond,  // when the kernel has them: a kill -9 takes nothing, a power
                 // failure may take the last second's changes
};

struct LogOptions {
  LogSync sync = LogSync::kAlways;
  // Bytes of changes that may wait for the disk before commands wait, too.
  std::size_t most_pending = std::size_t{64} << 20;
  // A log that is damaged in the middle is cut off there.
  bool cut_damaged = false;
};

// What a log belongs to.
struct LogOwner {
  std::uint32_t core = 0;
  std::uint32_t cores = 1;
  std::uint64_t seed = 0;

  friend bool operator==(const LogOwner&, const LogOwner&) = default;
};

struct LogStats {
  std::uint64_t bytes = 0;      // of the file
  std::uint64_t recovered = 0;  // mutations that Open found
  std::uint64_t cut_off = 0;    // bytes of a torn end that it found
  std::uint64_t commits = 0;
  std::uint64_t syncs = 0;
};

class AppendLog final : public Journal {
 public:
  using Visitor = std::function<bool(const Mutation& mutation)>;

  // Opens a log, or makes it, and calls `replay` for each mutation in it, which
  // gives whether it makes sense. Errors: EWOULDBLOCK where another process has
  // it open; EBADMSG where it is damaged, or another's: then, and of other
  // errors too, `problem` says what is wrong.
  static eddy::Task<eddy::Result<std::unique_ptr<AppendLog>>> Open(
      std::string path, LogOwner owner, LogOptions options, Visitor replay,
      std::string& problem);

  // Writes what is added, until it is stopped; what was added by then is
  // written first. One task runs this. Error: the one that ends the log.
  eddy::Task<eddy::Result<void>> Run();

  // Neither waits.
  void Announce(const Mutation& mutation) override;
  void Add(const Mutation& mutation) override;

  // Whether all that was added may be told to clients; waits until it may.
  // Error: see error(); kCanceled.
  bool durable() const;
  eddy::Task<eddy::Result<void>> Durable();

  // Whether too much waits for the disk; waits until there is room.
  bool full() const { return pending_ >= options_.most_pending; }
  eddy::Task<eddy::Result<void>> Room();

  // Why no more can be logged. (After a failed fdatasync the kernel may have
  // dropped what it should have written, so another try would prove nothing.)
  std::optional<eddy::Error> error() const { return error_; }
  const LogStats& stats() const { return stats_; }

 private:
  struct Batch {
    std::string bytes;  // with room for the frame's head; or none
    eddy::Event committed;
    eddy::Result<void> result;
  };

  AppendLog(eddy::fs::File file, eddy::fs::FileLock lock, LogOwner owner,
            LogOptions options)
      : file_(std::move(file)),
        lock_(std::move(lock)),
        owner_(owner),
        options_(options) {}
  eddy::Task<eddy::Result<void>> Begin(std::string path);
  eddy::Task<eddy::Result<void>> Recover(std::string path, Visitor replay,
                                         std::string& problem);
  // Waits for the batches, and syncs once a second.
  eddy::Task<eddy::Result<void>> CommitAll();
  eddy::Task<void> SyncNowAndThen();
  eddy::Task<void> Commit();
  eddy::Task<void> Sync();
  std::shared_ptr<Batch> Waiting() const;

  eddy::fs::File file_;
  eddy::fs::FileLock lock_;
  const LogOwner owner_;
  const LogOptions options_;
  std::uint64_t end_ = 0;
  std::optional<eddy::Error> error_;
  eddy::Event work_{eddy::Event::Kind::kAutoReset};
  // What is added goes to next_; committing_ is on its way.
  std::shared_ptr<Batch> next_ = std::make_shared<Batch>();
  std::shared_ptr<Batch> committing_;
  std::size_t pending_ = 0;  // bytes of both
  bool unsynced_ = false;
  LogStats stats_;
};

}  // namespace kv_server

#endif  // EDDY_EXAMPLES_KV_SERVER_APPEND_LOG_H_
