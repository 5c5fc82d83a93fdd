// Stream<T>: an asynchronous generator, a coroutine that yields values and
// awaits in between.
//
//   Stream<Page> Pages(Client& client) {
//     for (std::string at = "first"; !at.empty();) {
//       Page page = co_await client.Fetch(at);
//       at = page.next;
//       co_yield std::move(page);
//     }
//   }
//
//   Stream<Page> pages = Pages(client);
//   while (auto page = co_await pages.Next()) Use(*page);
//
// (A condition that declares its variable, as here, is safe on g++ 12.
// `while ((co_await pages.Next()).has_value())` is not: g++ 12 miscompiles it
// where the coroutine's outermost block declares no variable.)
//
// Result: Next() gives a std::optional<T>: the next element, or nullopt at the
// end and ever after. T is any movable type, no reference: what is yielded as
// an rvalue is moved to the consumer, an lvalue is copied. Failures that belong
// to the data travel as elements, with T = Result<X>.
// Errors: an exception that leaves the producer is thrown by Next(), once; the
// stream has ended then. One that copying an element throws comes out of the
// co_yield, one of moving it out of Next(); the stream goes on.
//
// The producer runs only within Next(): nothing before the first, nothing ahead
// of the consumer, and nothing between two. There it is a part of the consumer,
// as a Task is, with the reactor, the deadline and the stop of the coroutine
// that awaits this Next(). What it asks for with CurrentStopToken() or
// CurrentDeadline() belongs to this Next(): ask again after a co_yield.
//
// Stop: a stop or a timeout of Next() reaches what the producer awaits, which
// answers kCanceled to the producer; what that yields or does then is up to it.
// It may go on in a later Next(), under that one's context. An element that
// comes all the same is not lost under WithTimeout:
//
//   Result<std::optional<int>> x = co_await WithTimeout(1s, stream.Next());
//
// Streams in streams: `co_yield std::move(other)` and `co_yield Walk(child)`
// yield all that is left of another Stream<T>. Its elements go straight to the
// consumer, at the same cost at any depth; its exception is thrown by the
// co_yield.
//
//   Stream<int> Walk(const Node& node) {
//     if (node.left) co_yield Walk(*node.left);
//     co_yield node.value;
//     if (node.right) co_yield Walk(*node.right);
//   }
//
// Lifetime: a Stream owns its coroutine frame; it may be moved, and destroyed
// before its end: then the producer's locals are destroyed where it stands, at
// a co_yield, the innermost stream's first. Parameters are kept as a Task's
// are. Destroying streams in streams takes constant stack at any depth; streams
// that others hold as locals or parameters, and consume with Next(), are
// destroyed one within the other, as any objects are.
//
// REQUIRES: one Next() at a time; the Stream lives until it returns, and is not
// yielded meanwhile; it was not moved from. Violations abort.
//
// Cost: one frame from the frame pool for each stream (no heap call in a steady
// state). An element costs two tail calls, to the producer and back: any number
// of elements runs in constant stack.
#ifndef EDDY_RUNTIME_STREAM_H_
#define EDDY_RUNTIME_STREAM_H_

#include <eddy/runtime/attributes.h>
#include <eddy/runtime/await_budget.h>
#include <eddy/runtime/misuse.h>
#include <eddy/runtime/promise.h>

#include <coroutine>
#include <exception>
#include <memory>
#include <optional>
#include <source_location>
#include <type_traits>
#include <utility>

namespace eddy {

template <class T>
class Stream;

namespace internal {

// What the promise of a stream knows without its element type.
//
// Streams that yield streams are a line of frames: the root, which the consumer
// holds, to the leaf, which runs or stands at a co_yield. Invariants:
//  1. The root knows its leaf, and the leaf its root. Those in between know
//     neither: they get root and context from the stream that they wait for
//     when it ends.
//  2. parent is what goes on when this stream ends: the stream that yielded it,
//     or, of a root, the consumer, which is set only within Next().
//  3. The root's Stream owns all frames of the line.
class StreamPromiseBase : public PromiseBase {
 public:
  // What the leaf does at a value.
  class YieldAwaiter {
   public:
    explicit YieldAwaiter(void* value) noexcept : value_(value) {}
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    std::coroutine_handle<> await_suspend(
        std::coroutine_handle<Promise> leaf) const noexcept {
      StreamPromiseBase& root = *leaf.promise().root_;
      root.value_ = value_;
      return HandleOf(*std::exchange(root.parent, nullptr));
    }
    void await_resume() const noexcept {}

