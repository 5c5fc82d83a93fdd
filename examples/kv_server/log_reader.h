// LogReader: the frames of an AppendLog's file, one after the other.
#ifndef EDDY_EXAMPLES_KV_SERVER_LOG_READER_H_
#define EDDY_EXAMPLES_KV_SERVER_LOG_READER_H_

#include <eddy/fs/file.h>
#include <eddy/fs/reader.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace kv_server {

class LogReader {
 public:
  // Reads behind the log's head. `file_size` is the whole file's.
  LogReader(eddy::fs::File file, std::uint64_t seed, std::uint64_t file_size);

  // Whether there is one more whole frame, whose body() then is valid until the
  // next call.
  eddy::Task<eddy::Result<bool>> Next();

  const std::string& body() const { return body_; }
  // The offset behind the last whole frame.
  std::uint64_t end() const { return end_; }

 private:
  eddy::Task<eddy::Result<bool>> Fill(std::span<char> bytes);

  const std::uint64_t seed_;
  const std::uint64_t file_size_;
  eddy::fs::Reader reader_;
  std::string body_;
  std::uint64_t end_;
};

// The offset of the first head of a frame behind `from`, if there is one.
eddy::Task<eddy::Result<std::optional<std::uint64_t>>> FindFrameHead(
    const eddy::fs::File& file, std::uint64_t seed, std::uint64_t from,
    std::uint64_t file_size);

}  // namespace kv_server

#endif  // EDDY_EXAMPLES_KV_SERVER_LOG_READER_H_
