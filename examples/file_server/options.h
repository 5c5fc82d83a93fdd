// What the server can be told on its command line.
#ifndef EDDY_EXAMPLES_FILE_SERVER_OPTIONS_H_
#define EDDY_EXAMPLES_FILE_SERVER_OPTIONS_H_

#include <chrono>
#include <cstddef>
#include <string>

namespace file_server {

struct Options {
  std::string root;
  std::string listen;
  std::size_t max_connections;
  std::chrono::nanoseconds idle_timeout;
  std::chrono::nanoseconds header_timeout;
  std::chrono::nanoseconds drain_timeout;
  std::chrono::nanoseconds cache_validity;
};

// Reads the command line. For --help it prints what there is and exits with 0;
// for what it does not understand it says so and exits with 2.
Options ParseOptions(int argc, char** argv);

}  // namespace file_server

#endif  // EDDY_EXAMPLES_FILE_SERVER_OPTIONS_H_
