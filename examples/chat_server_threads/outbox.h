// Outbox: the lines that wait to be sent to one client, and no more of them
// than it is granted.
#ifndef EDDY_EXAMPLES_CHAT_SERVER_THREADS_OUTBOX_H_
#define EDDY_EXAMPLES_CHAT_SERVER_THREADS_OUTBOX_H_

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <string>
#include <utility>

#include "examples/chat_server/chat.h"

namespace chat_server_threads {

using chat_server::Line;

class Outbox {
 public:
  explicit Outbox(std::size_t most_bytes) : most_bytes_(most_bytes) {}

  // False if there is no room; then nothing was added. Never waits.
  bool Push(Line line) {
    const std::lock_guard lock(mutex_);
    if (bytes_ + line->size() > most_bytes_) return false;
    bytes_ += line->size();
    lines_.push_back(std::move(line));
    changed_.notify_one();
    return true;
  }

  // Nothing more comes.
  void Close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_one();
  }

  // All that waits, as one text; waits for a line where there is none. Empty
  // once it is closed and empty.
  std::string Take() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !lines_.empty() || closed_; });
    std::string text;
    text.reserve(bytes_);
    for (const Line& line : lines_) text += *line;
    lines_.clear();
    bytes_ = 0;
    return text;
  }

 private:
  const std::size_t most_bytes_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Line> lines_;
  std::size_t bytes_ = 0;
  bool closed_ = false;
};

}  // namespace chat_server_threads

#endif  // EDDY_EXAMPLES_CHAT_SERVER_THREADS_OUTBOX_H_
