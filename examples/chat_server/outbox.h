// Outbox: the lines that wait to be sent to one client, and no more of them
// than it is granted.
#ifndef EDDY_EXAMPLES_CHAT_SERVER_OUTBOX_H_
#define EDDY_EXAMPLES_CHAT_SERVER_OUTBOX_H_

#include <eddy/runtime/event.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>

#include <cstddef>
#include <deque>
#include <string>
#include <utility>

#include "examples/chat_server/chat.h"

namespace chat_server {

class Outbox {
 public:
  explicit Outbox(std::size_t most_bytes) : most_bytes_(most_bytes) {}

  // False if there is no room; then nothing was added. Never waits.
  bool Push(Line line) {
    if (bytes_ + line->size() > most_bytes_) return false;
    bytes_ += line->size();
    lines_.push_back(std::move(line));
    changed_.Set();
    return true;
  }

  // Nothing more comes.
  void Close() {
    closed_ = true;
    changed_.Set();
  }

  // All that waits, as one text; waits for a line where there is none. Empty
  // once it is closed and empty. Errors: kCanceled, and nothing was taken.
  eddy::Task<eddy::Result<std::string>> Take() {
    while (lines_.empty() && !closed_) EDDY_CO_CHECK(co_await changed_.Wait());
    std::string text;
    text.reserve(bytes_);
    for (const Line& line : lines_) text += *line;
    lines_.clear();
    bytes_ = 0;
    co_return text;
  }

 private:
  const std::size_t most_bytes_;
  std::deque<Line> lines_;
  std::size_t bytes_ = 0;
  bool closed_ = false;
  eddy::Event changed_{eddy::Event::Kind::kAutoReset};
};

}  // namespace chat_server

#endif  // EDDY_EXAMPLES_CHAT_SERVER_OUTBOX_H_
