// One connection of the load: sends what the closed or the open loop wants, and
// counts what comes back.

#ifndef EDDY_BENCH_LOAD_SESSION_H_
#define EDDY_BENCH_LOAD_SESSION_H_

#include <eddy/net/tcp.h>
#include <eddy/runtime/event.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/time.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "bench/load/dialogue.h"
#include "bench/load/options.h"
#include "bench/load/schedule.h"
#include "bench/load/totals.h"

namespace eddy::bench {

// The course of a run.
struct Course {
  TimePoint start;
  TimePoint measured_from;
  TimePoint end;
  TimePoint give_up;  // waiting for answers
};

class Session {
 public:
  // Number `index` of options.connections. `options` and `totals`, which is of
  // this core alone, outlive it.
  Session(const LoadOptions& options, std::size_t index, Totals& totals);

  Task<Result<void>> Open();
  // Sets each key once. REQUIRES: open.
  Task<Result<void>> FillRedis();
  // Until the course's end, and the last answer. Connects anew where the server
  // has closed.
  Task<void> Run(Course course);

 private:
  enum class Outcome { kOver, kConnectAgain };

  Task<Outcome> RunClosed();
  Task<Outcome> RunOpen();
  Task<void> SendOnTime(TaskScope& scope);
  Task<Outcome> HearAnswers();

  // Sends out_. Reads once, and counts the answers.
  Task<Result<void>> Send();
  Task<Result<void>> Hear();
  void Answered(TimePoint since, TimePoint now);
  // What becomes of the session when the connection is of no use any more.
  Outcome Ended(Error error);
  void LoseOutstanding();
  void CountUnsent();
  void Fail(std::string what);
  void FailedToOpen(Error error);

  bool Measured(TimePoint since) const {
    return since >= course_.measured_from && since < course_.end;
  }
  TimePoint Due(std::uint64_t index) const {
    return course_.start + schedule_.Due(index);
  }

  // When the requests under way were due, or sent in a closed loop, the oldest
  // first.
  class Outstanding {
   public:
    explicit Outstanding(std::size_t most) : times_(most) {}
    std::size_t size() const { return size_; }
    bool full() const { return size_ == times_.size(); }
    void Push(TimePoint time) {
      times_[(first_ + size_++) % times_.size()] = time;
    }
    TimePoint Pop() {
      const TimePoint time = times_[first_];
      first_ = (first_ + 1) % times_.size();
      --size_;
      return time;
    }

   private:
    std::vector<TimePoint> times_;
    std::size_t first_ = 0;
    std::size_t size_ = 0;
  };

  const LoadOptions& options_;
  const std::size_t index_;
  Totals& totals_;
  const Schedule schedule_;
  Course course_{};

  net::TcpStream stream_;
  std::unique_ptr<Dialogue> dialogue_;
  std::string out_;
  std::unique_ptr<char[]> buffer_;
  Outstanding outstanding_;
  // Of the open loop: the request that is next, how many there are in all, and
  // whether the last one is sent.
  std::uint64_t next_ = 0;
  std::uint64_t count_ = 0;
  bool all_sent_ = false;
  Event room_{Event::Kind::kAutoReset};
};

}  // namespace eddy::bench

#endif  // EDDY_BENCH_LOAD_SESSION_H_
