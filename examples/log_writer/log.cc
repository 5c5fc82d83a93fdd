#include "examples/log_writer/log.h"

#include <eddy/fs/directory.h>
#include <eddy/fs/reader.h>
#include <eddy/runtime/with_stop.h>

#include <fcntl.h>
#include <zlib.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <span>
#include <system_error>
#include <utility>

#include "examples/lock_alone.h"

namespace log_writer {
namespace {

using eddy::Error;
using eddy::Result;
using eddy::Task;
using eddy::Unexpected;

constexpr std::size_t kHeader = 8;

void PutNumber(std::uint32_t number, char* to) {
  for (int i = 0; i < 4; ++i) {
    to[i] = static_cast<char>(number >> (8 * i));
  }
}
std::uint32_t GetNumber(const char* from) {
  std::uint32_t number = 0;
  for (int i = 0; i < 4; ++i) {
    number |= std::uint32_t{static_cast<unsigned char>(from[i])} << (8 * i);
  }
  return number;
}

std::uint32_t Checksum(std::string_view length, std::string_view record) {
  const auto add = [](uLong crc, std::string_view bytes) {
    // (Of no bytes at a null pointer it would give the initial value.)
    if (bytes.empty()) return crc;
    return crc32(crc, reinterpret_cast<const Bytef*>(bytes.data()),
                 static_cast<uInt>(bytes.size()));
  };
  return static_cast<std::uint32_t>(add(add(0, length), record));
}

// Reads records one after the other.
class RecordReader {
 public:
  explicit RecordReader(eddy::fs::File file) : reader_(std::move(file)) {}

  // Whether there is one, which record() then has. The end of the file and what
  // is no record are the end.
  Task<Result<bool>> Next() {
    std::array<char, kHeader> header;
    EDDY_CO_TRY(const bool has_header, co_await Fill(std::span(header)));
    if (!has_header) co_return false;
    const std::uint32_t size = GetNumber(header.data());
    if (size > Log::kLargestRecord) co_return false;
    record_.resize(size);
    EDDY_CO_TRY(const bool has_record, co_await Fill(std::span(record_)));
    if (!has_record) co_return false;
    if (Checksum({header.data(), 4}, record_) != GetNumber(&header[4])) {
      co_return false;
    }
    end_ += kHeader + size;
    co_return true;
  }

  const std::string& record() const { return record_; }
  // The offset behind the last record.
  std::uint64_t end() const { return end_; }

 private:
  Task<Result<bool>> Fill(std::span<char> bytes) {
    std::span<std::byte> left = std::as_writable_bytes(bytes);
    while (!left.empty()) {
      EDDY_CO_TRY(const std::size_t n, co_await reader_.Read(left));
      if (n == 0) co_return false;
      left = left.subspan(n);
    }
    co_return true;
  }

  eddy::fs::Reader reader_;
  std::string record_;
  std::uint64_t end_ = 0;
};

Task<Result<std::uint64_t>> ReadRecords(eddy::fs::File file,
                                        const Log::Visitor& each) {
  RecordReader reader(std::move(file));
  while (true) {
    EDDY_CO_TRY(const bool more, co_await reader.Next());
    if (!more) co_return reader.end();
    if (each) each(reader.record());
  }
}

}  // namespace

Task<Result<std::uint64_t>> Log::Read(std::string path, Visitor each) {
  EDDY_CO_TRY(eddy::fs::File file, co_await eddy::fs::File::Open(path));
  co_return co_await ReadRecords(std::move(file), each);
}

Task<Result<std::unique_ptr<Log>>> Log::Open(std::string path, Visitor each) {
  eddy::fs::OpenOptions options = eddy::fs::OpenOptions::ReadWrite();
  options.create = true;
  EDDY_CO_TRY(eddy::fs::File file,
              co_await eddy::fs::File::Open(path, options));
  EDDY_CO_TRY(eddy::fs::FileLock lock, co_await examples::LockAlone(file));
  std::unique_ptr<Log> log(new Log(std::move(file), std::move(lock)));
  // The file that is locked, whatever the path names by now.
  const int copy = fcntl(log->file_.fd().get(), F_DUPFD_CLOEXEC, 0);
  if (copy < 0) co_return Unexpected(Error::FromErrno(errno));
  eddy::fs::File to_read{eddy::io::Fd(copy)};
  EDDY_CO_TRY(log->end_, co_await ReadRecords(std::move(to_read), each));
  EDDY_CO_TRY(const std::uint64_t size, co_await log->file_.Size());
  log->stats_.cut_off = size - log->end_;
  if (log->stats_.cut_off != 0) {
    EDDY_CO_CHECK(co_await log->file_.Truncate(log->end_));
  }
  // What was read may have come back from the page cache only; and the file's
  // name may be new.
  EDDY_CO_CHECK(co_await log->file_.Sync());
  const std::filesystem::path absolute = std::filesystem::absolute(path);
  EDDY_CO_TRY(const eddy::fs::Directory directory,
              co_await eddy::fs::Directory::Open(absolute.parent_path()));
  EDDY_CO_CHECK(co_await directory.Sync());
  co_return log;
}

Task<Result<void>> Log::Run() {
  Result<void> stopped;
  while (stopped && !error_) {
    stopped = co_await work_.Wait();
    // A batch that is begun is finished: others wait for it.
    co_await eddy::Shield(Commit());
  }
  // Nobody commits any more: who waits, or comes later, is told.
  if (!error_) error_ = stopped.error();
  next_->result = Unexpected(*error_);
  next_->committed.Set();
  co_return Unexpected(*error_);
}

Task<void> Log::Commit() {
  if (next_->records == 0) co_return;
  const auto batch = std::exchange(next_, std::make_shared<Batch>());
  batch->result =
      co_await file_.WriteAllAt(end_, std::as_bytes(std::span(batch->bytes)));
  if (batch->result) batch->result = co_await file_.DataSync();
  if (batch->result) {
    end_ += batch->bytes.size();
    stats_.records += batch->records;
    ++stats_.commits;
  } else {
    error_ = batch->result.error();
    // Records that may not have reached the disk must not be read back from the
    // page cache, as if they had.
    static_cast<void>(co_await file_.Truncate(end_));
  }
  batch->committed.Set();
}

Task<Result<void>> Log::Append(std::string_view record) {
  if (record.size() > kLargestRecord) {
    co_return Unexpected(std::errc::message_size);
  }
  if (error_) co_return Unexpected(*error_);
  const std::shared_ptr<Batch> batch = next_;
  std::array<char, kHeader> header;
  PutNumber(static_cast<std::uint32_t>(record.size()), header.data());
  PutNumber(Checksum({header.data(), 4}, record), &header[4]);
  batch->bytes.append(header.data(), header.size());
  batch->bytes.append(record);
  ++batch->records;
  work_.Set();
  EDDY_CO_CHECK(co_await batch->committed.Wait());
  co_return batch->result;
}

}  // namespace log_writer
