#include "examples/run_command/line_output.h"

#include <eddy/io/buffered_reader.h>

#include <sys/stat.h>

#include <cstddef>
#include <span>
#include <system_error>

namespace run_command {
namespace {

using eddy::Result;
using eddy::Task;

constexpr std::size_t kMostAtOnce = 64 * 1024;

std::string_view TextOf(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// `line` without its end.
void AddLine(std::string& text, std::string_view prefix,
             std::string_view line) {
  text += prefix;
  text += line;
  text += '\n';
}

}  // namespace

Task<Result<void>> LineOutput::Write(std::string_view text) {
  const eddy::Mutex::Guard guard = co_await mutex_.Lock();
  co_return co_await stream_.Write(std::as_bytes(std::span(text)));
}

bool LineOutputs::AreOneFile(const eddy::io::Fd& a, const eddy::io::Fd& b) {
  struct stat one {};
  struct stat other {};
  return fstat(a.get(), &one) == 0 && fstat(b.get(), &other) == 0 &&
         one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

Task<Result<void>> CopyLines(eddy::io::PipeReader& from,
                             std::string_view prefix, LineOutput& to) {
  eddy::io::BufferedReader<eddy::io::PipeReader> reader(from);
  std::string text;
  while (true) {
    text.clear();
    const Result<std::span<const std::byte>> line =
        co_await reader.ReadUntil("\n");
    if (line) {
      AddLine(text, prefix, TextOf(line->first(line->size() - 1)));
    } else if (line.error() == eddy::kEndOfStream ||
               line.error() == std::errc::message_size) {
      const std::string_view rest = TextOf(reader.buffered());
      if (!rest.empty()) AddLine(text, prefix, rest);
      reader.Consume(rest.size());
    } else {
      co_return eddy::Unexpected(line.error());
    }
    // What has come with it goes out with it.
    while (text.size() < kMostAtOnce) {
      const std::string_view more = TextOf(reader.buffered());
      const std::size_t end = more.find('\n');
      if (end == std::string_view::npos) break;
      AddLine(text, prefix, more.substr(0, end));
      reader.Consume(end + 1);
    }
    if (text.empty()) co_return Result<void>();
    EDDY_CO_CHECK(co_await to.Write(text));
  }
}

}  // namespace run_command
