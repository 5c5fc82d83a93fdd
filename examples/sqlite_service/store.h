// Store: one connection to an SQLite database of keys and values, and the
// requests that clients make.
//
// A library that blocks: it reads and writes files, waits for locks, and counts
// for seconds where it is asked to. It knows neither of threads nor of tasks,
// and both services use it as it is, one thread at a time.
//
//   PUT key text     OK
//   GET key          VALUE text | NONE
//   DELETE key       OK | NONE
//   ADD key number   VALUE sum        what was there, or 0, and the number
//   SWAP key key     OK | NONE        both change, or none
//   LIST prefix      ITEM key text    of keys that begin with it, and then END;
//                                     or, after 1000 keys or 64 KiB, MORE and
//                                     the request that gives the next ones:
//   LIST prefix key                   the same, of the keys after that one
//   PAIRS            VALUE number     of pairs of keys of which one's text
//                                     holds the other's: that takes a while
//
// or ERR and why. A key has at most 1000 bytes. Whatever a client writes is
// bound to a prepared statement and never a part of one.
#ifndef EDDY_EXAMPLES_SQLITE_SERVICE_STORE_H_
#define EDDY_EXAMPLES_SQLITE_SERVICE_STORE_H_

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace sqlite_service {

struct StoreOptions {
  std::string path;
  // How long to wait for a lock that another process has.
  std::chrono::nanoseconds busy = std::chrono::seconds(1);
  // Also where the power fails, what was acknowledged is not lost; without it,
  // that is only so where the process ends, in whichever way.
  bool survives_power_failure = true;
};

// What ends a request early, from any thread.
struct StopRequest {
  std::atomic<bool> stopped = false;
  std::chrono::steady_clock::time_point deadline =
      std::chrono::steady_clock::time_point::max();

  bool IsMet() const {
    // Relaxed: nothing else is told by it.
    return stopped.load(std::memory_order_relaxed) ||
           (deadline != std::chrono::steady_clock::time_point::max() &&
            std::chrono::steady_clock::now() >= deadline);
  }
};

class Store {
 public:
  // Creates the database if it is not there. Throws std::runtime_error, with a
  // message for who runs the service; also where SQLite cannot keep a
  // write-ahead log there: without one, who reads would hold up who writes.
  explicit Store(const StoreOptions& options);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // The answer to a line that is no request, for which no connection is needed;
  // none to a request.
  static std::optional<std::string> Refuse(std::string_view request);

  // Whether a request may change something. Those go to one connection, one
  // after the other: SQLite has one writer at a time.
  static bool Writes(std::string_view request);

  // The answer to a line, with line ends. OK and VALUE after a change mean that
  // it is durable. A request that is stopped changes nothing; its answer is
  // "ERR it took too long". Nor does one that an exception leaves, such as
  // std::bad_alloc; the store can be used then as before.
  std::string Answer(std::string_view request, const StopRequest& stop);

 private:
  class Connection;
  std::unique_ptr<Connection> connection_;
};

}  // namespace sqlite_service

#endif  // EDDY_EXAMPLES_SQLITE_SERVICE_STORE_H_
