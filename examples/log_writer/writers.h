// The load: tasks that append records, each waiting for one before the next.
#ifndef EDDY_EXAMPLES_LOG_WRITER_WRITERS_H_
#define EDDY_EXAMPLES_LOG_WRITER_WRITERS_H_

#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>

#include "examples/log_writer/log.h"

namespace log_writer {

struct Load {
  unsigned writers = 64;
  std::uint64_t records = 100;  // of each writer
  std::size_t size = 100;       // bytes of a record, at least
  std::string_view run;         // what the records of this run begin with
  // Called for each record that is durable.
  std::function<void(std::string_view record)> acknowledged;
};

// Appends "RUN WRITER NUMBER ......" for each writer and number. Runs the log
// meanwhile. Errors: the first one of the log; kCanceled.
eddy::Task<eddy::Result<void>> Write(Log& log, const Load& load);

}  // namespace log_writer

#endif  // EDDY_EXAMPLES_LOG_WRITER_WRITERS_H_
