// Fetch: one URL, within limits of time and size.
#ifndef EDDY_EXAMPLES_HTTP_GET_FETCH_H_
#define EDDY_EXAMPLES_HTTP_GET_FETCH_H_

#include <eddy/runtime/error.h>
#include <eddy/runtime/task.h>
#include <eddy/runtime/time.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "examples/http_get/url.h"

namespace http_get {

struct Limits {
  // For the connection, for the request, for the response's head, and for each
  // part of its body.
  eddy::Duration phase = std::chrono::seconds(10);
  // For all of it: the bound on a server that sends a byte now and then.
  eddy::Duration total = std::chrono::minutes(5);
  std::size_t head = 64 * 1024;
  std::uint64_t body = std::uint64_t{1} << 30;
};

// What became of it, and how far it came where it failed.
struct Outcome {
  std::optional<eddy::Error> error;
  const char* phase = "";
  int status = 0;
  std::uint64_t size = 0;
  eddy::Duration time = {};

  bool good() const { return !error && status < 400; }
};

eddy::Task<Outcome> Fetch(Url url, Limits limits);

}  // namespace http_get

#endif  // EDDY_EXAMPLES_HTTP_GET_FETCH_H_
