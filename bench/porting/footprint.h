// What a program takes of the machine, and what the machine has of threads.

#ifndef EDDY_BENCH_PORTING_FOOTPRINT_H_
#define EDDY_BENCH_PORTING_FOOTPRINT_H_

#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <string>
#include <thread>

namespace eddy::bench {

struct Footprint {
  double pss_bytes = 0;    // memory in use; what is shared by parts
  double stack_bytes = 0;  // the kernel's, one for each thread
  double threads = 0;
};

// As it is now.
Footprint FootprintOf(pid_t pid);

// The most that a program took while this lived, looked at every millisecond.
class PeakFootprint {
 public:
  explicit PeakFootprint(pid_t pid);
  PeakFootprint(const PeakFootprint&) = delete;
  PeakFootprint& operator=(const PeakFootprint&) = delete;
  ~PeakFootprint();

  double resident_bytes() const { return resident_; }
  double threads() const { return threads_; }

 private:
  std::atomic<bool> ended_ = false;
  std::atomic<double> resident_ = 0;
  std::atomic<double> threads_ = 0;
  std::thread watcher_;
};

// How many threads one program can have here besides those that there are, and
// the name of what limits them.
struct ThreadLimit {
  std::size_t threads;
  std::string name;
};
ThreadLimit FindThreadLimit();

}  // namespace eddy::bench

#endif  // EDDY_BENCH_PORTING_FOOTPRINT_H_
