// Sharded<T>: a T on each core of the Runtime, used on that core alone.
//
//   const auto serve = [&](Sharded<Store>& stores) -> Task<Result<void>> {
//     stores.Local().Get(key);                         // of the own core
//     auto size = co_await stores.InvokeOn(core, [](Store& s) {
//       return s.size();                               // of that core
//     });
//     ...
//   };
//   EDDY_CO_CHECK(co_await WithSharded<Store>(serve, options));
//
// WithSharded makes a Store(options) on each core, and destroys them when the
// body has ended. Start and Stop do that apart, for a Sharded that lives
// elsewhere: both on the core that has made it, and Local and the invocations
// on any core between them. REQUIRES of such a one: stopped, or not started,
// before it is destroyed; a violation aborts.
#ifndef EDDY_RUNTIME_SHARDED_H_
#define EDDY_RUNTIME_SHARDED_H_

#include <eddy/runtime/for_each_core.h>
#include <eddy/runtime/misuse.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/runtime.h>
#include <eddy/runtime/submit_to.h>
#include <eddy/runtime/task.h>
#include <eddy/runtime/with_stop.h>

#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

namespace eddy {

template <class T>
class Sharded {
 public:
  Sharded() = default;
  Sharded(const Sharded&) = delete;
  Sharded& operator=(const Sharded&) = delete;
  ~Sharded() {
    if (started()) {
      internal::Misuse(
          "a Sharded was destroyed while it holds objects of other cores; "
          "co_await Stop() first");
    }
  }

  bool started() const noexcept { return !shards_.empty(); }

  // Makes T(args...) on each core, one after the other from core 0 on, each
  // from copies of args. Where T has a Start() that returns a Task of nothing
  // or of a Result, that is awaited there, before the next one is made. Errors
  // and exceptions: the first failure; those that were made are stopped and
  // destroyed, the last one first. Stop: as a failure.
  template <class... Args>
  Task<Result<void>> Start(Args... args) {
    if (started()) internal::Misuse("a Sharded was started twice");
    shards_.resize(Runtime::OfTask().cores());
    std::exception_ptr exception;
    Result<void> made;
    try {
      for (unsigned core = 0; core < shards_.size() && made; ++core) {
        const auto make = [&]() -> Task<Result<void>> {
          shards_[core] = std::make_unique<T>(args...);
          if constexpr (requires(T & shard) { shard.Start(); }) {
            co_return co_await Outcome(shards_[core]->Start());
          }
          co_return Result<void>();
        };
        made = co_await SubmitTo(core, make);
      }
    } catch (...) {
      exception = std::current_exception();
    }
    if (exception || !made) {
      try {
        static_cast<void>(co_await Stop());
      } catch (...) {  // the first failure is told
      }
    }
    if (exception) std::rethrow_exception(exception);
    co_return made;
  }

  // Destroys the objects, each on its core. Where T has a Stop() that returns a
  // Task of nothing or of a Result, that is awaited before, on one core after
  // the other from the last one on, while all objects are there: they may still
  // use each other. (Also of an object whose Start() has failed.) No stop
  // point: all are stopped. Errors and exceptions: the first failure of a
  // Stop(), after the others.
  Task<Result<void>> Stop() {
    std::exception_ptr exception;
    Result<void> stopped;
    if constexpr (requires(T & shard) { shard.Stop(); }) {
      for (std::size_t core = shards_.size(); core-- != 0;) {
        const auto stop = [this, core]() -> Task<Result<void>> {
          if (shards_[core] == nullptr) co_return Result<void>();
          co_return co_await Outcome(shards_[core]->Stop());
        };
        try {
          const Result<void> ended =
              co_await Shield(SubmitTo(static_cast<unsigned>(core), stop));
          if (!ended && stopped) stopped = ended;
        } catch (...) {
          if (!exception) exception = std::current_exception();
        }
      }
    }
    for (std::size_t core = shards_.size(); core-- != 0;) {
      const auto destroy = [this, core] { shards_[core].reset(); };
      // (Of a kClosed: what is left is destroyed below, when no core has
      // tasks.)
      static_cast<void>(
          co_await Shield(SubmitTo(static_cast<unsigned>(core), destroy)));
    }
    shards_.clear();
    if (exception) std::rethrow_exception(exception);
    co_return stopped;
  }

  // The object of this core. REQUIRES: on a core; started here.
  T& Local() {
    const unsigned core = Runtime::CurrentCore();
    if (core >= shards_.size() || shards_[core] == nullptr) [[unlikely]] {
      internal::Misuse("Sharded::Local was called where it is not started");
    }
    return *shards_[core];
  }

  // `co_await stores.InvokeOn(core, f)`: f(T&) on that core; see SubmitTo.
  template <class F>
  auto InvokeOn(unsigned core, F f) {
    return SubmitTo(core, Invocation<F>{this, std::move(f)});
  }
  // f(T&) on each core at the same time; see ForEachCore.
  template <class F>
  Task<Result<void>> InvokeOnAll(F f) {
    return ForEachCore([call = Invocation<F>{this, std::move(f)}](
                           unsigned) mutable { return call(); });
  }

 private:
  template <class F>
  struct Invocation {
    auto operator()() { return f(shards->Local()); }
    Sharded* shards;
    F f;
  };

  template <class R>
  static Task<Result<void>> Outcome(Task<R> task) {
    if constexpr (std::is_void_v<R>) {
      co_await std::move(task);
    } else {
      const R gave = co_await std::move(task);
      if (!gave) co_return Unexpected(gave.error());
    }
    co_return Result<void>();
  }

  // By core. Each is written on its own.
  std::vector<std::unique_ptr<T>> shards_;
};

// Runs body(Sharded<T>&), which returns a Task of nothing or of a Result,
// between Start(args...) and Stop(): however it ends, what was started is
// stopped. Result: Result<R> where the body gives R or Result<R>. The first
// failure of Start, the body and Stop.
template <class T, class Body, class... Args>
auto WithSharded(Body body, Args... args) -> Task<internal::AsResult<
    typename std::invoke_result_t<Body&, Sharded<T>&>::ValueType>> {
  using Outcome = internal::AsResult<
      typename std::invoke_result_t<Body&, Sharded<T>&>::ValueType>;
  Sharded<T> shards;
  EDDY_CO_CHECK(co_await shards.Start(std::move(args)...));
  std::exception_ptr exception;
  Outcome outcome = Unexpected(kCanceled);
  try {
    if constexpr (std::is_void_v<typename Outcome::value_type> &&
                  !internal::kIsResult<typename std::invoke_result_t<
                      Body&, Sharded<T>&>::ValueType>) {
      co_await body(shards);
      outcome = Outcome();
    } else {
      outcome = co_await body(shards);
    }
  } catch (...) {
    exception = std::current_exception();
  }
  Result<void> stopped;
  try {
    stopped = co_await shards.Stop();
  } catch (...) {
    if (!exception) exception = std::current_exception();
  }
  if (exception) std::rethrow_exception(exception);
  if (outcome && !stopped) co_return Unexpected(stopped.error());
  co_return outcome;
}

}  // namespace eddy

#endif  // EDDY_RUNTIME_SHARDED_H_
