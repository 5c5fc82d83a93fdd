// Program: starts one of the examples and watches it as a user would: what it
// prints, how it ends, and what the kernel tells of it.
#ifndef EDDY_TESTS_EXAMPLES_PROGRAM_H_
#define EDDY_TESTS_EXAMPLES_PROGRAM_H_

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace eddy::testing_examples {

class Program {
 public:
  // Starts a program, found as by a shell. Its input is empty, and its standard
  // error is kept for errors().
  explicit Program(const std::vector<std::string>& words);
  // Kills it if it still runs.
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  // The path of an example that was built.
  static std::string Example(const std::string& name);

  pid_t pid() const { return pid_; }

  // The next line of its standard output; all there is at the end of it.
  std::string ReadLine();
  // Both to their end.
  std::string ReadOutput();
  std::string ReadErrors();

  void Signal(int number) const;

  // Waits for its end, for a minute at most. The exit code; 128 and the
  // number for a signal.
  int Wait();

  // Open descriptors; a line of /proc/PID/status in KiB.
  std::size_t CountDescriptors() const;
  std::size_t StatusKib(const std::string& name) const;

 private:
  pid_t pid_ = -1;
  int output_ = -1;
  int errors_ = -1;
};

// The line "listening on ..." of a server, as host and port of an URL:
// "127.0.0.1:43210". Empty if that is not what it prints.
std::string ListeningOn(Program& server);

// Runs a shell command; its exit code and standard output.
std::pair<int, std::string> Shell(const std::string& command);

// Whether this test, and so the programs too, run under a sanitizer.
bool UnderSanitizer();

}  // namespace eddy::testing_examples

#endif  // EDDY_TESTS_EXAMPLES_PROGRAM_H_
