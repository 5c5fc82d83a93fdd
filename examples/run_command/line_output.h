// LineOutput: lines of several commands on one stream, each whole.
#ifndef EDDY_EXAMPLES_RUN_COMMAND_LINE_OUTPUT_H_
#define EDDY_EXAMPLES_RUN_COMMAND_LINE_OUTPUT_H_

#include <eddy/io/fd.h>
#include <eddy/io/pipe.h>
#include <eddy/io/shared_stream.h>
#include <eddy/runtime/mutex.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>

#include <string>
#include <string_view>

namespace run_command {

class LineOutput {
 public:
  explicit LineOutput(const eddy::io::Fd& fd) : stream_(fd) {}

  // Errors: those of writing, such as EPIPE; kCanceled.
  eddy::Task<eddy::Result<void>> Write(std::string_view text);

 private:
  eddy::io::SharedStream stream_;
  // One writes at a time, so that no line comes within another.
  eddy::Mutex mutex_;
};

// Writes each line of `from` as it comes, behind `prefix`, until its end. A
// last line without an end gets one; one that is longer than 16 KiB comes in
// pieces. Errors: those of reading and writing; kCanceled.
eddy::Task<eddy::Result<void>> CopyLines(eddy::io::PipeReader& from,
                                         std::string_view prefix,
                                         LineOutput& to);

}  // namespace run_command

#endif  // EDDY_EXAMPLES_RUN_COMMAND_LINE_OUTPUT_H_
