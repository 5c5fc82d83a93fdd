// FrameArena: memory for coroutine frames whose page faults are taken before
// the loop runs.
//
// Made by a thread for its FramePool, which takes blocks from it, one behind
// the other, before it asks the heap. What is taken is never put back here: it
// stays in free lists, of any thread. So the memory goes when its thread has
// let go of the arena and every block has been returned.
//
// Thread safety: Take and LetGo are called by the thread that made it; Return
// by any.
#ifndef EDDY_RUNTIME_FRAME_ARENA_H_
#define EDDY_RUNTIME_FRAME_ARENA_H_

#include <eddy/runtime/result.h>

#include <cstddef>

namespace eddy::internal {

class FrameArena {
 public:
  // `size` bytes, at least, each page of which is there, and stays where `lock`
  // is set. Errors: ENOMEM, kMemoryLockLimit.
  static Result<FrameArena*> Create(std::size_t size, bool lock);

  std::size_t size() const noexcept { return size_; }
  bool locked() const noexcept { return locked_; }

  // Null where it is used up. `size` is a multiple of the strictest alignment.
  void* Take(std::size_t size) noexcept;

  // No block is taken any more.
  void LetGo() noexcept;

  bool Contains(const void* block) const noexcept;

  // Gives a block back to the arena, of any thread, that it was taken from.
  // False if there is none.
  static bool Return(const void* block) noexcept;

 private:
  FrameArena(std::byte* memory, std::size_t size, bool locked) noexcept
      : memory_(memory), size_(size), locked_(locked) {}
  ~FrameArena();
  // Whether nobody has a block any more, and none is taken. REQUIRES: the mutex
  // is held.
  bool over() const noexcept { return let_go_ && returned_ == blocks_; }

  std::byte* const memory_;
  const std::size_t size_;
  const bool locked_;
  std::size_t taken_ = 0;
  // Of the thread, until it lets go.
  std::size_t blocks_ = 0;
  // Guarded by the mutex of the list of all arenas.
  std::size_t returned_ = 0;
  bool let_go_ = false;
};

}  // namespace eddy::internal

#endif  // EDDY_RUNTIME_FRAME_ARENA_H_
