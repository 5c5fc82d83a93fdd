// Outbox: what waits to be sent to a subscriber: messages, and replies among
// them, in their order. One task takes from it.
#ifndef EDDY_EXAMPLES_KV_SERVER_OUTBOX_H_
#define EDDY_EXAMPLES_KV_SERVER_OUTBOX_H_

#include <eddy/runtime/event.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace kv_server {

class Outbox {
 public:
  // Never waits.
  void Push(std::string_view bytes) {
    if (bytes.empty()) return;
    waiting_.append(bytes);
    pushed_ += bytes.size();
    changed_.Set();
  }
  // Nothing more comes.
  void Close() {
    closed_ = true;
    changed_.Set();
  }

  // Bytes that the client has not taken.
  std::size_t size() const { return waiting_.size() + taken_.size(); }
  // Until it has taken all that was pushed before, whatever comes behind. One
  // task waits. Errors: kCanceled.
  eddy::Task<eddy::Result<void>> Taken() {
    const std::uint64_t end = pushed_;
    while (gone_ < end) EDDY_CO_CHECK(co_await progress_.Wait());
    co_return eddy::Result<void>();
  }

  // All that waits, until the next Take; waits for something. Empty once it is
  // closed and empty. Errors: kCanceled, and nothing was taken.
  eddy::Task<eddy::Result<std::string_view>> Take() {
    gone_ += taken_.size();
    taken_.clear();
    progress_.Set();
    while (waiting_.empty() && !closed_) {
      EDDY_CO_CHECK(co_await changed_.Wait());
    }
    std::swap(taken_, waiting_);
    co_return taken_;
  }

 private:
  std::string waiting_;
  std::string taken_;
  bool closed_ = false;
  eddy::Event changed_{eddy::Event::Kind::kAutoReset};
  eddy::Event progress_{eddy::Event::Kind::kAutoReset};
  // Bytes, since it was made.
  std::uint64_t pushed_ = 0;
  std::uint64_t gone_ = 0;
};

}  // namespace kv_server

#endif  // EDDY_EXAMPLES_KV_SERVER_OUTBOX_H_
