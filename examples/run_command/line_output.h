// LineOutput: lines of several commands on one file, each whole. LineOutputs:
// the standard output and the standard error.
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
  // One writes at a time to what has this mutex, so that no line comes within
  // another.
  LineOutput(const eddy::io::Fd& fd, eddy::Mutex& mutex)
      : stream_(fd), mutex_(mutex) {}

  // Errors: those of writing, such as EPIPE; kCanceled.
  eddy::Task<eddy::Result<void>> Write(std::string_view text);

 private:
  eddy::io::SharedStream stream_;
  eddy::Mutex& mutex_;
};

class LineOutputs {
 public:
  // Where both are one file (2>&1), they are written in turn. Where they are
  // two, neither waits for the other: who reads one of them to its end first
  // would wait for ever.
  LineOutputs(const eddy::io::Fd& output, const eddy::io::Fd& errors)
      : output_(output, mutex_),
        errors_(errors, AreOneFile(output, errors) ? mutex_ : errors_mutex_) {}
  LineOutputs(const LineOutputs&) = delete;
  LineOutputs& operator=(const LineOutputs&) = delete;

  LineOutput& output() { return output_; }
  LineOutput& errors() { return errors_; }

 private:
  static bool AreOneFile(const eddy::io::Fd& a, const eddy::io::Fd& b);

  eddy::Mutex mutex_;
  eddy::Mutex errors_mutex_;
  LineOutput output_;
  LineOutput errors_;
};

// Writes each line of `from` as it comes, behind `prefix`, until its end. A
// last line without an end gets one; one that is longer than 16 KiB comes in
// pieces. Errors: those of reading and writing; kCanceled.
eddy::Task<eddy::Result<void>> CopyLines(eddy::io::PipeReader& from,
                                         std::string_view prefix,
                                         LineOutput& to);

}  // namespace run_command

#endif  // EDDY_EXAMPLES_RUN_COMMAND_LINE_OUTPUT_H_
