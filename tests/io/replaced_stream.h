// Replaced: a standard stream of this process that is something else for a
// while.
#ifndef EDDY_TESTS_IO_REPLACED_STREAM_H_
#define EDDY_TESTS_IO_REPLACED_STREAM_H_

#include "tests/io/io_test_util.h"

#include <fcntl.h>
#include <unistd.h>

namespace eddy::io_test {

class Replaced {
 public:
  // `by` is another descriptor, or -1: it is closed.
  Replaced(int stream, int by)
      : stream_(stream),
        before_(IO_TEST_CHECK(fcntl(stream, F_DUPFD_CLOEXEC, 3))) {
    if (by >= 0) {
      IO_TEST_CHECK(dup2(by, stream));
    } else {
      close(stream);
    }
  }
  ~Replaced() {
    dup2(before_, stream_);
    close(before_);
  }
  Replaced(const Replaced&) = delete;
  Replaced& operator=(const Replaced&) = delete;

 private:
  int stream_;
  int before_;
};

}  // namespace eddy::io_test

#endif  // EDDY_TESTS_IO_REPLACED_STREAM_H_
