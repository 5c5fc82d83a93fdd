// Command: a program, its arguments, and all that it starts with.
//
//   io::Command command("sort", "-n");
//   command.folder = "/var/log";
//   command.environment["LC_ALL"] = "C";
//   command.output = io::Stdio::Pipe();
//   EDDY_CO_TRY(io::Process sort, co_await io::Process::Start(command));
//
// No shell looks at the words: what is in them needs no quotes. A text for a
// shell is Command::Shell("ls *.txt | wc -l"); never put there what others may
// have written.
//
// A child also gets: no signal blocked, and SIGPIPE with its default action,
// whatever this process does with them (other signals that this process ignores
// stay ignored, as nohup(1) needs it); no descriptor but its standard streams.
#ifndef EDDY_IO_COMMAND_H_
#define EDDY_IO_COMMAND_H_

#include <eddy/io/stdio.h>

#include <concepts>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace eddy::io {

// Whom a signal from a terminal reaches, and Process::KillGroup.
enum class ProcessGroup {
  kOurs,        // that of this process
  kNew,         // one of its own
  kNewSession,  // also a session of its own, without terminal
};

struct Command {
  // Strings, or what makes one.
  template <class... Words>
  requires(sizeof...(Words) != 0 &&
           (std::constructible_from<std::string, Words> &&
            ...)) explicit Command(Words&&... arguments) {
    words.reserve(sizeof...(Words));
    (words.emplace_back(std::forward<Words>(arguments)), ...);
  }
  explicit Command(std::vector<std::string> arguments)
      : words(std::move(arguments)) {}

  static Command Shell(std::string text) {
    return Command("/bin/sh", "-c", std::move(text));
  }

  // The program, and its arguments. Without a slash in it, the program is
  // looked for in the PATH of this process.
  std::vector<std::string> words;

  Stdio input;
  Stdio output;
  Stdio errors;

  // Where it starts; empty: where this process is. A program's path with a
  // slash is looked for from there.
  std::string folder;

  // What differs from the environment of this process: new values; nullopt for
  // what it does not get. Not inherited, it is all that it gets.
  std::map<std::string, std::optional<std::string>> environment;
  bool inherit_environment = true;

  ProcessGroup group = ProcessGroup::kOurs;
};

}  // namespace eddy::io

#endif  // EDDY_IO_COMMAND_H_
