// CallTest: what holds for each call that the guard knows. A test instantiates
// it with its calls, which return soon, by themselves or by a timer's signal.
#ifndef EDDY_TESTS_RUNTIME_BLOCKING_GUARD_CALL_CONTRACT_H_
#define EDDY_TESTS_RUNTIME_BLOCKING_GUARD_CALL_CONTRACT_H_

#include <gtest/gtest.h>

#include <netinet/in.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/uio.h>

#include <array>
#include <ctime>
#include <functional>
#include <ostream>
#include <string>

#include "tests/runtime/blocking_guard/guard_test.h"

namespace eddy::guard_test {

template <class T>
void Use(const T& result) {
  static_cast<void>(result);
}

// What calls work on. None of them waits for long: there are bytes to read and
// there is room to write.
class World {
 public:
  World();
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  std::string Name(const std::string& name) const {
    return folder + "/" + name;
  }

  const std::string folder;
  const std::string path;
  int file = -1;
  int pipe[2];
  int pair[2];
  int listener = -1;
  int client = -1;   // not yet connected
  int waiting = -1;  // connected, not yet accepted
  int epoll = -1;
  sockaddr_in address{};
  pthread_mutex_t mutex;  // refuses to be locked twice
  pthread_rwlock_t rwlock;
  sem_t semaphore;
  std::array<char, 64> buffer{};
  iovec part{buffer.data(), 4};
};

// Interrupts what waits for a signal.
class Ticks {
 public:
  Ticks();
  ~Ticks();
  Ticks(const Ticks&) = delete;
  Ticks& operator=(const Ticks&) = delete;

 private:
  struct sigaction before_;
};

struct Case {
  const char* name;  // as reported
  std::function<void(World&)> call;
  // Of the case, where one name has several.
  const char* variant = "";
  // Ends by a signal, which the pool's threads do not take.
  bool by_signal = false;
};

void PrintTo(const Case& c, std::ostream* out);
std::string NameOf(const ::testing::TestParamInfo<Case>& info);

inline constexpr timespec kMoment{0, 1'000'000};
inline constexpr timespec kPast{0, 0};

class CallTest : public GuardTest,
                 public ::testing::WithParamInterface<Case> {};

}  // namespace eddy::guard_test

#endif  // EDDY_TESTS_RUNTIME_BLOCKING_GUARD_CALL_CONTRACT_H_
