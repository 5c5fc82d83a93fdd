#include <eddy/fs/writer.h>

#include <fcntl.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace eddy::fs {

using internal::TransferQueue;

Writer::Writer(File file, const WriterOptions& options)
    : filling_at_(options.offset),
      position_(options.offset),
      written_(options.offset) {
  const int flags = fcntl(file.fd().get(), F_GETFL);
  // The kernel looks at no offset: chunks follow each other as they are begun
  // only where each waits for the one before.
  const bool appends = flags != -1 && (flags & O_APPEND) != 0;
  if (appends && file.alignment().known()) {
    error_ = std::errc::invalid_argument;
  }
  queue_.reset(new TransferQueue(
      std::move(file), TransferQueue::Direction::kWrite, options.chunk_size,
      appends ? 1 : options.depth, options.registered));
}

Task<Result<void>> Writer::Reap() {
  const bool ended = co_await queue_->WaitForFront();
  if (!ended) co_return Unexpected(kCanceled);
  const internal::Chunk& chunk = queue_->front();
  if (!error_) {
    // (A chunk that was padded has more than was taken.)
    written_ =
        std::max(written_, std::min(chunk.offset() + chunk.done(), position_));
    if (const Result<void> done = chunk.result(); !done) error_ = done.error();
  }
  queue_->Pop();
  co_return result();
}

void Writer::NextChunk() {
  filling_ = &queue_->Add();
  std::ranges::copy(tail_, filling_->memory().begin());
  filled_ = tail_.size();
  tail_.clear();
}

void Writer::BeginChunk() {
  std::size_t size = filled_;
  const io::DirectAlignment alignment = file().alignment();
  const std::size_t odd = alignment.known() ? size % alignment.offset : 0;
  const std::span memory = filling_->memory();
  if (odd != 0) {
    const std::span tail = memory.subspan(size - odd, odd);
    tail_.assign(tail.begin(), tail.end());
    // (Where the chunk's size is not aligned, the transfer tells so.)
    size = std::min<std::size_t>(size - odd + alignment.offset, memory.size());
    std::ranges::fill(memory.subspan(filled_, size - filled_), std::byte{0});
    padded_ = true;
  }
  std::exchange(filling_, nullptr)->Begin(filling_at_, size);
  filling_at_ += std::exchange(filled_, 0) - odd;
}

Task<Result<void>> Writer::Write(std::span<const std::byte> data,
                                 std::size_t* taken) {
  std::size_t ignored = 0;
  std::size_t& done = taken == nullptr ? ignored : *taken;
  done = 0;
  EDDY_CO_CHECK(result());
  while (done < data.size()) {
    if (filling_ == nullptr) {
      // (What begins with the tail goes where the padded chunk went.)
      while (queue_->full() || (!tail_.empty() && queue_->count() != 0)) {
        EDDY_CO_CHECK(co_await Reap());
      }
      NextChunk();
    }
    const std::span room = filling_->memory().subspan(filled_);
    const std::size_t n = std::min(room.size(), data.size() - done);
    std::memcpy(room.data(), data.data() + done, n);
    filled_ += n;
    done += n;
    position_ += n;
    if (n == room.size()) BeginChunk();
  }
  co_return Result<void>();
}

Task<Result<void>> Writer::Write(std::string_view data, std::size_t* taken) {
  return Write(std::as_bytes(std::span(data)), taken);
}

Task<Result<void>> Writer::Flush() {
  if (filled_ != 0) BeginChunk();
  while (queue_->count() != 0) EDDY_CO_CHECK(co_await Reap());
  EDDY_CO_CHECK(result());
  if (padded_) {
    const Result<void> cut = co_await queue_->file().Truncate(position_);
    if (!cut && cut.error() != kCanceled) error_ = cut.error();
    EDDY_CO_CHECK(cut);
    padded_ = false;
  }
  co_return Result<void>();
}

Task<Result<void>> Writer::Sync(io::SyncKind kind) {
  EDDY_CO_CHECK(co_await Flush());
  Result<void> synced = co_await io::Sync(file().fd(), kind);
  if (!synced && synced.error() != kCanceled) error_ = synced.error();
  co_return synced;
}

Task<Result<void>> Writer::Close() {
  EDDY_CO_CHECK(co_await Flush());
  co_return co_await queue_->file().Close();
}

}  // namespace eddy::fs
