// UntilSignal: runs something until it ends or a signal arrives; the way a
// server ends well.
//
//   co_return co_await io::UntilSignal(Serve(listener), SIGINT, SIGTERM);
//
// On a signal, what is awaited is stopped like by any stop request, and awaited
// to its end. Meanwhile the signals do not act in any other way (see Signals).
//
// Result: nothing. That a signal ended it is no error, so its kCanceled is not
// passed on then.
// Errors: those of the awaitable, which gives nothing or a Result<void>; those
// of Signals::Block; those of Signals::Next, which stop the awaitable too;
// kCanceled for a stop from above.
// Lifetime: the awaitable is kept until the await ends.
// Stop: the signal that stops is consumed, and so is every other one until the
// await returns, so that a program that is ending ends well. One that comes
// when the awaitable has ended by itself acts. Cost: a signalfd, four blocks of
// the frame pool, one operation.
#ifndef EDDY_IO_UNTIL_SIGNAL_H_
#define EDDY_IO_UNTIL_SIGNAL_H_

#include <eddy/io/signals.h>
#include <eddy/runtime/attributes.h>
#include <eddy/runtime/context_awaitable.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>
#include <eddy/runtime/task_scope.h>

#include <concepts>
#include <type_traits>
#include <utility>

namespace eddy {
namespace internal {

template <class Awaitable>
Task<Result<void>> RunUntilSignal(Result<io::Signals> blocked,
                                  Awaitable awaitable) {
  EDDY_CO_TRY(io::Signals signals, std::move(blocked));
  bool signaled = false;
  Result<void> result =
      co_await WithScope([&](TaskScope& scope) -> Task<Result<void>> {
        scope.Spawn([&]() -> Task<Result<void>> {
          const Result<int> signal = co_await signals.Next();
          if (signal) {
            signaled = true;
            signals.DiscardAtEnd();
            scope.RequestStop();
          } else if (signal.error() != kCanceled) {
            // Blocked signals that nobody reads would never end the program.
            co_return Unexpected(signal.error());
          }
          co_return Result<void>();
        });
        Result<void> inner;
        using Given = AwaitResult<Awaitable>;
        if constexpr (std::is_void_v<Given>) {
          co_await std::move(awaitable);
        } else {
          inner = co_await std::move(awaitable);
        }
        scope.RequestStop();
        co_return inner;
      });
  if (signaled && !result && result.error() == kCanceled) result = {};
  co_return result;
}

}  // namespace internal

namespace io {

template <class Awaitable, std::same_as<int>... Signal>
EDDY_CORO_WRAPPER Task<Result<void>> UntilSignal(Awaitable awaitable,
                                                 Signal... signals) {
  return eddy::internal::RunUntilSignal(Signals::Block({signals...}),
                                        std::move(awaitable));
}

}  // namespace io
}  // namespace eddy

#endif  // EDDY_IO_UNTIL_SIGNAL_H_
