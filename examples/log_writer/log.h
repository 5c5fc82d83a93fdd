// Log: records that many tasks append, each durable when its Append returns.
//
// Group commit: while one batch is on its way to the disk, what others append
// gathers in the next one. However many wait, a batch is one write and one
// fdatasync, which is what the time goes to.
//
// In the file a record is its length, the CRC-32 of length and bytes (four
// bytes each, least significant first), and its bytes. What a crash has torn is
// at the end, and was never acknowledged: Open cuts it off, and Stats::cut_off
// tells how much it was. What a disk damages later, in the middle, looks the
// same, and all behind it is cut off, too: a log that is to survive that needs
// copies.
#ifndef EDDY_EXAMPLES_LOG_WRITER_LOG_H_
#define EDDY_EXAMPLES_LOG_WRITER_LOG_H_

#include <eddy/fs/file.h>
#include <eddy/runtime/event.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace log_writer {

struct Stats {
  std::uint64_t records = 0;
  std::uint64_t commits = 0;  // fdatasyncs
  std::uint64_t cut_off = 0;  // bytes of a torn end that Open found
};

class Log {
 public:
  static constexpr std::size_t kLargestRecord = std::size_t{16} << 20;
  using Visitor = std::function<void(std::string_view record)>;

  // Reads a log, whether it is open or not, and gives the offset where its
  // records end. `each`, if given, is called for each.
  static eddy::Task<eddy::Result<std::uint64_t>> Read(std::string path,
                                                      Visitor each = nullptr);

  // Opens the log, or makes it, reads it, and cuts off what is torn. Errors:
  // EWOULDBLOCK where another process has it open.
  static eddy::Task<eddy::Result<std::unique_ptr<Log>>> Open(
      std::string path, Visitor each = nullptr);
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  // Writes what is appended, until it is stopped; what was appended by then is
  // written first. One task runs this. Error: the one that ends the log.
  eddy::Task<eddy::Result<void>> Run();

  // Errors: EMSGSIZE; the error of a write that went wrong, for that batch and
  // all later ones (after a failed fdatasync the kernel may have dropped what
  // it should have written, so another try would prove nothing); kCanceled.
  // Stop: the record may be in the log or not.
  eddy::Task<eddy::Result<void>> Append(std::string_view record);

  const Stats& stats() const { return stats_; }

 private:
  struct Batch {
    std::string bytes;
    std::uint64_t records = 0;
    eddy::Event committed;
    eddy::Result<void> result;
  };

  Log(eddy::fs::File file, eddy::fs::FileLock lock)
      : file_(std::move(file)), lock_(std::move(lock)) {}
  eddy::Task<void> Commit();

  eddy::fs::File file_;
  eddy::fs::FileLock lock_;
  std::uint64_t end_ = 0;
  std::optional<eddy::Error> error_;
  eddy::Event work_{eddy::Event::Kind::kAutoReset};
  std::shared_ptr<Batch> next_ = std::make_shared<Batch>();
  Stats stats_;
};

}  // namespace log_writer

#endif  // EDDY_EXAMPLES_LOG_WRITER_LOG_H_
