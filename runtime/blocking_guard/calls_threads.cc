// Locks, and waiting for other threads. What is free is no matter: it is tried
// first. That is not done for the sake of speed: a call that takes a free lock
// has not blocked.

#include <eddy/runtime/blocking_guard/real_function.h>
#include <eddy/runtime/blocking_guard/watch.h>

#include <linux/futex.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/syscall.h>
#include <threads.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>

namespace eddy::internal::guard {
namespace {

constexpr char kMutex[] = "co_await Mutex::Lock, or a lock held for less long";
constexpr char kSharedMutex[] = "co_await SharedMutex::Lock or LockShared";
constexpr char kCondition[] = "co_await ConditionVariable::Wait, or Channel";
constexpr char kSemaphore[] = "co_await Semaphore::Acquire";
constexpr char kBarrier[] = "co_await Barrier::ArriveAndWait";
constexpr char kJoin[] = "co_await Blocking, or a task and its JoinHandle";
constexpr char kFutex[] =
    "co_await what a task waits for: Blocking, Oneshot, Event, SharedChannel";

// Not one whose word has changed, nor one without time: the kernel answers
// those at once.
bool FutexWaits(int operation, const int* word, int value,
                const timespec* time) noexcept {
  const int now = __atomic_load_n(word, __ATOMIC_RELAXED);
  switch (operation & FUTEX_CMD_MASK) {
    case FUTEX_WAIT:
    case FUTEX_WAIT_BITSET:
      return now == value &&
             (time == nullptr || time->tv_sec != 0 || time->tv_nsec != 0);
    case FUTEX_LOCK_PI:
      return now != 0;
    default:
      return false;
  }
}

}  // namespace

// clang-format off
EDDY_REAL(int, pthread_mutex_trylock, (pthread_mutex_t*));
EDDY_REAL(int, pthread_rwlock_tryrdlock, (pthread_rwlock_t*));
EDDY_REAL(int, pthread_rwlock_trywrlock, (pthread_rwlock_t*));
EDDY_REAL(int, sem_trywait, (sem_t*));
EDDY_REAL(int, pthread_tryjoin_np, (pthread_t, void**));
EDDY_REAL(int, mtx_trylock, (mtx_t*));

// try_it: an expression that takes what is free, and else is equal to `busy`.
#define EDDY_GUARD_CONTENDED(result, name, parameters, arguments, try_it, busy, instead) \
  EDDY_INTERPOSE(result, name, parameters) {                                             \
    if (!Watching()) [[likely]] {                                                        \
      return REAL(name) arguments;                                                       \
    }                                                                                    \
    const result tried = try_it;                                                         \
    if (tried != (busy)) return tried;                                                   \
    const Watch watch(#name, instead, Argument::None());                                 \
    return REAL(name) arguments;                                                         \
  }

EDDY_GUARD_CONTENDED(int, pthread_mutex_lock, (pthread_mutex_t* mutex), (mutex), REAL(pthread_mutex_trylock)(mutex), EBUSY, kMutex)
EDDY_GUARD_CONTENDED(int, pthread_mutex_timedlock, (pthread_mutex_t* mutex, const timespec* time), (mutex, time), REAL(pthread_mutex_trylock)(mutex), EBUSY, kMutex)
EDDY_GUARD_CONTENDED(int, pthread_mutex_clocklock, (pthread_mutex_t* mutex, clockid_t clock, const timespec* time), (mutex, clock, time), REAL(pthread_mutex_trylock)(mutex), EBUSY, kMutex)
EDDY_GUARD_CONTENDED(int, mtx_lock, (mtx_t* mutex), (mutex), REAL(mtx_trylock)(mutex), static_cast<int>(thrd_busy), kMutex)
EDDY_GUARD_CONTENDED(int, pthread_rwlock_rdlock, (pthread_rwlock_t* lock), (lock), REAL(pthread_rwlock_tryrdlock)(lock), EBUSY, kSharedMutex)
EDDY_GUARD_CONTENDED(int, pthread_rwlock_timedrdlock, (pthread_rwlock_t* lock, const timespec* time), (lock, time), REAL(pthread_rwlock_tryrdlock)(lock), EBUSY, kSharedMutex)
EDDY_GUARD_CONTENDED(int, pthread_rwlock_clockrdlock, (pthread_rwlock_t* lock, clockid_t clock, const timespec* time), (lock, clock, time), REAL(pthread_rwlock_tryrdlock)(lock), EBUSY, kSharedMutex)
EDDY_GUARD_CONTENDED(int, pthread_rwlock_wrlock, (pthread_rwlock_t* lock), (lock), REAL(pthread_rwlock_trywrlock)(lock), EBUSY, kSharedMutex)
EDDY_GUARD_CONTENDED(int, pthread_rwlock_timedwrlock, (pthread_rwlock_t* lock, const timespec* time), (lock, time), REAL(pthread_rwlock_trywrlock)(lock), EBUSY, kSharedMutex)
EDDY_GUARD_CONTENDED(int, pthread_rwlock_clockwrlock, (pthread_rwlock_t* lock, clockid_t clock, const timespec* time), (lock, clock, time), REAL(pthread_rwlock_trywrlock)(lock), EBUSY, kSharedMutex)
EDDY_GUARD_CONTENDED(int, pthread_join, (pthread_t thread_id, void** result), (thread_id, result), REAL(pthread_tryjoin_np)(thread_id, result), EBUSY, kJoin)

EDDY_GUARD(int, pthread_timedjoin_np, (pthread_t thread_id, void** result, const timespec* time), (thread_id, result, time), None(), kJoin)
EDDY_GUARD(int, pthread_clockjoin_np, (pthread_t thread_id, void** result, clockid_t clock, const timespec* time), (thread_id, result, clock, time), None(), kJoin)
EDDY_GUARD(int, thrd_join, (thrd_t thread_id, int* result), (thread_id, result), None(), kJoin)
EDDY_GUARD(int, pthread_cond_wait, (pthread_cond_t* condition, pthread_mutex_t* mutex), (condition, mutex), None(), kCondition)
EDDY_GUARD(int, pthread_cond_timedwait, (pthread_cond_t* condition, pthread_mutex_t* mutex, const timespec* time), (condition, mutex, time), None(), kCondition)
EDDY_GUARD(int, pthread_cond_clockwait, (pthread_cond_t* condition, pthread_mutex_t* mutex, clockid_t clock, const timespec* time), (condition, mutex, clock, time), None(), kCondition)
EDDY_GUARD(int, cnd_wait, (cnd_t* condition, mtx_t* mutex), (condition, mutex), None(), kCondition)
EDDY_GUARD(int, cnd_timedwait, (cnd_t* condition, mtx_t* mutex, const timespec* time), (condition, mutex, time), None(), kCondition)
EDDY_GUARD(int, pthread_barrier_wait, (pthread_barrier_t* barrier), (barrier), None(), kBarrier)
// clang-format on

// These answer with errno.
#define EDDY_GUARD_SEMAPHORE(name, parameters, arguments)   \
  EDDY_INTERPOSE(int, name, parameters) {                   \
    if (!Watching()) [[likely]] {                           \
      return REAL(name) arguments;                          \
    }                                                       \
    const int before = errno;                               \
    const int tried = REAL(sem_trywait)(semaphore);         \
    if (tried == 0 || errno != EAGAIN) return tried;        \
    errno = before;                                         \
    const Watch watch(#name, kSemaphore, Argument::None()); \
    return REAL(name) arguments;                            \
  }
EDDY_GUARD_SEMAPHORE(sem_wait, (sem_t * semaphore), (semaphore))
EDDY_GUARD_SEMAPHORE(sem_timedwait, (sem_t * semaphore, const timespec* time),
                     (semaphore, time))
EDDY_GUARD_SEMAPHORE(sem_clockwait,
                     (sem_t * semaphore, clockid_t clock, const timespec* time),
                     (semaphore, clock, time))

// The way of the C++ library's futures, of std::atomic::wait and what is made
// of it (latches, semaphores, stop callbacks), and of a local static object
// that another thread constructs.
EDDY_INTERPOSE(long, syscall, (long number, ...)) {
  va_list list;
  va_start(list, number);
  long a[6];
  for (long& argument : a) argument = va_arg(list, long);
  va_end(list);
  const bool waits =
      Watching() && number == SYS_futex &&
      FutexWaits(static_cast<int>(a[1]), reinterpret_cast<const int*>(a[0]),
                 static_cast<int>(a[2]),
                 reinterpret_cast<const timespec*>(a[3]));
  const Watch watch("futex", kFutex, Argument::If(waits));
  return REAL(syscall)(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

}  // namespace eddy::internal::guard
