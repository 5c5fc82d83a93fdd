#include <eddy/fs/transfer_queue.h>

#include <eddy/runtime/misuse.h>
#include <eddy/runtime/reactor.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace eddy::fs::internal {

void Chunk::Begin(std::uint64_t offset, std::size_t size) noexcept {
  offset_ = offset;
  size_ = size;
  done_ = 0;
  error_ = 0;
  ended_ = false;
  queue_.ChunkBegins();
  const File& file = queue_.file();
  error_ = file.alignment().Missed(offset, memory().data(), size);
  if (error_ != 0) return End(error_);
  Submit();
}

void Chunk::Submit() noexcept {
  Reactor& reactor = *Reactor::Current();
  io_uring_sqe* sqe = reactor.GetSqe();
  const io::RegisteredSpan part = buffer_.Part(done_, size_ - done_);
  const io::Fd& fd = queue_.file().fd();
  const std::uint64_t at = offset_ + done_;
  if (queue_.direction() == TransferQueue::Direction::kRead) {
    io::ReadAt(fd, at, part).Prepare(sqe, fd.get());
  } else {
    io::WriteAt(fd, at, part).Prepare(sqe, fd.get());
  }
  reactor.Track(sqe, *this);
  fd.Pin();
}

void Chunk::Complete(std::int32_t result, std::uint32_t) noexcept {
  queue_.file().fd().Unpin();
  if (io::WasInterrupted(result)) {
    Reactor::Current()->SubmitLater(*this);
    return;
  }
  if (result < 0) return End(-result);
  const bool writes = queue_.direction() == TransferQueue::Direction::kWrite;
  if (result == 0) return End(writes && done_ != size_ ? EIO : 0);
  done_ += static_cast<std::size_t>(result);
  // A direct read is short at the end of the file only, and what would follow
  // is not aligned.
  if (done_ == size_ || (!writes && queue_.file().alignment().known() &&
                         done_ % queue_.file().alignment().offset != 0)) {
    return End(0);
  }
  Reactor::Current()->SubmitLater(*this);
}

void Chunk::Continue() noexcept {
  if (!queue_.abandoned_) return Submit();
  if (!ended_) return End(ECANCELED);
  delete &queue_;
}

void Chunk::End(int error) noexcept {
  error_ = error;
  ended_ = true;
  queue_.ChunkEnded(*this);
}

void Chunk::RequestEnd() noexcept {
  if (in_flight() && !canceling()) Reactor::Current()->CancelOperation(*this);
}

void TransferQueue::AssertNoWaiter() const noexcept {
  if (waiter_ != nullptr) [[unlikely]] {
    eddy::internal::Misuse(
        "two tasks await one fs::Reader or fs::Writer; let one await it at a "
        "time");
  }
}

TransferQueue::TransferQueue(File file, Direction direction,
                             std::size_t chunk_size, unsigned depth,
                             bool registered)
    : file_(std::move(file)),
      direction_(direction),
      chunk_size_(std::min(chunk_size, io::kMaxTransfer)),
      depth_(depth),
      registered_(registered) {
  if (chunk_size == 0 || depth == 0) {
    eddy::internal::Misuse(
        "an fs::%s needs a chunk_size and a depth that are not 0", name());
  }
}

Chunk& TransferQueue::Add() {
  // The ring grows where it ends, which is only while nothing was taken off.
  const std::size_t at = (first_ + count_) % depth_;
  if (at == chunks_.size()) {
    chunks_.push_back(std::make_unique<Chunk>(*this, chunk_size_));
    // Where it fails the memory is used as it is.
    if (registered_) static_cast<void>(chunks_.back()->buffer().Register());
  }
  ++count_;
  return *chunks_[at];
}

void TransferQueue::Pop() noexcept {
  first_ = (first_ + 1) % depth_;
  --count_;
  // Warm memory first: a queue of one uses one chunk.
  if (count_ == 0) first_ = 0;
}

void TransferQueue::ChunkBegins() noexcept { ++in_flight_; }

void TransferQueue::ChunkEnded(Chunk& chunk) noexcept {
  --in_flight_;
  if (abandoned_) {
    // Closing the file takes an entry, which a completion may not.
    if (in_flight_ == 0) Reactor::Current()->SubmitLater(chunk);
    return;
  }
  if (waiter_ != nullptr && &chunk == &front()) {
    std::exchange(waiter_, nullptr)->Wake();
  }
}

void TransferQueue::Abandon() noexcept {
  if (waiter_ != nullptr) [[unlikely]] {
    eddy::internal::Misuse(
        "an fs::Reader or fs::Writer was destroyed while a task awaits it; "
        "stop the task and await its end first");
  }
  if (in_flight_ == 0) {
    delete this;
    return;
  }
  abandoned_ = true;
  // (Taking an entry for it may bring the end of others, and of this.)
  ++in_flight_;
  for (const std::unique_ptr<Chunk>& chunk : chunks_) chunk->RequestEnd();
  if (--in_flight_ == 0) delete this;
}

}  // namespace eddy::fs::internal
