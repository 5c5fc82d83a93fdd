// Compiler attributes that help with coroutines, where the compiler has them.
#ifndef EDDY_RUNTIME_ATTRIBUTES_H_
#define EDDY_RUNTIME_ATTRIBUTES_H_

#if !defined(__has_cpp_attribute)
#define EDDY_HAS_ATTRIBUTE(x) 0
#else
#define EDDY_HAS_ATTRIBUTE(x) __has_cpp_attribute(x)
#endif

// On a coroutine type, where the program defines EDDY_CHECK_LIFETIMES: clang
// warns when a task outlives a temporary that was passed to it by reference.
// Not on by default, because clang then refuses every function that returns a
// task and is no coroutine and not marked [[clang::coro_wrapper]], such as
// std::function<Task<void>()> and std::invoke.
// See https://clang.llvm.org/docs/AttributeReference.html#coro-lifetimebound
#if defined(EDDY_CHECK_LIFETIMES) &&               \
    EDDY_HAS_ATTRIBUTE(clang::coro_return_type) && \
    EDDY_HAS_ATTRIBUTE(clang::coro_lifetimebound)
#define EDDY_CORO_TYPE [[clang::coro_return_type]] [[clang::coro_lifetimebound]]
#else
#define EDDY_CORO_TYPE
#endif

// On a coroutine type: the frame of a task that is awaited in the expression
// that creates it may be placed in the frame of its caller.
#if EDDY_HAS_ATTRIBUTE(clang::coro_await_elidable)
#define EDDY_CORO_AWAIT_ELIDABLE [[clang::coro_await_elidable]]
#else
#define EDDY_CORO_AWAIT_ELIDABLE
#endif

// On a function that returns a coroutine type but is no coroutine itself.
#if EDDY_HAS_ATTRIBUTE(clang::coro_wrapper)
#define EDDY_CORO_WRAPPER [[clang::coro_wrapper]]
#else
#define EDDY_CORO_WRAPPER
#endif

// `co_await` of a task has to be a tail call, so that chains of any length run
// in constant stack. g++ loses the tail call under its sanitizers.
#if defined(__GNUC__) && !defined(__clang__) && \
    (defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__))
#error "eddy: g++ sanitizers break coroutine tail calls; use clang++ for them"
#endif

#endif  // EDDY_RUNTIME_ATTRIBUTES_H_
