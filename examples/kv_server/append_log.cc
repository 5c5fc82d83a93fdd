#include "examples/kv_server/append_log.h"

#include <absl/strings/str_cat.h>
#include <eddy/fs/directory.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/timer.h>
#include <eddy/runtime/with_stop.h>
#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <span>
#include <string_view>
#include <system_error>

#include "examples/kv_server/log_format.h"
#include "examples/kv_server/log_reader.h"
#include "examples/lock_alone.h"

namespace kv_server {
namespace {

using eddy::Error;
using eddy::Result;
using eddy::Task;
using eddy::TaskScope;
using eddy::Unexpected;

constexpr std::errc kDamaged = std::errc::bad_message;

// The first bytes of a file; less where it is shorter.
Task<Result<std::string>> ReadHead(const eddy::fs::File& file) {
  std::string head(kLogHead, '\0');
  EDDY_CO_TRY(
      const std::size_t size,
      co_await file.ReadAllAt(0, std::as_writable_bytes(std::span(head))));
  head.resize(size);
  co_return head;
}

// The file that is open, whatever its path names by now.
Result<eddy::fs::File> Duplicate(const eddy::fs::File& file) {
  const int copy = fcntl(file.fd().get(), F_DUPFD_CLOEXEC, 0);
  if (copy < 0) return Unexpected(Error::FromErrno(errno));
  return eddy::fs::File(eddy::io::Fd(copy));
}

}  // namespace

Task<Result<std::unique_ptr<AppendLog>>> AppendLog::Open(std::string path,
                                                         LogOwner owner,
                                                         LogOptions options,
                                                         Visitor replay,
                                                         std::string& problem) {
  eddy::fs::OpenOptions open = eddy::fs::OpenOptions::ReadWrite();
  open.create = true;
  problem = absl::StrCat(path, " cannot be opened");
  EDDY_CO_TRY(eddy::fs::File file, co_await eddy::fs::File::Open(path, open));
  EDDY_CO_TRY(eddy::fs::FileLock lock, co_await examples::LockAlone(file));
  std::unique_ptr<AppendLog> log(
      new AppendLog(std::move(file), std::move(lock), owner, options));
  problem = absl::StrCat(path, " cannot be read");
  EDDY_CO_TRY(const std::string head, co_await ReadHead(log->file_));
  if (head.size() < kLogHead) {
    // New, or torn before anything was in it.
    problem = absl::StrCat(path, " cannot be written");
    EDDY_CO_CHECK(co_await log->Begin(path));
    co_return log;
  }
  const auto found = ParseLogHead(head);
  if (!found) {
    problem =
        absl::StrCat(path, " is no log of kv_server, or damaged at byte 0");
    co_return Unexpected(kDamaged);
  }
  if (*found != owner) {
    problem = absl::StrCat(path, WrongOwner(*found, owner));
    co_return Unexpected(kDamaged);
  }
  EDDY_CO_CHECK(co_await log->Recover(path, std::move(replay), problem));
  co_return log;
}

Task<Result<void>> AppendLog::Begin(std::string path) {
  const std::string head = LogHead(owner_);
  EDDY_CO_CHECK(co_await file_.WriteAllAt(0, std::as_bytes(std::span(head))));
  EDDY_CO_CHECK(co_await file_.Sync());
  // The file's name is new.
  const std::filesystem::path absolute = std::filesystem::absolute(path);
  EDDY_CO_TRY(const eddy::fs::Directory directory,
              co_await eddy::fs::Directory::Open(absolute.parent_path()));
  EDDY_CO_CHECK(co_await directory.Sync());
  end_ = stats_.bytes = head.size();
  co_return Result<void>();
}

Task<Result<void>> AppendLog::Recover(std::string path, Visitor replay,
                                      std::string& problem) {
  EDDY_CO_TRY(const std::uint64_t size, co_await file_.Size());
  EDDY_CO_TRY(eddy::fs::File to_read, Duplicate(file_));
  LogReader reader(std::move(to_read), owner_.seed, size);
  while (true) {
    end_ = reader.end();
    EDDY_CO_TRY(const bool more, co_await reader.Next());
    if (!more) break;
    std::string_view body = reader.body();
    while (!body.empty()) {
      const auto mutation = Decode(body);
      if (!mutation || !replay(*mutation)) {
        problem = absl::StrCat(path, ": what is in the frame at byte ", end_,
                               " makes no sense");
        co_return Unexpected(kDamaged);
      }
      ++stats_.recovered;
    }
  }
  stats_.cut_off = size - end_;
  if (stats_.cut_off != 0 && !options_.cut_damaged) {
    EDDY_CO_TRY(const auto behind,
                co_await FindFrameHead(file_, owner_.seed, end_, size));
    if (behind) {
      problem = absl::StrCat(path, " is damaged at byte ", end_,
                             ", and goes on at byte ", *behind,
                             ": --log_cut_damaged drops all from there on, ",
                             stats_.cut_off, " bytes");
      co_return Unexpected(kDamaged);
    }
  }
  problem = absl::StrCat(path, " cannot be written");
  if (stats_.cut_off != 0) EDDY_CO_CHECK(co_await file_.Truncate(end_));
  // What was read may have come from the page cache only.
  EDDY_CO_CHECK(co_await file_.Sync());
  stats_.bytes = end_;
  co_return Result<void>();
}

Task<Result<void>> AppendLog::Run() {
  const auto body = [this](TaskScope& scope) -> Task<Result<void>> {
    if (options_.sync == LogSync::kEverySecond) scope.Spawn(SyncNowAndThen());
    co_return co_await CommitAll();
  };
  const Result<void> ended = co_await eddy::WithScope(body);
  // For those who were told already.
  if (unsynced_ && !error_) co_await eddy::Shield(Sync());
  // Nobody commits any more: who waits, or comes later, is told.
  if (!error_) error_ = ended.error();
  next_->result = Unexpected(*error_);
  next_->committed.Set();
  co_return Unexpected(*error_);
}

Task<Result<void>> AppendLog::CommitAll() {
  Result<void> stopped;
  while (stopped && !error_) {
    stopped = co_await work_.Wait();
    // A batch that is begun is finished: others wait for it.
    co_await eddy::Shield(Commit());
  }
  co_return Unexpected(error_ ? *error_ : stopped.error());
}

Task<void> AppendLog::SyncNowAndThen() {
  Result<void> stopped;
  while (stopped && !error_) {
    stopped = co_await eddy::Sleep(std::chrono::seconds(1));
    if (stopped && unsynced_) co_await eddy::Shield(Sync());
  }
}

Task<void> AppendLog::Sync() {
  unsynced_ = false;
  const Result<void> synced = co_await file_.DataSync();
  ++stats_.syncs;
  if (synced) co_return;
  error_ = synced.error();
  work_.Set();
}

Task<void> AppendLog::Commit() {
  if (error_ || next_->bytes.empty()) co_return;
  committing_ = std::exchange(next_, std::make_shared<Batch>());
  std::string& bytes = committing_->bytes;
  const std::string_view body = std::string_view(bytes).substr(kFrameHead);
  bytes.replace(0, kFrameHead, MakeFrameHead(body, end_, owner_.seed));
  Result<void>& result = committing_->result;
  result = co_await file_.WriteAllAt(end_, std::as_bytes(std::span(bytes)));
  if (result && options_.sync == LogSync::kAlways) {
    result = co_await file_.DataSync();
    ++stats_.syncs;
  }
  if (result) {
    end_ += bytes.size();
    stats_.bytes = end_;
    ++stats_.commits;
    unsynced_ = options_.sync == LogSync::kEverySecond;
  } else {
    error_ = result.error();
    // What may not have reached the disk must not be read back from the page
    // cache, as if it had.
    static_cast<void>(co_await file_.Truncate(end_));
  }
  pending_ -= bytes.size();
  const std::shared_ptr<Batch> batch = std::move(committing_);
  batch->committed.Set();
}

void AppendLog::Announce(const Mutation& mutation) {
  if (error_) return;
  std::string& bytes = next_->bytes;
  bytes.reserve(std::max(bytes.size(), kFrameHead) + EncodedSize(mutation));
}

void AppendLog::Add(const Mutation& mutation) {
  if (error_) return;
  // (For those that did not announce it.)
  Announce(mutation);
  std::string& bytes = next_->bytes;
  const std::size_t before = bytes.size();
  if (bytes.empty()) bytes.resize(kFrameHead);
  Encode(mutation, bytes);
  pending_ += bytes.size() - before;
  work_.Set();
}

std::shared_ptr<AppendLog::Batch> AppendLog::Waiting() const {
  return next_->bytes.empty() ? committing_ : next_;
}

bool AppendLog::durable() const {
  if (error_) return false;
  return Waiting() == nullptr;
}

Task<Result<void>> AppendLog::Durable() {
  if (error_) co_return Unexpected(*error_);
  if (durable()) co_return Result<void>();
  const std::shared_ptr<Batch> batch = Waiting();
  EDDY_CO_CHECK(co_await batch->committed.Wait());
  co_return batch->result;
}

Task<Result<void>> AppendLog::Room() {
  while (full() && !error_) {
    const std::shared_ptr<Batch> batch =
        committing_ != nullptr ? committing_ : next_;
    EDDY_CO_CHECK(co_await batch->committed.Wait());
  }
  co_return Result<void>();
}

}  // namespace kv_server
