// TransferQueue: chunks of a file on their way, one behind the other, while
// nobody awaits them: what fs::Reader and fs::Writer have in common.
//
// Invariants:
//  1. It lives in a block of its own, with the file and the chunks' memory. Its
//     owner lets it go with Abandon; it deletes itself when the kernel has
//     nothing of it any more.
//  2. Chunks end in any order and are taken off in the order that they were
//     begun. A chunk that the kernel transferred in part goes on by itself,
//     until it is whole, has failed, or, read, has met the end of the file.
//  3. One coroutine waits at a time. A stop ends its wait, not the transfer:
//     the memory is the queue's.
#ifndef EDDY_FS_TRANSFER_QUEUE_H_
#define EDDY_FS_TRANSFER_QUEUE_H_

#include <eddy/fs/aligned_buffer.h>
#include <eddy/fs/file.h>
#include <eddy/runtime/await_budget.h>
#include <eddy/runtime/operation.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/suspension.h>

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace eddy::fs::internal {

class TransferQueue;

// A part of the file, and its memory.
class Chunk final : public Operation {
 public:
  Chunk(TransferQueue& queue, std::size_t size)
      : queue_(queue), buffer_(size) {}

  std::span<std::byte> memory() const noexcept { return buffer_.bytes(); }
  AlignedBuffer& buffer() noexcept { return buffer_; }

  // Where it belongs in the file, and what was transferred of it.
  std::uint64_t offset() const noexcept { return offset_; }
  std::size_t done() const noexcept { return done_; }
  Result<void> result() const noexcept {
    return error_ == 0 ? Result<void>() : Unexpected(Error::FromErrno(error_));
  }
  bool ended() const noexcept { return ended_; }

  void Begin(std::uint64_t offset, std::size_t size) noexcept;
  void RequestEnd() noexcept;

  const char* name() const noexcept override { return "Chunk"; }
  void Complete(std::int32_t result, std::uint32_t flags) noexcept override;
  void Continue() noexcept override;

 private:
  void Submit() noexcept;
  void End(int error) noexcept;

  TransferQueue& queue_;
  AlignedBuffer buffer_;
  std::uint64_t offset_ = 0;
  std::size_t size_ = 0;
  std::size_t done_ = 0;
  int error_ = 0;
  bool ended_ = true;
};

class TransferQueue {
 public:
  enum class Direction { kRead, kWrite };

  // REQUIRES: chunk_size and depth are not 0.
  TransferQueue(File file, Direction direction, std::size_t chunk_size,
                unsigned depth, bool registered);

  // Ends what the owner had.
  void Abandon() noexcept;

  File& file() noexcept { return file_; }
  Direction direction() const noexcept { return direction_; }
  std::size_t chunk_size() const noexcept { return chunk_size_; }
  unsigned depth() const noexcept { return depth_; }

  // Chunks that were added and are not taken off.
  std::size_t count() const noexcept { return count_; }
  bool full() const noexcept { return count_ == depth_; }
  Chunk& front() noexcept { return *chunks_[first_]; }

  // One more at the end, not begun yet. REQUIRES: !full().
  Chunk& Add();
  // Takes off the first. REQUIRES: it has ended.
  void Pop() noexcept;

  // Waits until the first chunk has ended, or for a stop. Gives whether it has.
  class [[nodiscard]] FrontEnded final : public eddy::internal::Suspension {
   public:
    explicit FrontEnded(TransferQueue& queue) noexcept : queue_(queue) {}
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> waiter) noexcept {
      eddy::internal::PromiseBase& promise = waiter.promise();
      queue_.AssertNoWaiter();
      if (queue_.front().ended() || promise.context->stop_requested()) {
        return eddy::internal::AwaitBudget::Spend(promise);
      }
      queue_.waiter_ = this;
      Suspend(promise);
      return true;
    }
    bool await_resume() const noexcept { return queue_.front().ended(); }
    const char* name() const noexcept override { return queue_.name(); }
    void Cancel() noexcept override {
      queue_.waiter_ = nullptr;
      Wake();
    }

   private:
    TransferQueue& queue_;
  };
  FrontEnded WaitForFront() noexcept { return FrontEnded(*this); }

 private:
  friend class Chunk;

  ~TransferQueue() = default;
  // Of what has it.
  const char* name() const noexcept {
    return direction_ == Direction::kRead ? "Reader" : "Writer";
  }
  void AssertNoWaiter() const noexcept;
  void ChunkBegins() noexcept;
  void ChunkEnded(Chunk& chunk) noexcept;

  File file_;
  const Direction direction_;
  const std::size_t chunk_size_;
  const unsigned depth_;
  const bool registered_;
  bool abandoned_ = false;
  // A ring of up to depth_, made when they are needed first.
  std::vector<std::unique_ptr<Chunk>> chunks_;
  std::size_t first_ = 0;
  std::size_t count_ = 0;
  std::size_t in_flight_ = 0;
  FrontEnded* waiter_ = nullptr;
};

struct AbandonTransfers {
  void operator()(TransferQueue* queue) const noexcept { queue->Abandon(); }
};
using TransferQueuePtr = std::unique_ptr<TransferQueue, AbandonTransfers>;

}  // namespace eddy::fs::internal

#endif  // EDDY_FS_TRANSFER_QUEUE_H_
