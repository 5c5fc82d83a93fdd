// Stdio: what one of a child's standard streams is.
//
//   command.input = io::Stdio::ReadFrom("list.txt");
//   command.output = io::Stdio::Pipe();         // process.output() reads it
//   command.errors = io::Stdio::Output();       // 2>&1
#ifndef EDDY_IO_STDIO_H_
#define EDDY_IO_STDIO_H_

#include <eddy/io/fd.h>

#include <string>
#include <utility>

namespace eddy::io {

class Stdio {
 public:
  enum class Kind {
    kUnset,
    kInherit,
    kPipe,
    kFd,
    kRead,
    kWrite,
    kAppend,
    kOutput
  };

  // Not said: Process::Start takes it for Inherit; RunProcess says what it does
  // with it.
  Stdio() noexcept = default;

  // The stream of this process.
  static Stdio Inherit() { return Stdio(Kind::kInherit); }
  // A pipe, whose other end Process has.
  static Stdio Pipe() { return Stdio(Kind::kPipe); }
  // A descriptor, which lives until Process::Start has returned. The child
  // shares its position and its flags: one with O_NONBLOCK confuses most
  // programs.
  static Stdio Use(const Fd& fd) {
    Stdio stdio(Kind::kFd);
    stdio.fd_ = &fd;
    return stdio;
  }
  // It would have gone by then.
  static Stdio Use(const Fd&&) = delete;
  // A file, by its path as this process sees it. WriteTo makes it or empties
  // it, AppendTo makes it or writes at its end; the mode is 0666 but for the
  // umask.
  static Stdio ReadFrom(std::string path) {
    return Stdio(Kind::kRead, std::move(path));
  }
  static Stdio WriteTo(std::string path) {
    return Stdio(Kind::kWrite, std::move(path));
  }
  static Stdio AppendTo(std::string path) {
    return Stdio(Kind::kAppend, std::move(path));
  }
  // No input, and where output goes that nobody wants: /dev/null.
  static Stdio NoInput() { return ReadFrom("/dev/null"); }
  static Stdio Discard() { return AppendTo("/dev/null"); }
  // Of `errors` alone: what `output` is.
  static Stdio Output() { return Stdio(Kind::kOutput); }

  Kind kind() const noexcept { return kind_; }
  const Fd* fd() const noexcept { return fd_; }
  const std::string& path() const noexcept { return path_; }

 private:
  explicit Stdio(Kind kind, std::string path = {})
      : kind_(kind), path_(std::move(path)) {}

  Kind kind_ = Kind::kUnset;
  const Fd* fd_ = nullptr;
  std::string path_;
};

}  // namespace eddy::io

#endif  // EDDY_IO_STDIO_H_
