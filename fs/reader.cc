#include <eddy/fs/reader.h>

#include <algorithm>
#include <utility>

namespace eddy::fs {

using internal::TransferQueue;

Reader::Reader(File file, const ReaderOptions& options)
    : position_(options.offset) {
  queue_.reset(
      new TransferQueue(std::move(file), TransferQueue::Direction::kRead,
                        options.chunk_size, options.depth, options.registered));
  StartOver();
}

void Reader::StartOver() noexcept {
  broken_ = false;
  window_ = 1;
  ahead_ = position_;
  // (At the end of a direct file, what is aligned begins before it.)
  const io::DirectAlignment alignment = file().alignment();
  if (alignment.known()) ahead_ -= ahead_ % alignment.offset;
}

void Reader::BeginChunks() {
  while (queue_->count() < window_) {
    queue_->Add().Begin(ahead_, queue_->chunk_size());
    ahead_ += queue_->chunk_size();
  }
}

Task<Result<void>> Reader::Drop() {
  while (queue_->count() != 0) {
    const bool ended = co_await queue_->WaitForFront();
    if (!ended) co_return Unexpected(kCanceled);
    queue_->Pop();
  }
  StartOver();
  co_return Result<void>();
}

Task<Result<void>> Reader::Fill() {
  if (!unread_.empty()) co_return Result<void>();
  if (has_front_) {
    has_front_ = false;
    queue_->Pop();
    window_ = std::min(2 * window_, queue_->depth());
  }
  if (broken_) EDDY_CO_CHECK(co_await Drop());
  BeginChunks();
  const bool ended = co_await queue_->WaitForFront();
  if (!ended) co_return Unexpected(kCanceled);
  const internal::Chunk& chunk = queue_->front();
  broken_ = chunk.done() < queue_->chunk_size();
  const std::size_t skipped = position_ - chunk.offset();
  if (chunk.done() <= skipped) {
    co_return chunk.result();
  }
  // An error behind some bytes is met again when those are used.
  has_front_ = true;
  unread_ = chunk.memory().first(chunk.done()).subspan(skipped);
  co_return Result<void>();
}

Task<Result<std::span<const std::byte>>> Reader::Next() {
  EDDY_CO_CHECK(co_await Fill());
  position_ += unread_.size();
  co_return std::exchange(unread_, {});
}

Task<Result<std::size_t>> Reader::Read(std::span<std::byte> buffer) {
  if (buffer.empty()) co_return std::size_t{0};
  EDDY_CO_CHECK(co_await Fill());
  const std::size_t n = std::min(buffer.size(), unread_.size());
  std::ranges::copy(unread_.first(n), buffer.begin());
  unread_ = unread_.subspan(n);
  position_ += n;
  co_return n;
}

}  // namespace eddy::fs
