// A doubly linked list whose links live in its elements: adding and removing
// allocate nothing, and an element can leave without knowing its list.
#ifndef EDDY_RUNTIME_INTRUSIVE_LIST_H_
#define EDDY_RUNTIME_INTRUSIVE_LIST_H_

namespace eddy::internal {

// A base of an element. `Tag` tells several lists of one element apart.
template <class Tag>
class ListHook {
 public:
  ListHook() noexcept = default;
  ListHook(const ListHook&) = delete;
  ListHook& operator=(const ListHook&) = delete;

  bool linked() const noexcept { return next_ != this; }

  void Unlink() noexcept {
    previous_->next_ = next_;
    next_->previous_ = previous_;
    next_ = previous_ = this;
  }

 private:
  template <class, class>
  friend class IntrusiveList;

  ListHook* next_ = this;
  ListHook* previous_ = this;
};

// Elements T derive from ListHook<Tag>. The list does not own them.
template <class T, class Tag = T>
class IntrusiveList {
  using Hook = ListHook<Tag>;

 public:
  bool empty() const noexcept { return head_.next_ == &head_; }
  T& front() noexcept { return static_cast<T&>(*head_.next_); }

  void PushBack(T& element) noexcept {
    Hook& hook = element;
    hook.previous_ = head_.previous_;
    hook.next_ = &head_;
    head_.previous_->next_ = &hook;
    head_.previous_ = &hook;
  }

  // Calls f(element) for each; f may unlink the element it is given.
  template <class F>
  void ForEach(F f) {
    for (Hook* hook = head_.next_; hook != &head_;) {
      Hook* next = hook->next_;
      f(static_cast<T&>(*hook));
      hook = next;
    }
  }

  // Iteration over a list that does not change meanwhile.
  class ConstIterator {
   public:
    explicit ConstIterator(const Hook* hook) noexcept : hook_(hook) {}
    const T& operator*() const noexcept {
      return static_cast<const T&>(*hook_);
    }
    ConstIterator& operator++() noexcept {
      hook_ = Next(hook_);
      return *this;
    }
    bool operator==(const ConstIterator&) const noexcept = default;

   private:
    const Hook* hook_;
  };
  ConstIterator begin() const noexcept { return ConstIterator(head_.next_); }
  ConstIterator end() const noexcept { return ConstIterator(&head_); }

  // Moves all elements of `other` to the end of this list.
  void Append(IntrusiveList& other) noexcept {
    if (other.empty()) return;
    other.head_.next_->previous_ = head_.previous_;
    head_.previous_->next_ = other.head_.next_;
    other.head_.previous_->next_ = &head_;
    head_.previous_ = other.head_.previous_;
    other.head_.next_ = other.head_.previous_ = &other.head_;
  }

 private:
  static const Hook* Next(const Hook* hook) noexcept { return hook->next_; }

  Hook head_;
};

}  // namespace eddy::internal

#endif  // EDDY_RUNTIME_INTRUSIVE_LIST_H_
