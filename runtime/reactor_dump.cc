// Reactor::DumpTasks: the walk over all live tasks.
//
// From the main task and the reactor's scope down: each context waits on a
// suspension, whose waiter and its parents are the chain of coroutines that
// await, and which visits the contexts that it waits for.

#include <eddy/runtime/reactor.h>
#include <eddy/runtime/task_scope.h>

#include <chrono>
#include <string>
#include <utility>

namespace eddy {
namespace {

class Printer final : public internal::ContextVisitor {
 public:
  void Visit(const internal::TaskContext& context) override {
    const internal::Suspension* waiting_on = context.waiting_on();
    Indent(depth_);
    text_ +=
        waiting_on == nullptr ? "runs or is ready to run" : waiting_on->name();
    if (context.stop_requested()) text_ += " (stop requested)";
    if (context.deadline() != kNoDeadline) {
      const auto left = std::chrono::floor<std::chrono::milliseconds>(
          context.deadline() - now_);
      text_ += " (" + std::to_string(left.count()) + " ms to its deadline)";
    }
    text_ += '\n';
    if (waiting_on == nullptr) return;

    // Up to the coroutine whose frames stand above already.
    const internal::PromiseBase* const above =
        std::exchange(above_, waiting_on->waiter());
    for (const internal::PromiseBase* frame = waiting_on->waiter();
         frame != nullptr && frame != above; frame = frame->parent) {
      Indent(depth_ + 1);
      text_ += std::string("at ") + frame->where.file_name() + ":" +
               std::to_string(frame->where.line()) + " in " +
               frame->where.function_name() + "\n";
    }
    depth_ += 2;
    waiting_on->VisitContexts(*this);
    depth_ -= 2;
    above_ = above;
  }

  std::string Take() { return std::move(text_); }

 private:
  void Indent(std::size_t depth) { text_.append(2 * depth, ' '); }

  const TimePoint now_ = Clock::now();
  std::string text_;
  std::size_t depth_ = 0;
  const internal::PromiseBase* above_ = nullptr;
};

}  // namespace

std::string Reactor::DumpTasks() const {
  AssertCurrent();
  Printer printer;
  VisitTasks(printer);
  return printer.Take();
}

}  // namespace eddy
