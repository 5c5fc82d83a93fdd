// Pty: a terminal for tests, and the end from which a user would type.
#ifndef EDDY_TESTS_IO_PTY_H_
#define EDDY_TESTS_IO_PTY_H_

#include "tests/io/io_test_util.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <termios.h>

#include <cstddef>
#include <string_view>

namespace eddy::io_test {

struct Pty {
  io::Fd user;
  io::Fd terminal;

  Pty() {
    user = io::Fd(IO_TEST_CHECK(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)));
    IO_TEST_CHECK(grantpt(user.get()));
    IO_TEST_CHECK(unlockpt(user.get()));
    char name[64];
    IO_TEST_CHECK(-ptsname_r(user.get(), name, sizeof name));
    terminal = io::Fd(IO_TEST_CHECK(open(name, O_RDWR | O_NOCTTY | O_CLOEXEC)));
  }

  termios Mode() const {
    termios mode{};
    IO_TEST_CHECK(tcgetattr(terminal.get(), &mode));
    return mode;
  }
  void MakeRaw() const {
    termios mode = Mode();
    cfmakeraw(&mode);
    IO_TEST_CHECK(tcsetattr(terminal.get(), TCSANOW, &mode));
  }

  // Types; returns when it has come to the terminal, which nobody reads yet, or
  // where `waits` is false, at once.
  void Type(std::string_view text, bool waits = true) const {
    Put(user, text);
    pollfd ready{terminal.get(), POLLIN, 0};
    if (waits) IO_TEST_CHECK(poll(&ready, 1, -1));
  }
};

}  // namespace eddy::io_test

#endif  // EDDY_TESTS_IO_PTY_H_
