#include "examples/file_server/options.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/reflection.h"
#include "absl/time/time.h"

ABSL_FLAG(std::string, root, ".",
          "the folder to serve; nothing outside of it is");
ABSL_FLAG(std::string, listen, "127.0.0.1:8080",
          "address to listen on: 127.0.0.1:8080, [::1]:8080 or unix:/path; "
          "port 0 takes a free one");
ABSL_FLAG(std::uint32_t, max_connections, 10000,
          "clients that are served at once; others wait in the kernel's queue "
          "until one has gone");
ABSL_FLAG(absl::Duration, idle_timeout, absl::Seconds(60),
          "how long a client may leave a connection unused, or take nothing of "
          "what it is sent");
ABSL_FLAG(absl::Duration, header_timeout, absl::Seconds(10),
          "how long a request's head may take from its first byte to its last");
ABSL_FLAG(absl::Duration, drain_timeout, absl::Seconds(10),
          "how long running responses may go on after SIGTERM or SIGINT");
ABSL_FLAG(absl::Duration, cache_validity, absl::Seconds(1),
          "how long a file that was opened is served without another look at "
          "the disk: a file that is replaced, removed or grows shows that late "
          "(0s: at once, at the price of opening it for every request)");

namespace file_server {
namespace {

constexpr std::string_view kFlags[] = {
    "root",           "listen",        "max_connections", "idle_timeout",
    "header_timeout", "drain_timeout", "cache_validity"};

[[noreturn]] void Refuse(const std::string& why) {
  std::fprintf(stderr, "file_server: %s; --help tells more\n", why.c_str());
  std::exit(2);
}

std::string WithHyphens(std::string name) {
  std::replace(name.begin(), name.end(), '_', '-');
  return name;
}

[[noreturn]] void PrintHelp() {
  std::printf(
      "Serves the files of a folder over HTTP/1.1.\n\n"
      "  file_server --root DIR --listen 127.0.0.1:8080\n\n");
  for (const std::string_view name : kFlags) {
    const absl::CommandLineFlag* flag =
        absl::FindCommandLineFlag({name.data(), name.size()});
    std::printf("  --%s (default %s)\n      %s\n",
                WithHyphens(std::string(name)).c_str(),
                flag->DefaultValue().c_str(), flag->Help().c_str());
  }
  std::exit(0);
}

std::chrono::nanoseconds Positive(const absl::Flag<absl::Duration>& flag,
                                  const char* name) {
  const absl::Duration value = absl::GetFlag(flag);
  if (value <= absl::ZeroDuration()) {
    Refuse(std::string("--") + name + " has to be more than nothing");
  }
  return absl::ToChronoNanoseconds(value);
}

}  // namespace

Options ParseOptions(int argc, char** argv) {
  // Both --drain-timeout and --drain_timeout: Abseil knows the second.
  std::vector<std::string> words(argv, argv + argc);
  for (std::size_t i = 1; i < words.size() && words[i] != "--"; ++i) {
    std::string& word = words[i];
    if (word == "--help" || word == "-h") PrintHelp();
    if (!word.starts_with("--")) continue;
    const auto end = word.begin() + static_cast<std::ptrdiff_t>(
                                        std::min(word.find('='), word.size()));
    std::replace(word.begin() + 2, end, '-', '_');
  }
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  const std::vector<char*> others =
      absl::ParseCommandLine(static_cast<int>(words.size()), arguments.data());
  if (others.size() > 1) {
    Refuse(std::string("what is '") + others[1] +
           "'? A folder is named with --root");
  }

  Options options;
  options.root = absl::GetFlag(FLAGS_root);
  options.listen = absl::GetFlag(FLAGS_listen);
  options.max_connections = absl::GetFlag(FLAGS_max_connections);
  if (options.max_connections == 0) {
    Refuse("--max-connections has to be at least 1");
  }
  options.idle_timeout = Positive(FLAGS_idle_timeout, "idle-timeout");
  options.header_timeout = Positive(FLAGS_header_timeout, "header-timeout");
  options.drain_timeout =
      absl::ToChronoNanoseconds(absl::GetFlag(FLAGS_drain_timeout));
  options.cache_validity =
      absl::ToChronoNanoseconds(absl::GetFlag(FLAGS_cache_validity));
  return options;
}

}  // namespace file_server
