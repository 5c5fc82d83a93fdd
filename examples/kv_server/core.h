// Core: all that one core of the server has: its keys and their log, its
// channels and its clients. Only its own core touches it; others send it
// messages.
#ifndef EDDY_EXAMPLES_KV_SERVER_CORE_H_
#define EDDY_EXAMPLES_KV_SERVER_CORE_H_

#include <absl/container/btree_set.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/runtime.h>
#include <eddy/runtime/sharded.h>
#include <eddy/runtime/task.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "examples/kv_server/append_log.h"
#include "examples/kv_server/channels.h"
#include "examples/kv_server/command.h"
#include "examples/kv_server/options.h"
#include "examples/kv_server/shard.h"

namespace kv_server {

class Client;

// Milliseconds since 1970.
Time Now();

struct CoreStats {
  std::uint64_t connections = 0;  // since the start
  std::uint64_t refused = 0;      // of these: too many
  std::uint64_t thrown_out = 0;   // subscribers that did not read
  std::uint64_t commands = 0;
  std::uint64_t sent_away = 0;  // of these, to other cores
};

class Core {
 public:
  // This core of the Runtime that runs. The seed is that of the keys' hashes.
  Core(const Options& options, std::uint64_t seed)
      : Core(options, eddy::Runtime::CurrentCore(),
             eddy::Runtime::OfTask().cores(), seed) {}
  Core(const Options& options, unsigned index, unsigned cores,
       std::uint64_t seed)
      : options_(options), index_(index), cores_(cores), shard_(seed) {}

  const Options& options() const { return options_; }
  unsigned index() const { return index_; }
  unsigned cores() const { return cores_; }
  Shard& shard() { return shard_; }
  Channels& channels() { return channels_; }
  CoreStats& stats() { return stats_; }
  // Null where nothing is logged.
  AppendLog* log() { return log_.get(); }
  // By their numbers, which no other core's clients have.
  absl::btree_set<std::pair<std::uint64_t, Client*>>& clients() {
    return clients_;
  }
  std::uint64_t NextClientId() { return ++last_client_ * cores_ + index_; }

  // Brings the keys back from the log, if there is one.
  // Errors: as AppendLog::Open; it has told on stderr then.
  eddy::Task<eddy::Result<void>> Recover(std::uint64_t seed);
  // Writes the log, and removes keys whose time is over, until it is stopped.
  // Errors: that of a log that cannot be written any more. What is in memory
  // then has changes that a restart does not bring back, so nobody is told of
  // it: the server ends.
  eddy::Task<eddy::Result<void>> RunBackground();

  // A command for one of its keys, which live here. Gives what Combine::kSum
  // adds up.
  std::int64_t Run(const Command& command, Arguments arguments,
                   std::size_t key_at, const Key& key, Time now, Reply& reply) {
    return command.run({command, arguments, key_at, key, now,
                        options_.requests.longest_argument, shard_, reply});
  }
  // Whether changes can be logged; true, too, where none are.
  bool logs() const { return log_ == nullptr || !log_->error(); }
  // Whether so much waits for the log that commands have to wait, too; waits
  // until that is not so. Errors: kCanceled.
  bool full() const { return log_ != nullptr && log_->full(); }
  eddy::Task<eddy::Result<void>> Room();
  // Whether all that is here may be told to clients; waits until it may.
  // Errors: those of AppendLog::Durable.
  bool durable() const { return log_ == nullptr || log_->durable(); }
  eddy::Task<eddy::Result<void>> Durable();

 private:
  eddy::Task<eddy::Result<void>> WriteLog();

  const Options options_;
  const unsigned index_;
  const unsigned cores_;
  Shard shard_;
  Channels channels_;
  CoreStats stats_;
  std::unique_ptr<AppendLog> log_;
  absl::btree_set<std::pair<std::uint64_t, Client*>> clients_;
  std::uint64_t last_client_ = 0;
};

// Where a connection is served, and the way from there to the other cores.
class Place {
 public:
  // The only core: needs no Runtime.
  Place(Core& only, std::atomic<std::size_t>& clients)
      : here_(only), clients_(clients) {}
  Place(Core& here, eddy::Sharded<Core>& all, std::atomic<std::size_t>& clients)
      : here_(here), all_(&all), clients_(clients) {}

  Core& here() const { return here_; }
  unsigned cores() const { return here_.cores(); }
  unsigned CoreOfKey(const Key& key) const {
    return cores() == 1 ? 0 : CoreOf(key.hash, cores());
  }

  // f(Core&), which gives a Task<Result<void>>, on that core; or on each, at
  // the same time. What it refers to must live until it returns.
  template <class F>
  eddy::Task<eddy::Result<void>> On(unsigned core, F f) const {
    if (core == here_.index()) co_return co_await f(here_);
    co_return co_await all_->InvokeOn(core, f);
  }
  template <class F>
  eddy::Task<eddy::Result<void>> OnEach(F f) const {
    if (all_ == nullptr) co_return co_await f(here_);
    co_return co_await all_->InvokeOnAll(f);
  }
  // For what is no task, on another core.
  template <class F>
  auto CallOn(unsigned core, F f) const {
    return all_->InvokeOn(core, std::move(f));
  }

  // The clients of all cores: the one number that cores share, and only when a
  // client comes or goes.
  std::atomic<std::size_t>& clients() const { return clients_; }

 private:
  Core& here_;
  eddy::Sharded<Core>* all_ = nullptr;
  std::atomic<std::size_t>& clients_;
};

}  // namespace kv_server

#endif  // EDDY_EXAMPLES_KV_SERVER_CORE_H_
