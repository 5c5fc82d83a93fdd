// A program that blocks its loop, and does not link the guard: tests preload
// it.
//
//   blocking_program sleep          a task sleeps, twice in one place
//   blocking_program forever        a task waits for what nobody does
//   blocking_program exit           ... sleeps, and then ends the program
//   blocking_program nothing        nothing blocks

#include <eddy/runtime/sync_wait.h>
#include <eddy/runtime/task.h>
#include <eddy/runtime/timer.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <string_view>
#include <thread>

namespace {

using namespace std::chrono_literals;  // NOLINT: literals

void SleepsTheOldWay() { std::this_thread::sleep_for(2ms); }

eddy::Task<void> Inner(std::string_view what) {
  static_cast<void>(co_await eddy::Sleep(1ms));
  if (what == "nothing") co_return;
  if (what == "forever") std::promise<void>().get_future().wait();
  for (int i = 0; i < 2; ++i) SleepsTheOldWay();
  if (what == "exit") std::exit(0);
}

eddy::Task<void> Outer(std::string_view what) { co_await Inner(what); }

}  // namespace

int main(int argc, char** argv) {
  eddy::SyncWait(Outer(argc == 2 ? argv[1] : "nothing"));
  std::puts("ended");
}
