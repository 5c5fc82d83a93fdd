#include "tests/runtime/blocking_guard/guard_test.h"

#include <eddy/runtime/sync_wait.h>
#include <eddy/runtime/task.h>

#include <sched.h>
#include <unistd.h>

#include <fstream>
#include <thread>
#include <utility>

namespace eddy::guard_test {
namespace {

std::vector<Reported> all;

void Collect(const BlockingCall& call) {
  all.push_back(
      {call.name, call.argument, call.instead, call.duration, call.report});
}

bool Sleeps(pid_t thread) {
  std::ifstream stat("/proc/self/task/" + std::to_string(thread) + "/stat");
  std::string line;
  std::getline(stat, line);
  const auto name_end = line.rfind(')');
  return name_end != std::string::npos && line[name_end + 2] == 'S';
}

Task<void> Call(const std::function<void()>* f) {
  (*f)();
  co_return;
}

}  // namespace

GuardTest::GuardTest() {
  all.clear();
  BlockingGuard::ForgetPlaces();
  BlockingGuard::SetOptions(Options());
}

GuardTest::~GuardTest() {
  BlockingGuardOptions options = Options();
  options.mode = BlockingGuardMode::kOff;
  BlockingGuard::SetOptions(options);
}

BlockingGuardOptions GuardTest::Options() {
  BlockingGuardOptions options;
  options.handler = Collect;
  return options;
}

const std::vector<Reported>& GuardTest::reports() { return all; }

std::vector<std::string> GuardTest::names() {
  std::vector<std::string> names;
  for (const Reported& report : all) names.push_back(report.name);
  return names;
}

void InTask(const std::function<void()>& f) { SyncWait(Call(&f)); }

struct WhenAsleep::State {
  std::thread thread;
};

WhenAsleep::WhenAsleep(std::function<void()> f)
    : state_(new State{std::thread([f = std::move(f), sleeper = gettid()] {
        while (!Sleeps(sleeper)) sched_yield();
        f();
      })}) {}

WhenAsleep::~WhenAsleep() {
  state_->thread.join();
  delete state_;
}

}  // namespace eddy::guard_test