   private:
    void* value_;
  };

  // What the leaf does at a stream, which becomes the leaf.
  class NestedAwaiter;

  struct FinalAwaiter {
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    std::coroutine_handle<> await_suspend(
        std::coroutine_handle<Promise> leaf) const noexcept {
      return leaf.promise().End();
    }
    void await_resume() const noexcept {}
  };
  FinalAwaiter final_suspend() const noexcept { return {}; }

  void return_void() const noexcept {}
  void unhandled_exception() noexcept { exception_ = std::current_exception(); }

  bool ended() const noexcept { return leaf_ == nullptr; }

  // Of a root: what runs when `consumer` awaits the next element.
  std::coroutine_handle<> Continue(PromiseBase& consumer) noexcept {
    if (parent != nullptr) [[unlikely]] {
      Misuse(
          "Next of a Stream was awaited while another Next is in progress; "
          "await one at a time");
    }
    parent = &consumer;
    leaf_->context = consumer.context;
    const auto next = HandleOf(*leaf_);
    if (AwaitBudget::Spend(next)) [[unlikely]] {
      return std::noop_coroutine();
    }
    return next;
  }
  // The element that was yielded last, once; null at the end.
  void* TakeValue() noexcept { return std::exchange(value_, nullptr); }
  // Throws what left the coroutine, once.
  void RethrowIfFailed() {
    if (exception_) [[unlikely]] {
      std::rethrow_exception(std::exchange(exception_, nullptr));
    }
  }

  // Destroys the frames of the line, with this as its root.
  void Destroy() noexcept {
    AssertIdle();
    PromiseBase* frame = ended() ? this : leaf_;
    while (frame != this) {
      HandleOf(*std::exchange(frame, frame->parent)).destroy();
    }
    HandleOf(*this).destroy();
  }

 protected:
  StreamPromiseBase() noexcept = default;
  ~StreamPromiseBase() = default;

 private:
  static std::coroutine_handle<PromiseBase> HandleOf(PromiseBase& promise) {
    return std::coroutine_handle<PromiseBase>::from_promise(promise);
  }
  void AssertIdle() const noexcept {
    if (parent != nullptr) [[unlikely]] {
      Misuse(
          "a Stream was destroyed or yielded while its Next is in progress; "
          "keep it until Next returns");
    }
  }

  std::coroutine_handle<> Enter(StreamPromiseBase& inner) noexcept {
    inner.parent = this;
    StreamPromiseBase& leaf = *inner.leaf_;
    leaf.root_ = root_;
    leaf.context = context;
    root_->leaf_ = &leaf;
    const auto next = HandleOf(leaf);
    if (AwaitBudget::Spend(next)) [[unlikely]] {
      return std::noop_coroutine();
    }
    return next;
  }
  std::coroutine_handle<> End() noexcept {
    leaf_ = nullptr;
    PromiseBase& next = *std::exchange(parent, nullptr);
    if (root_ != this) {
      auto& outer = static_cast<StreamPromiseBase&>(next);
      outer.context = context;
      outer.root_ = root_;
      root_->leaf_ = &outer;
    }
    return HandleOf(next);
  }

  StreamPromiseBase* root_ = this;
  StreamPromiseBase* leaf_ = this;
  void* value_ = nullptr;
  std::exception_ptr exception_;
};

struct DestroyStream {
  void operator()(StreamPromiseBase* root) const noexcept { root->Destroy(); }
};
using StreamFrame = std::unique_ptr<StreamPromiseBase, DestroyStream>;

class StreamPromiseBase::NestedAwaiter {
 public:
  explicit NestedAwaiter(StreamFrame inner) noexcept
      : inner_(std::move(inner)) {}

