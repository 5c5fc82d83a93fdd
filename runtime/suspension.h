// Suspension: an awaiter as the runtime sees it while its coroutine waits.
//
// Invariants:
//  1. From Suspend() to the resume the object stays where it is (it is part of
//     the waiting coroutine's frame), and its context's waiting_on() is this
//     object until Wake().
//  2. Cancel() is called at most once per wait, only between Suspend() and
//     Wake(), and never resumes a coroutine: whatever ends the wait calls
//     Wake(), which puts the coroutine on the ready queue.
//  3. Only the reactor's loop resumes what is on the ready queue.
#ifndef EDDY_RUNTIME_SUSPENSION_H_
#define EDDY_RUNTIME_SUSPENSION_H_

#include <eddy/runtime/promise.h>
#include <eddy/runtime/task_context.h>

#include <coroutine>
#include <cstddef>
#include <utility>

namespace eddy::internal {

// A coroutine that waits to be run, as an element of a ReadyQueue.
struct ReadyNode {
  ReadyNode* next_ready = nullptr;
  std::coroutine_handle<PromiseBase> coroutine;
};

// First in, first out; the links live in the elements.
class ReadyQueue {
 public:
  bool empty() const noexcept { return head_ == nullptr; }

  void Push(ReadyNode& node) noexcept {
    node.next_ready = nullptr;
    *tail_ = &node;
    tail_ = &node.next_ready;
  }

  // REQUIRES: not empty(). The coroutine may end the life of its node as soon
  // as it runs, so the node is let go of here.
  std::coroutine_handle<> Pop() noexcept {
    ReadyNode* node = head_;
    head_ = node->next_ready;
    if (head_ == nullptr) {
      tail_ = &head_;
    } else {
      // The next one's frame, while this one runs.
      __builtin_prefetch(head_->coroutine.address());
    }
    return std::exchange(node->coroutine, nullptr);
  }

  // The same, to put it into another queue.
  ReadyNode& PopNode() noexcept {
    ReadyNode* node = head_;
    head_ = node->next_ready;
    if (head_ == nullptr) tail_ = &head_;
    return *node;
  }

  const ReadyNode* front() const noexcept { return head_; }

  // Lets the element with `count` others before it be the next.
  void MoveToFront(std::size_t count) noexcept {
    ReadyNode** link = &head_;
    for (; count != 0; --count) link = &(*link)->next_ready;
    if (link == &head_) return;
    ReadyNode* node = *link;
    *link = node->next_ready;
    if (*link == nullptr) tail_ = link;
    node->next_ready = head_;
    head_ = node;
  }

 private:
  ReadyNode* head_ = nullptr;
  ReadyNode** tail_ = &head_;
};

// Told of each context below a suspension, for dumps of live tasks.
class ContextVisitor {
 public:
  virtual void Visit(const TaskContext& context) = 0;

 protected:
  ~ContextVisitor() = default;
};

class Suspension : protected ReadyNode {
 public:
  Suspension() noexcept = default;
  // An awaiter may be moved until it is awaited.
  Suspension(Suspension&&) noexcept : Suspension() {}
  Suspension& operator=(Suspension&&) = delete;

  // Asks the wait to end early; see the invariants.
  virtual void Cancel() noexcept = 0;
  // What is waited on, for dumps: "Sleep", "Read", ...
  virtual const char* name() const noexcept = 0;
  // Visits the contexts that this wait is for.
  virtual void VisitContexts(ContextVisitor&) const {}

  // Ends the wait: the coroutine goes to the ready queue. (In reactor.h.)
  void Wake() noexcept;

  const PromiseBase* waiter() const noexcept {
    return coroutine ? &coroutine.promise() : nullptr;
  }

 protected:
  ~Suspension() {
    if (coroutine) [[unlikely]] {
      DestroyedWhileSuspended();
    }
  }

  // The awaiting coroutine waits from here on.
  void Suspend(PromiseBase& waiter) noexcept {
    coroutine = std::coroutine_handle<PromiseBase>::from_promise(waiter);
    waiter.context->set_waiting_on(this);
  }

  // The coroutine goes on without the ready queue: it is resuming already, or
  // is returned from an await_suspend. REQUIRES: suspended in `context`.
  std::coroutine_handle<PromiseBase> Unsuspend(TaskContext& context) noexcept {
    context.set_waiting_on(nullptr);
    return std::exchange(coroutine, nullptr);
  }

 private:
  [[noreturn]] void DestroyedWhileSuspended() const noexcept;
};

}  // namespace eddy::internal

#endif  // EDDY_RUNTIME_SUSPENSION_H_
