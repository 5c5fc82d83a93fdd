// What all connections of the server share. One thread uses it: no locks.
#ifndef EDDY_EXAMPLES_FILE_SERVER_SITE_H_
#define EDDY_EXAMPLES_FILE_SERVER_SITE_H_

#include <eddy/fs/directory.h>
#include <eddy/runtime/stop.h>

#include <cstddef>
#include <utility>

#include "examples/file_server/buffer_pool.h"
#include "examples/file_server/file_cache.h"
#include "examples/file_server/http_date.h"
#include "examples/file_server/options.h"

namespace file_server {

struct Site {
  // A request's head is at most one of the first; a response takes one of the
  // second, and while it streams a file two.
  static constexpr std::size_t kRequestBuffer = 16 * 1024;
  static constexpr std::size_t kResponseBuffer = 32 * 1024;
  static constexpr std::size_t kOpenFiles = 256;

  Site(const Options& options_in, eddy::fs::Directory root,
       eddy::StopToken draining_in)
      : options(options_in),
        draining(std::move(draining_in)),
        files(std::move(root), kOpenFiles, options.cache_validity) {}

  const Options options;
  // Stopped when the server is to end: no further requests.
  const eddy::StopToken draining;
  FileCache files;
  BufferPool request_buffers{kRequestBuffer, 256};
  BufferPool response_buffers{kResponseBuffer, 64};
  DateClock clock;
};

}  // namespace file_server

#endif  // EDDY_EXAMPLES_FILE_SERVER_SITE_H_
