// Result<T>: a value or an Error. What every I/O operation returns.
//
//   Result<std::size_t> n = co_await io::Read(fd, buffer);
//   if (!n) co_return Unexpected(n.error());
//   Use(buffer.first(*n));
//
// or, shorter, in a coroutine that returns a Result itself:
//
//   EDDY_CO_TRY(std::size_t n, co_await io::Read(fd, buffer));
//   EDDY_CO_CHECK(co_await stream.Shutdown());
//
// Result is tl::expected (the interface of C++23's std::expected): has_value(),
// operator bool, operator*, value(), error(), value_or(), and_then(), map().
// Cost: no allocation; sizeof(T) + 8 or less.
#ifndef EDDY_RUNTIME_RESULT_H_
#define EDDY_RUNTIME_RESULT_H_

#include <eddy/runtime/error.h>

#include <tl/expected.hpp>
#include <type_traits>
#include <utility>

namespace eddy {

template <class T>
using Result = tl::expected<T, Error>;

// `return Unexpected(kClosed);` makes a failed Result of any type.
using Unexpected = tl::unexpected<Error>;

namespace internal {

template <class T>
inline constexpr bool kIsResult = false;
template <class T>
inline constexpr bool kIsResult<tl::expected<T, Error>> = true;

// Result<T> for T, and for Result<T> itself.
template <class T>
struct AsResultTrait {
  using Type = Result<T>;
};
template <class T>
struct AsResultTrait<tl::expected<T, Error>> {
  using Type = tl::expected<T, Error>;
};
template <class T>
using AsResult = typename AsResultTrait<T>::Type;

}  // namespace internal
}  // namespace eddy

#define EDDY_INTERNAL_JOIN2(a, b) a##b
#define EDDY_INTERNAL_JOIN(a, b) EDDY_INTERNAL_JOIN2(a, b)

// Declares or assigns `target` from a Result, or ends the coroutine with the
// Result's error.
#define EDDY_CO_TRY(target, ...)                                           \
  EDDY_INTERNAL_CO_TRY(EDDY_INTERNAL_JOIN(eddy_result_, __LINE__), target, \
                       __VA_ARGS__)
#define EDDY_INTERNAL_CO_TRY(name, target, ...)          \
  auto name = __VA_ARGS__;                               \
  if (!name) co_return ::eddy::Unexpected(name.error()); \
  target = *std::move(name)

// Ends the coroutine with the error of a Result<void> (or any Result whose
// value is not wanted).
#define EDDY_CO_CHECK(...)                                               \
  do {                                                                   \
    auto eddy_result = __VA_ARGS__;                                      \
    if (!eddy_result) co_return ::eddy::Unexpected(eddy_result.error()); \
  } while (false)

#endif  // EDDY_RUNTIME_RESULT_H_
