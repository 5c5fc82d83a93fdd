#include "tests/examples/program.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

namespace eddy::testing_examples {
namespace {

using namespace std::chrono_literals;

// Only what hangs takes this long.
constexpr auto kPatience = 60s;

std::string ReadUntil(int fd, char last) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  std::string text;
  while (true) {
    pollfd ready{fd, POLLIN, 0};
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    if (left < 0ms || poll(&ready, 1, static_cast<int>(left.count())) != 1) {
      ADD_FAILURE() << "the program says nothing more after: " << text;
      return text;
    }
    char c = 0;
    if (read(fd, &c, 1) != 1) return text;
    if (last != '\0' && c == last) return text;
    text += c;
  }
}

// The environment of the programs: this one's, and what is preloaded into them
// where EDDY_PRELOAD_INTO_EXAMPLES says so (tests/CMakeLists.txt).
std::vector<std::string> Environment() {
  std::vector<std::string> all;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    all.emplace_back(*variable);
  }
  const char* library = std::getenv("EDDY_PRELOAD_INTO_EXAMPLES");
  if (library != nullptr) all.push_back(std::string("LD_PRELOAD=") + library);
  return all;
}

std::vector<char*> Pointers(std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (std::string& string : strings) pointers.push_back(string.data());
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

Program::Program(const std::vector<std::string>& words) {
  std::array<int, 2> output;
  std::array<int, 2> errors;
  if (pipe2(output.data(), O_CLOEXEC) != 0 ||
      pipe2(errors.data(), O_CLOEXEC) != 0) {
    std::perror("pipe2");
    std::abort();
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output[1], 1);
  posix_spawn_file_actions_adddup2(&actions, errors[1], 2);
  // Whoever runs the tests in the background may ignore these, and a program
  // inherits that.
  sigset_t terminal;
  sigemptyset(&terminal);
  for (const int signal : {SIGHUP, SIGINT, SIGQUIT}) {
    sigaddset(&terminal, signal);
  }
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setsigdefault(&attributes, &terminal);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
  std::vector<std::string> copy = words;
  std::vector<std::string> environment = Environment();
  if (posix_spawnp(&pid_, words[0].c_str(), &actions, &attributes,
                   Pointers(copy).data(), Pointers(environment).data()) != 0) {
    ADD_FAILURE() << "cannot start " << words[0];
    pid_ = -1;
  }
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  close(output[1]);
  close(errors[1]);
  output_ = output[0];
  errors_ = errors[0];
}

Program::~Program() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  close(output_);
  close(errors_);
}

std::string Program::Example(const std::string& name) {
  return std::string(EDDY_EXAMPLES_DIR) + "/" + name;
}

std::string Program::ReadLine() { return ReadUntil(output_, '\n'); }
std::string Program::ReadOutput() { return ReadUntil(output_, '\0'); }
std::string Program::ReadErrors() { return ReadUntil(errors_, '\0'); }

void Program::Signal(int number) const {
  if (pid_ > 0) kill(pid_, number);
}

int Program::Wait() {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  int status = 0;
  while (pid_ > 0 && waitpid(pid_, &status, WNOHANG) == 0) {
    if (std::chrono::steady_clock::now() > deadline) {
      ADD_FAILURE() << "the program does not end";
      return -1;
    }
    std::this_thread::sleep_for(2ms);
  }
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::size_t Program::CountDescriptors() const {
  const std::filesystem::directory_iterator all("/proc/" +
                                                std::to_string(pid_) + "/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

std::size_t Program::StatusKib(const std::string& name) const {
  std::ifstream status("/proc/" + std::to_string(pid_) + "/status");
  std::string line;
  while (std::getline(status, line)) {
    if (line.rfind(name + ":", 0) == 0) {
      return std::stoul(line.substr(name.size() + 1));
    }
  }
  ADD_FAILURE() << "no line " << name;
  return 0;
}

std::string ListeningOn(Program& server) {
  std::string line = server.ReadLine();
  for (const std::string prefix : {"listening on http://", "listening on "}) {
    if (line.rfind(prefix, 0) != 0) continue;
    line.erase(0, prefix.size());
    if (line.back() == '/') line.pop_back();
    return line;
  }
  ADD_FAILURE() << "the server says '" << line << "' and "
                << server.ReadErrors();
  return "";
}

std::pair<int, std::string> Shell(const std::string& command) {
  // A pipeline fails when any of its parts does.
  Program shell({"bash", "-o", "pipefail", "-c", command});
  const std::string output = shell.ReadOutput();
  return {shell.Wait(), output};
}

bool UnderSanitizer() {
#if defined(__has_feature)
  return __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
  return false;
#endif
}

}  // namespace eddy::testing_examples
