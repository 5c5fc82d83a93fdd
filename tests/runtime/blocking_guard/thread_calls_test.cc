// Sleeping, and waiting for threads, processes and name services.

#include <eddy/runtime/allow_blocking.h>

#include <grp.h>
#include <netdb.h>
#include <pthread.h>
#include <pwd.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <threads.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <mutex>
#include <thread>

#include "tests/runtime/blocking_guard/call_contract.h"

namespace eddy::guard_test {
namespace {

using namespace std::chrono_literals;  // NOLINT: literals

pid_t Child() {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  return child;
}

void* Nothing(void*) { return nullptr; }

const Case kSleeps[] = {
    {"usleep", [](World&) { ::usleep(1); }},
    {"nanosleep", [](World&) { ::nanosleep(&kMoment, nullptr); }},
    {"clock_nanosleep",
     [](World&) { ::clock_nanosleep(CLOCK_MONOTONIC, 0, &kMoment, nullptr); }},
    {"thrd_sleep", [](World&) { ::thrd_sleep(&kMoment, nullptr); }},
    {"sleep",
     [](World&) {
       const Ticks ticks;
       ::sleep(1);
     },
     "",
     /*by_signal=*/true},
    {"pause",
     [](World&) {
       const Ticks ticks;
       ::pause();
     },
     "",
     /*by_signal=*/true},
    {"sigsuspend",
     [](World&) {
       const Ticks ticks;
       sigset_t none;
       sigemptyset(&none);
       ::sigsuspend(&none);
     },
     "",
     /*by_signal=*/true},
    {"sigtimedwait",
     [](World&) {
       sigset_t set;
       sigemptyset(&set);
       sigaddset(&set, SIGUSR2);
       Use(::sigtimedwait(&set, nullptr, &kMoment));
     }},
};

const Case kThreads[] = {
    {"pthread_mutex_lock",
     [](World& w) {
       pthread_mutex_lock(&w.mutex);
       pthread_mutex_lock(&w.mutex);
       pthread_mutex_unlock(&w.mutex);
     }},
    {"pthread_mutex_lock",
     [](World&) {
       std::mutex mutex;
       mutex.lock();
       const WhenAsleep other([&] { mutex.unlock(); });
       const std::lock_guard lock(mutex);
     },
     "_of_another_thread"},
    {"pthread_mutex_timedlock",
     [](World& w) {
       pthread_mutex_lock(&w.mutex);
       pthread_mutex_timedlock(&w.mutex, &kPast);
       pthread_mutex_unlock(&w.mutex);
     }},
    {"pthread_mutex_clocklock",
     [](World& w) {
       pthread_mutex_lock(&w.mutex);
       pthread_mutex_clocklock(&w.mutex, CLOCK_MONOTONIC, &kPast);
       pthread_mutex_unlock(&w.mutex);
     }},
    {"pthread_rwlock_rdlock",
     [](World& w) {
       pthread_rwlock_wrlock(&w.rwlock);
       pthread_rwlock_rdlock(&w.rwlock);
       pthread_rwlock_unlock(&w.rwlock);
     }},
    {"pthread_rwlock_wrlock",
     [](World& w) {
       pthread_rwlock_wrlock(&w.rwlock);
       pthread_rwlock_wrlock(&w.rwlock);
       pthread_rwlock_unlock(&w.rwlock);
     }},
    {"pthread_rwlock_timedrdlock",
     [](World& w) {
       pthread_rwlock_wrlock(&w.rwlock);
       pthread_rwlock_timedrdlock(&w.rwlock, &kPast);
       pthread_rwlock_unlock(&w.rwlock);
     }},
    {"pthread_rwlock_timedwrlock",
     [](World& w) {
       pthread_rwlock_wrlock(&w.rwlock);
       pthread_rwlock_timedwrlock(&w.rwlock, &kPast);
       pthread_rwlock_unlock(&w.rwlock);
     }},
    {"pthread_cond_wait",
     [](World&) {
       std::mutex mutex;
       std::condition_variable condition;
       bool done = false;
       const WhenAsleep other([&] {
         const std::lock_guard lock(mutex);
         done = true;
         condition.notify_one();
       });
       std::unique_lock lock(mutex);
       condition.wait(lock, [&] { return done; });
     }},
    {"pthread_cond_timedwait",
     [](World& w) {
       pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
       pthread_mutex_lock(&w.mutex);
       pthread_cond_timedwait(&condition, &w.mutex, &kPast);
       pthread_mutex_unlock(&w.mutex);
     }},
    {"pthread_cond_clockwait",
     [](World&) {
       std::mutex mutex;
       std::condition_variable condition;
       std::unique_lock lock(mutex);
       condition.wait_for(lock, 1ms);
     }},
    {"sem_wait",
     [](World& w) {
       const Ticks ticks;
       sem_wait(&w.semaphore);
     },
     "",
     /*by_signal=*/true},
    {"sem_timedwait", [](World& w) { sem_timedwait(&w.semaphore, &kPast); }},
    {"sem_clockwait",
     [](World& w) { sem_clockwait(&w.semaphore, CLOCK_MONOTONIC, &kPast); }},
    {"pthread_barrier_wait",
     [](World&) {
       pthread_barrier_t barrier;
       pthread_barrier_init(&barrier, nullptr, 1);
       pthread_barrier_wait(&barrier);
       pthread_barrier_destroy(&barrier);
     }},
    {"pthread_join",
     [](World&) {
       std::atomic<bool> end = false;
       std::thread thread([&] {
         while (!end) sched_yield();
       });
       const WhenAsleep other([&] { end = true; });
       thread.join();
     }},
    {"pthread_timedjoin_np",
     [](World&) {
       pthread_t thread;
       pthread_create(&thread, nullptr, Nothing, nullptr);
       const timespec late{1L << 40, 0};
       pthread_timedjoin_np(thread, nullptr, &late);
     }},
    {"futex",
     [](World&) {
       std::promise<void> promise;
       const WhenAsleep other([&] { promise.set_value(); });
       promise.get_future().wait();
     },
     "_by_future"},
    {"futex",
     [](World&) {
       std::atomic<int> value = 0;
       const WhenAsleep other([&] {
         value = 1;
         value.notify_one();
       });
       value.wait(0);
     },
     "_by_atomic_wait"},
};

const Case kProcesses[] = {
    {"wait",
     [](World&) {
       Use(Child());
       ::wait(nullptr);
     }},
    {"waitpid", [](World&) { ::waitpid(Child(), nullptr, 0); }},
    {"wait4", [](World&) { ::wait4(Child(), nullptr, 0, nullptr); }},
    {"waitid",
     [](World&) {
       ::waitid(P_PID, static_cast<id_t>(Child()), nullptr, WEXITED);
     }},
    {"system", [](World&) { Use(std::system("true")); }},
    {"popen",
     [](World&) {
       FILE* file = ::popen("true", "r");
       const AllowBlocking allow("its end is another case");
       ::pclose(file);
     }},
    {"pclose",
     [](World&) {
       FILE* file = nullptr;
       {
         const AllowBlocking allow("its start is another case");
         file = ::popen("true", "r");
       }
       ::pclose(file);
     }},
    {"getaddrinfo",
     [](World&) {
       addrinfo* found = nullptr;
       if (::getaddrinfo("localhost", "80", nullptr, &found) == 0) {
         freeaddrinfo(found);
       }
     }},
    {"getnameinfo",
     [](World& w) {
       Use(::getnameinfo(reinterpret_cast<sockaddr*>(&w.address),
                         sizeof w.address, w.buffer.data(), 64, nullptr, 0, 0));
     }},
    {"gethostbyname", [](World&) { Use(::gethostbyname("localhost")); }},
    {"getpwnam", [](World&) { Use(::getpwnam("root")); }},
    {"getpwuid", [](World&) { Use(::getpwuid(0)); }},
    {"getgrnam", [](World&) { Use(::getgrnam("root")); }},
};

INSTANTIATE_TEST_SUITE_P(Sleep, CallTest, ::testing::ValuesIn(kSleeps), NameOf);
INSTANTIATE_TEST_SUITE_P(Thread, CallTest, ::testing::ValuesIn(kThreads),
                         NameOf);
INSTANTIATE_TEST_SUITE_P(Process, CallTest, ::testing::ValuesIn(kProcesses),
                         NameOf);

}  // namespace
}  // namespace eddy::guard_test
