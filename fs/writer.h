// Writer: a file from one place on, written behind the caller.
//
//   EDDY_CO_TRY(fs::File file, co_await fs::File::Open(
//                                  "out", fs::OpenOptions::Rewrite()));
//   fs::Writer writer(std::move(file));
//   for (const std::string& line : lines) {
//     EDDY_CO_CHECK(co_await writer.Write(line));
//   }
//   EDDY_CO_CHECK(co_await writer.Close());
//
// What is written is copied to a chunk; a chunk that is full goes its way, and
// up to `depth` of them are under way while the caller goes on. Then Write
// waits for the first of them.
//
// What is not flushed when the writer is destroyed is dropped; Close tells that
// all has arrived. Durable it is only after Sync (or with
// OpenOptions::durability).
//
// Errors: the first one (ENOSPC, EIO, ...) stays: that Write, and every later
// Write, Flush, Sync and Close answers it. What was written then has a hole or
// a short end: how much is whole from the start on, written() tells.
//
// It is an io::ByteSink: io::Copy writes to it. Shutdown is Flush.
//
// Ownership: it takes over the file. Destroying the writer ends what is under
// way without blocking the loop; the file is closed after that.
// Direct files: the offset to begin at, and the chunk size, must be aligned. A
// flush of what is no multiple of the alignment writes zeros behind it and sets
// the file's size to what was written; so the file must end there. A
// writer that is destroyed within a flush, or after one that failed, may leave
// those zeros behind.
// Files that were opened to append: one chunk at a time, and offsets are
// counted from options.offset, whatever the file has; EINVAL with direct I/O.
// Thread safety: belongs to the reactor that runs.
#ifndef EDDY_FS_WRITER_H_
#define EDDY_FS_WRITER_H_

#include <eddy/fs/file.h>
#include <eddy/fs/transfer_queue.h>
#include <eddy/io/byte_stream.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace eddy::fs {

struct WriterOptions {
  std::uint64_t offset = 0;                          // where to begin
  std::size_t chunk_size = std::size_t{256} * 1024;  // bytes of a transfer
  unsigned depth = 4;  // chunks being filled or on their way; memory for each
  // Registers the chunks' memory with the ring; see AlignedBuffer.
  bool registered = false;
};

class Writer {
 public:
  // REQUIRES: chunk_size and depth are not 0.
  explicit Writer(File file, const WriterOptions& options = {});

  // Takes all of `data`. `taken`, where given, gets how much was, also on
  // failure and after a stop.
  // Errors: see above; kCanceled: a part may have been taken.
  // Lifetime: data lives until the await returns.
  // Cost: a frame; a transfer for each chunk that becomes full.
  Task<Result<void>> Write(std::span<const std::byte> data,
                           std::size_t* taken = nullptr);
  Task<Result<void>> Write(std::string_view data, std::size_t* taken = nullptr);

  // Waits until all that was taken is written. Stop: what is under way stays
  // so; a later Flush waits for it.
  Task<Result<void>> Flush();
  Task<Result<void>> Shutdown() { return Flush(); }

  // Flush, and the file's Sync or DataSync: all that was taken is durable.
  Task<Result<void>> Sync(io::SyncKind kind = io::SyncKind::kAll);

  // Flush, and the file's Close. After a failure or a stop of the flush the
  // file is not closed; destroying the writer does that.
  Task<Result<void>> Close();

  // The offset behind the last byte that was taken, and behind the last one
  // before which all is written.
  std::uint64_t position() const noexcept { return position_; }
  std::uint64_t written() const noexcept { return written_; }

  // For Stat and the like. It stays the writer's.
  const File& file() const noexcept { return queue_->file(); }

 private:
  // Takes the first chunk off when it has ended.
  Task<Result<void>> Reap();
  void NextChunk();
  void BeginChunk();
  Result<void> result() const noexcept {
    return error_ ? Unexpected(*error_) : Result<void>();
  }

  internal::TransferQueuePtr queue_;
  // The last of the queue, where it is not full; the offset of its first byte,
  // and the bytes that it has.
  internal::Chunk* filling_ = nullptr;
  std::uint64_t filling_at_;
  std::size_t filled_ = 0;
  // Of a direct file: the end of what was written padded, which is written
  // again with what follows; and whether the file still has the padding.
  std::vector<std::byte> tail_;
  bool padded_ = false;
  std::uint64_t position_;
  std::uint64_t written_;
  std::optional<Error> error_;
};

static_assert(io::ByteSink<Writer>);

}  // namespace eddy::fs

#endif  // EDDY_FS_WRITER_H_
