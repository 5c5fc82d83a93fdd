// Reader: a file from one place to its end, read ahead.
//
//   EDDY_CO_TRY(fs::File file, co_await fs::File::Open("access.log"));
//   fs::Reader reader(std::move(file));
//   while (true) {
//     EDDY_CO_TRY(std::span<const std::byte> bytes, co_await reader.Next());
//     if (bytes.empty()) break;
//     Use(bytes);
//   }
//
// Up to `depth` chunks are on their way while the caller works on one: one
// after the first, and twice as many after each that was used, so that a short
// file costs no more than it has. The position is the reader's own and
// explicit.
//
// It is an io::ByteSource: io::BufferedReader gives lines of it, io::Copy sends
// it to a socket.
//
// At the end of the file it gives no bytes, and when the file has grown, in a
// later call, what is new. A file that is changed while it is read gives, in
// each part, what was there when the part was read.
//
// Ownership: it takes over the file. Destroying the reader ends what is under
// way without blocking the loop; the file is closed after that.
// Direct files: the chunk size must be aligned; the offset to begin at need
// not. Thread safety: belongs to the reactor that runs.
#ifndef EDDY_FS_READER_H_
#define EDDY_FS_READER_H_

#include <eddy/fs/file.h>
#include <eddy/fs/transfer_queue.h>
#include <eddy/io/byte_stream.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>

#include <cstddef>
#include <cstdint>
#include <span>

namespace eddy::fs {

struct ReaderOptions {
  std::uint64_t offset = 0;                          // where to begin
  std::size_t chunk_size = std::size_t{256} * 1024;  // bytes of a transfer
  unsigned depth =
      4;  // chunks on their way or in use, at most; memory for each
  // Registers the chunks' memory with the ring; see AlignedBuffer.
  bool registered = false;
};

class Reader {
 public:
  // REQUIRES: chunk_size and depth are not 0.
  explicit Reader(File file, const ReaderOptions& options = {});

  // The next bytes, or none at the end of the file. They stay valid until the
  // next call.
  //
  // Errors: those of io::ReadAt; kCanceled. After an error or a stop the
  // position is as it was, and a later call tries again.
  // Stop: nothing is lost; what is under way stays so.
  // Cost: a frame; a transfer for each chunk.
  Task<Result<std::span<const std::byte>>> Next();

  // The same, copied: 1 to buffer.size() bytes; 0 at the end of the file, or
  // for an empty buffer.
  Task<Result<std::size_t>> Read(std::span<std::byte> buffer);

  // The offset of the first byte that was not given yet.
  std::uint64_t position() const noexcept { return position_; }

  // For Stat and the like. It stays the reader's.
  const File& file() const noexcept { return queue_->file(); }

 private:
  // Makes unread_ hold bytes, if there are any.
  Task<Result<void>> Fill();
  void BeginChunks();
  // From the position, with one chunk.
  void StartOver() noexcept;
  // Waits for what is under way, and drops it.
  Task<Result<void>> Drop();

  internal::TransferQueuePtr queue_;
  std::uint64_t position_;
  // Where the next chunk begins.
  std::uint64_t ahead_ = 0;
  unsigned window_ = 1;
  // What is left of the first chunk.
  std::span<const std::byte> unread_;
  // Whether chunks behind the first say nothing: it was not whole.
  bool broken_ = false;
  bool has_front_ = false;
};

static_assert(io::ByteSource<Reader>);

}  // namespace eddy::fs

#endif  // EDDY_FS_READER_H_
