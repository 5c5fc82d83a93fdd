// OwnedBy<T>: the owner of an object of one core, which any core may hold.
//
//   OwnedBy<Session> session = OwnedBy<Session>::Make(id);   // on core 1
//   ...                                                      // held by core 0
//   co_await SubmitTo(session.core(), [&] { session->Use(); });
//
// The object is made, used and destroyed on its core; where its owner ends on
// another core, it goes home by a message and is destroyed there. So what it
// holds (frames, buffers, operations, timers) never changes cores.
//
// REQUIRES: * and -> on its core. Ends on a core of its Runtime, or while that
// does not run, and before the Runtime. Violations abort.
// Cost: one allocation; where it ends on another core, one message (see
// SubmitTo).
#ifndef EDDY_RUNTIME_OWNED_BY_H_
#define EDDY_RUNTIME_OWNED_BY_H_

#include <eddy/runtime/core_port.h>
#include <eddy/runtime/misuse.h>

#include <memory>
#include <utility>

namespace eddy {

namespace internal {

// Lets an object of `core` go home.
void LetGo(const CoreGroup& group, unsigned core,
           std::unique_ptr<Homing> object) noexcept;

}  // namespace internal

template <class T>
class OwnedBy {
 public:
  // Owns nothing.
  OwnedBy() noexcept = default;
  // T(args...), of this core. REQUIRES: on a core.
  template <class... Args>
  static OwnedBy Make(Args&&... args) {
    return OwnedBy(internal::CorePort::OfThread("OwnedBy::Make"),
                   std::make_unique<Object>(std::forward<Args>(args)...));
  }

  OwnedBy(OwnedBy&& other) noexcept = default;
  OwnedBy& operator=(OwnedBy&& other) noexcept {
    OwnedBy moved(std::move(other));
    std::swap(group_, moved.group_);
    std::swap(core_, moved.core_);
    std::swap(object_, moved.object_);
    return *this;
  }
  ~OwnedBy() { Reset(); }

  explicit operator bool() const noexcept { return object_ != nullptr; }
  // REQUIRES: owns something.
  unsigned core() const noexcept { return core_; }

  T& operator*() const noexcept { return *get(); }
  T* operator->() const noexcept { return get(); }

  void Reset() noexcept {
    if (object_ != nullptr) {
      internal::LetGo(*group_, core_, std::move(object_));
    }
  }

 private:
  struct Object final : public internal::Homing {
    template <class... Args>
    explicit Object(Args&&... args) : value(std::forward<Args>(args)...) {}
    T value;
  };

  OwnedBy(const internal::CorePort& port,
          std::unique_ptr<Object> object) noexcept
      : group_(&port.group()), core_(port.core()), object_(std::move(object)) {}

  T* get() const noexcept {
    if (object_ == nullptr) [[unlikely]] {
      internal::Misuse("an OwnedBy that owns nothing was used");
    }
    const internal::CorePort* const port = internal::CorePort::Current();
    if (port == nullptr || &port->group() != group_ || port->core() != core_)
        [[unlikely]] {
      internal::Misuse(
          "an object of core %u was used on another thread; use it with "
          "SubmitTo(core())",
          core_);
    }
    return &object_->value;
  }

  const internal::CoreGroup* group_ = nullptr;
  unsigned core_ = 0;
  std::unique_ptr<Object> object_;
};

}  // namespace eddy

#endif  // EDDY_RUNTIME_OWNED_BY_H_
