// StorePool: a few connections to the database for many threads.
#ifndef EDDY_EXAMPLES_SQLITE_SERVICE_THREADS_STORE_POOL_H_
#define EDDY_EXAMPLES_SQLITE_SERVICE_THREADS_STORE_POOL_H_

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "examples/sqlite_service/store.h"

namespace sqlite_service_threads {

class StorePool {
 public:
  using Store = sqlite_service::Store;

  // One connection that writes and `readers` that read. A request may take
  // `patience`. Throws as Store.
  StorePool(const sqlite_service::StoreOptions& options, std::size_t readers,
            std::chrono::nanoseconds patience)
      : patience_(patience) {
    idle_writers_.push_back(std::make_unique<Store>(options));
    for (std::size_t i = 0; i < readers; ++i) {
      idle_readers_.push_back(std::make_unique<Store>(options));
    }
  }

  // Waits for a connection, and for the answer. Sets the deadline of `stop`.
  std::string Answer(std::string_view request,
                     sqlite_service::StopRequest& stop) {
    if (auto refused = Store::Refuse(request)) return *std::move(refused);
    stop.deadline = std::chrono::steady_clock::now() + patience_;
    Stores& idle = Store::Writes(request) ? idle_writers_ : idle_readers_;
    std::unique_lock lock(mutex_);
    std::condition_variable& returned =
        Store::Writes(request) ? writer_returned_ : reader_returned_;
    if (!returned.wait_until(lock, stop.deadline,
                             [&] { return !idle.empty(); })) {
      return "ERR it took too long\n";
    }
    std::unique_ptr<Store> store = std::move(idle.back());
    idle.pop_back();
    lock.unlock();
    const GiveBack give_back(*this, idle, returned, store);
    return store->Answer(request, stop);
  }

 private:
  using Stores = std::vector<std::unique_ptr<Store>>;

  // Also where an exception comes.
  class GiveBack {
   public:
    GiveBack(StorePool& pool, Stores& idle, std::condition_variable& returned,
             std::unique_ptr<Store>& store)
        : pool_(pool), idle_(idle), returned_(returned), store_(store) {}
    GiveBack(const GiveBack&) = delete;
    GiveBack& operator=(const GiveBack&) = delete;
    ~GiveBack() {
      const std::lock_guard lock(pool_.mutex_);
      // There is room for it: it came from there.
      idle_.push_back(std::move(store_));
      returned_.notify_one();
    }

   private:
    StorePool& pool_;
    Stores& idle_;
    std::condition_variable& returned_;
    std::unique_ptr<Store>& store_;
  };

  const std::chrono::nanoseconds patience_;
  std::mutex mutex_;
  std::condition_variable writer_returned_;
  std::condition_variable reader_returned_;
  Stores idle_writers_;
  Stores idle_readers_;
};

}  // namespace sqlite_service_threads

#endif  // EDDY_EXAMPLES_SQLITE_SERVICE_THREADS_STORE_POOL_H_
