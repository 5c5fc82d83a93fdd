// StorePool: a few connections to the database for many tasks.
#ifndef EDDY_EXAMPLES_SQLITE_SERVICE_STORE_POOL_H_
#define EDDY_EXAMPLES_SQLITE_SERVICE_STORE_POOL_H_

#include <eddy/runtime/blocking.h>
#include <eddy/runtime/channel.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/stop.h>
#include <eddy/runtime/task.h>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "examples/sqlite_service/store.h"

namespace sqlite_service {

class StorePool {
 public:
  // One connection that writes and `readers` that read. Blocks: for before the
  // reactor runs. Throws as Store.
  StorePool(const StoreOptions& options, std::size_t readers)
      : writers_(1), readers_(readers) {
    Add(writers_, options);
    while (readers_.size() < readers) Add(readers_, options);
  }

  // Waits for a connection, and for the answer, which a thread of the pool
  // makes. Lifetime: the request lives until the await returns.
  // Stop: a request that has begun is interrupted, and its answer says so.
  // Errors: kCanceled where it has not begun; EAGAIN where no thread is to be
  // had.
  eddy::Task<eddy::Result<std::string>> Answer(std::string_view request) {
    if (auto refused = Store::Refuse(request)) co_return *std::move(refused);
    Stores& idle = Store::Writes(request) ? writers_ : readers_;
    EDDY_CO_TRY(std::unique_ptr<Store> store, co_await idle.Receive());
    const GiveBack give_back(idle, store);
    StopRequest stop;
    const eddy::StopToken token = co_await eddy::CurrentStopToken();
    const eddy::StopCallback on_stop(token, [&] { stop.stopped = true; });
    co_return co_await eddy::Blocking(
        [&] { return store->Answer(request, stop); });
  }

 private:
  using Stores = eddy::Channel<std::unique_ptr<Store>>;

  class GiveBack {
   public:
    GiveBack(Stores& idle, std::unique_ptr<Store>& store)
        : idle_(idle), store_(store) {}
    GiveBack(const GiveBack&) = delete;
    GiveBack& operator=(const GiveBack&) = delete;
    // There is room for it: it came from there.
    ~GiveBack() { static_cast<void>(idle_.TrySend(std::move(store_))); }

   private:
    Stores& idle_;
    std::unique_ptr<Store>& store_;
  };

  static void Add(Stores& stores, const StoreOptions& options) {
    static_cast<void>(stores.TrySend(std::make_unique<Store>(options)));
  }

  Stores writers_;
  Stores readers_;
};

}  // namespace sqlite_service

#endif  // EDDY_EXAMPLES_SQLITE_SERVICE_STORE_POOL_H_
