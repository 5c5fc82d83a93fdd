// Which part of a file answers a request: all, a range, or, for a client that
// has it already, nothing (RFC 9110, sections 13 and 14).
#ifndef EDDY_EXAMPLES_FILE_SERVER_SELECTION_H_
#define EDDY_EXAMPLES_FILE_SERVER_SELECTION_H_

#include <cstdint>

#include "examples/file_server/file_cache.h"
#include "examples/file_server/request.h"
#include "examples/file_server/status.h"

namespace file_server {

// kOk, kPartialContent, kNotModified or kRangeNotSatisfiable, and for the first
// two the bytes to send.
struct Selection {
  Status status = Status::kOk;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};

// Several ranges, and what is no range of bytes, select the whole file.
Selection Select(const Request& request, const OpenFile& file);

}  // namespace file_server

#endif  // EDDY_EXAMPLES_FILE_SERVER_SELECTION_H_
