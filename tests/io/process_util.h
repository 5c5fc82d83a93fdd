// What the tests of processes share.
#ifndef EDDY_TESTS_IO_PROCESS_UTIL_H_
#define EDDY_TESTS_IO_PROCESS_UTIL_H_

#include "tests/io/io_test_util.h"

#include <eddy/io/command.h>
#include <eddy/io/pipe.h>
#include <eddy/io/process.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>

#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <span>
#include <string>
#include <utility>

namespace eddy::io_test {

// Whether this process has a child, running or a zombie.
inline bool HasChildren() {
  siginfo_t info{};
  return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 ||
         errno != ECHILD;
}

// For SweepOptions::check.
inline std::string NoChildren() {
  return HasChildren() ? "a child is left" : "";
}

// All up to the end.
inline Task<Result<std::string>> ReadAll(io::PipeReader& from) {
  std::string all;
  std::vector<std::byte> part(16 * 1024);
  while (true) {
    EDDY_CO_TRY(const std::size_t n, co_await from.Read(part));
    if (n == 0) co_return all;
    all += Text(std::span(part).first(n));
  }
}

// Runs it to its end.
inline Task<Result<io::ExitStatus>> StatusOf(io::Command command) {
  EDDY_CO_TRY(io::Process process,
              co_await io::Process::Start(std::move(command)));
  co_return co_await process.Wait();
}

// What it prints, with "(exit code 1)" or the like where it fails.
inline Task<Result<std::string>> OutputOf(io::Command command) {
  command.output = io::Stdio::Pipe();
  EDDY_CO_TRY(io::Process process,
              co_await io::Process::Start(std::move(command)));
  EDDY_CO_TRY(std::string text, co_await ReadAll(process.output()));
  EDDY_CO_TRY(const io::ExitStatus status, co_await process.Wait());
  if (!status.success()) text += "(" + status.ToString() + ")";
  co_return text;
}

}  // namespace eddy::io_test

#endif  // EDDY_TESTS_IO_PROCESS_UTIL_H_
