#include <eddy/runtime/reactor_thread.h>

#include <eddy/runtime/blocking.h>
#include <eddy/runtime/misuse.h>
#include <eddy/runtime/until_stopped.h>
#include <eddy/runtime/with_stop.h>

#include <exception>
#include <future>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

namespace eddy {

struct ReactorThread::State {
  State() = default;
  ~State() {
    if (!thread.joinable()) return;
    RequestStop();
    thread.join();
  }

  void Run(const ReactorOptions& options,
           std::promise<Result<Remote>>& started) noexcept {
    bool has_started = false;
    const auto main = [&]() -> Task<Result<void>> {
      Result<Remote> made = Remote::Create();
      const bool failed = !made;
      started.set_value(std::move(made));
      has_started = true;
      if (!failed) co_await UntilStopped();
      co_return {};
    };
    try {
      const Result<std::unique_ptr<Reactor>> reactor = Reactor::Create(options);
      if (!reactor) return started.set_value(Unexpected(reactor.error()));
      result = (*reactor)->Run(main());
    } catch (...) {
      if (has_started) {
        exception = std::current_exception();
      } else {
        started.set_exception(std::current_exception());
      }
    }
  }

  void RequestStop() noexcept {
    if (thread.get_id() == std::this_thread::get_id()) {
      internal::Misuse("a ReactorThread was ended by a task that runs on it");
    }
    if (remote) remote->RequestStop();
  }

  // After the thread's end.
  Result<void> Outcome() {
    if (exception) {
      std::rethrow_exception(std::exchange(exception, nullptr));
    }
    return result;
  }

  std::thread thread;
  // There once it has started.
  std::optional<Remote> remote;
  // What Run gave.
  Result<void> result;
  std::exception_ptr exception;
};

Result<ReactorThread> ReactorThread::Start(const ReactorOptions& options) {
  auto state = std::make_unique<State>();
  std::promise<Result<Remote>> started;
  try {
    state->thread = std::thread(
        [&started, options, run = state.get()] { run->Run(options, started); });
  } catch (const std::system_error& error) {
    return Unexpected(Error::FromErrno(error.code().value()));
  }
  Result<Remote> remote = started.get_future().get();
  if (!remote) return Unexpected(remote.error());
  state->remote = *std::move(remote);
  return ReactorThread(std::move(state));
}

ReactorThread::ReactorThread(std::unique_ptr<State> state) noexcept
    : state_(std::move(state)) {}
ReactorThread::ReactorThread(ReactorThread&& other) noexcept = default;
ReactorThread& ReactorThread::operator=(ReactorThread&& other) noexcept {
  ReactorThread moved(std::move(other));
  std::swap(state_, moved.state_);
  return *this;
}
ReactorThread::~ReactorThread() = default;

ReactorThread::State& ReactorThread::Checked() const noexcept {
  if (state_ == nullptr) {
    internal::Misuse("a ReactorThread was used that has been moved from");
  }
  return *state_;
}

const Remote& ReactorThread::remote() const noexcept {
  return *Checked().remote;
}

Task<Result<void>> ReactorThread::Stop() {
  State& state = Checked();
  if (!state.thread.joinable()) co_return Result<void>();
  state.RequestStop();
  const auto join = [&state] { state.thread.join(); };
  EDDY_CO_CHECK(co_await Shield(Blocking(join)));
  co_return state.Outcome();
}

Result<void> ReactorThread::BlockingStop() {
  State& state = Checked();
  if (!state.thread.joinable()) return {};
  state.RequestStop();
  if (Reactor::Current() != nullptr) {
    internal::Misuse(
        "ReactorThread::BlockingStop was called by a task, whose loop it would "
        "stop; co_await Stop() instead");
  }
  state.thread.join();
  return state.Outcome();
}

}  // namespace eddy
