// Sharded<T>: a T on each core of the Runtime, which is used on that core
// alone.
//
//   Sharded<Store> stores;
//   EDDY_CO_CHECK(co_await stores.Start(options));     // Store(options), on
//   each
//   ...
//   stores.Local().Get(key);                           // of the own core
//   auto size = co_await stores.InvokeOn(core, [](Store& s) { return s.size();
//   });
//   ...
//   EDDY_CO_CHECK(co_await stores.Stop());
//
// Start and Stop belong to the core that has made the Sharded; Local and the
// invocations may be used on any core between them.
// REQUIRES: stopped, or not started, before it is destroyed. A violation
// aborts.
#ifndef EDDY_RUNTIME_SHARDED_H_
#define EDDY_RUNTIME_SHARDED_H_

#include <eddy/runtime/for_each_core.h>
#include <eddy/runtime/misuse.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/runtime.h>
#include <eddy/runtime/submit_to.h>
#include <eddy/runtime/task.h>
#include <eddy/runtime/with_stop.h>

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

  // Destroys the objects, each on its core, that of the last core first; where
  // T has a Stop() that returns a Task of nothing or of a Result, that is
  // awaited there before. No stop point: all are stopped. Errors and
  // exceptions: the first failure of a Stop(), after the others.
  Task<Result<void>> Stop() {
    std::exception_ptr exception;
    Result<void> stopped;
    for (unsigned core = static_cast<unsigned>(shards_.size()); core-- != 0;) {
      const auto end = [&]() -> Task<Result<void>> {
        const std::unique_ptr<T> shard = std::move(shards_[core]);
        if constexpr (requires(T & s) { s.Stop(); }) {
          if (shard != nullptr) co_return co_await Outcome(shard->Stop());
        }
        co_return Result<void>();
      };
      try {
        const Result<void> ended = co_await Shield(SubmitTo(core, end));
        if (!ended && stopped) stopped = ended;
      } catch (...) {
        if (!exception) exception = std::current_exception();
      }
    }
    // (Of a kClosed: what is left is destroyed here, when no core runs tasks.)
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

}  // namespace eddy

#endif  // EDDY_RUNTIME_SHARDED_H_