  bool await_ready() const noexcept {
    if (inner_ == nullptr) [[unlikely]] {
      Misuse(
          "a Stream that was moved from was yielded; a Stream is yielded once");
    }
    inner_->AssertIdle();
    return inner_->ended();
  }
  template <class Promise>
  std::coroutine_handle<> await_suspend(
      std::coroutine_handle<Promise> outer) noexcept {
    entered_ = inner_.release();
    return outer.promise().Enter(*entered_);
  }
  void await_resume() {
    if (entered_ == nullptr) return;
    const StreamFrame ended(entered_);
    ended->RethrowIfFailed();
  }

 private:
  // The frame belongs to this awaiter until it is entered, then to the root.
  StreamFrame inner_;
  StreamPromiseBase* entered_ = nullptr;
};

template <class T>
class StreamPromise final : public StreamPromiseBase {
 public:
  EDDY_CORO_WRAPPER Stream<T> get_return_object() noexcept;

  // The operand of a co_yield lives until the consumer has moved it out.
  YieldAwaiter yield_value(T&& value) noexcept {
    return YieldAwaiter(std::addressof(value));
  }
  class CopyAwaiter;
  CopyAwaiter yield_value(
      const T& value) requires std::is_copy_constructible_v<T> {
    return CopyAwaiter(value);
  }
  NestedAwaiter yield_value(
      Stream<T>&& stream,
      std::source_location at = std::source_location::current()) noexcept;
};

template <class T>
class StreamPromise<T>::CopyAwaiter {
 public:
  explicit CopyAwaiter(const T& value) : value_(value) {}
  bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(
      std::coroutine_handle<StreamPromise> leaf) noexcept {
    return YieldAwaiter(std::addressof(value_)).await_suspend(leaf);
  }
  void await_resume() const noexcept {}

 private:
  T value_;
};

}  // namespace internal

template <class T>
class [[nodiscard]] EDDY_CORO_TYPE Stream {
  static_assert(std::is_object_v<T> && !std::is_array_v<T> &&
                    std::is_same_v<T, std::remove_cv_t<T>>,
                "the elements of a Stream are values: no references, no const; "
                "yield a pointer or a std::reference_wrapper");
  static_assert(std::is_move_constructible_v<T>,
                "the elements of a Stream are moved to their consumer");

 public:
  using promise_type = internal::StreamPromise<T>;
  using ValueType = T;

  Stream(Stream&&) noexcept = default;
  Stream& operator=(Stream&&) noexcept = default;
  ~Stream() = default;

  void Swap(Stream& other) noexcept { frame_.swap(other.frame_); }

  class [[nodiscard]] NextAwaiter {
   public:
    bool await_ready() const noexcept {
      if (stream_ == nullptr) [[unlikely]] {
        internal::Misuse("Next of a Stream that was moved from was awaited");
      }
      return stream_->ended();
    }
    template <class Promise>
    std::coroutine_handle<> await_suspend(
        std::coroutine_handle<Promise> consumer) const noexcept {
      static_assert(std::is_base_of_v<internal::PromiseBase, Promise>,
                    "Next can be awaited only in a coroutine of eddy");
      return stream_->Continue(consumer.promise());
    }
    [[nodiscard]] std::optional<T> await_resume() const {
      if (void* value = stream_->TakeValue()) [[likely]] {
        return std::optional<T>(std::in_place,
                                std::move(*static_cast<T*>(value)));
      }
      stream_->RethrowIfFailed();
      return std::nullopt;
    }

   private:
    friend class Stream;
    explicit NextAwaiter(internal::StreamPromiseBase* stream) noexcept
        : stream_(stream) {}
    internal::StreamPromiseBase* stream_;
  };

  // `co_await stream.Next()` gives the next element.
  NextAwaiter Next() noexcept { return NextAwaiter(frame_.get()); }

 private:
  friend promise_type;
  explicit Stream(internal::StreamPromiseBase& promise) noexcept
      : frame_(&promise) {}

  internal::StreamFrame frame_;
};

namespace internal {

template <class T>
Stream<T> StreamPromise<T>::get_return_object() noexcept {
  return Stream<T>(*this);
}
template <class T>
auto StreamPromise<T>::yield_value(Stream<T>&& stream,
                                   std::source_location at) noexcept
    -> NestedAwaiter {
  where = at;
  return NestedAwaiter(std::move(stream.frame_));
}

}  // namespace internal
}  // namespace eddy

#endif  // EDDY_RUNTIME_STREAM_H_
