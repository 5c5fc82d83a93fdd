// The streams of <stdio.h>. What they call is inside libc, where nothing can
// take its place; so their own functions are watched. One that only moves bytes
// in its buffer has not blocked, which is known when it has been made.

#include <eddy/runtime/blocking_guard/real_function.h>
#include <eddy/runtime/blocking_guard/watch.h>

#include <stdio.h>
#include <stdio_ext.h>

#include <cstdarg>
#include <cstddef>
#include <cstring>
#include <cwchar>

namespace eddy::internal::guard {
namespace {

constexpr char kOpen[] = "co_await fs::File::Open";
constexpr char kRead[] = "co_await fs::ReadFile, fs::Reader, io::Read";
constexpr char kWrite[] = "co_await fs::WriteFile, fs::Writer, io::Write";

// A stream of memory has none.
int DescriptorOf(FILE* file) noexcept {
  const KeepErrno keep_errno;
  return file == nullptr ? -1 : fileno_unlocked(file);
}

class ReadWatch {
 public:
  ReadWatch(const char* name, FILE* file) noexcept
      : watch_(name, kRead, Argument::Read(DescriptorOf(file)),
               Watch::KnownLater()),
        file_(file) {
    if (file == nullptr) return;
    next_ = file->_IO_read_ptr;
    end_ = file->_IO_read_end;
  }
  // `taken`: how many bytes the call has given, as far as that is known.
  ~ReadWatch() {
    if (file_ == nullptr) return;
    const auto there = static_cast<std::size_t>(end_ - next_);
    const bool of_buffer = file_->_IO_read_end == end_ &&
                           file_->_IO_read_ptr >= next_ && there != 0 &&
                           taken_ <= there;
    if (of_buffer) watch_.Discard();
  }
  void Took(std::size_t bytes) noexcept { taken_ = bytes; }

 private:
  Watch watch_;
  FILE* const file_;
  const char* next_ = nullptr;
  const char* end_ = nullptr;
  std::size_t taken_ = 0;
};

class WriteWatch {
 public:
  WriteWatch(const char* name, FILE* file) noexcept
      : watch_(name, kWrite, Argument::Write(DescriptorOf(file)),
               Watch::KnownLater()),
        file_(file),
        pending_(Pending(file)) {}
  ~WriteWatch() {
    // Not looked at when it is closed.
    const std::size_t now = closed_ ? 0 : Pending(file_);
    if (now >= pending_ + given_) watch_.Discard();
  }
  void Gave(std::size_t bytes) noexcept { given_ = bytes; }
  template <class Count>
  void GaveIfCount(Count bytes) noexcept {
    if (bytes > 0) given_ = static_cast<std::size_t>(bytes);
  }
  void Closed() noexcept { closed_ = true; }

 private:
  static std::size_t Pending(FILE* file) noexcept {
    return file == nullptr ? 0 : __fpending(file);
  }

  Watch watch_;
  FILE* const file_;
  const std::size_t pending_;
  std::size_t given_ = 0;
  bool closed_ = false;
};

}  // namespace

// clang-format off
EDDY_GUARD(FILE*, fopen, (const char* path, const char* mode), (path, mode), Path(path), kOpen)
EDDY_GUARD(FILE*, fopen64, (const char* path, const char* mode), (path, mode), Path(path), kOpen)
EDDY_GUARD(FILE*, freopen, (const char* path, const char* mode, FILE* file), (path, mode, file), Path(path), kOpen)
EDDY_GUARD(FILE*, freopen64, (const char* path, const char* mode, FILE* file), (path, mode, file), Path(path), kOpen)
EDDY_GUARD(FILE*, tmpfile, (), (), None(), kOpen)
EDDY_GUARD(FILE*, tmpfile64, (), (), None(), kOpen)

// `result` is what the real one returns.
#define EDDY_GUARD_READ(type, name, parameters, arguments, file, taken) \
  EDDY_INTERPOSE(type, name, parameters) {                              \
    if (!Watching()) [[likely]] {                                       \
      return REAL(name) arguments;                                      \
    }                                                                   \
    ReadWatch watch(#name, file);                                       \
    type const result = REAL(name) arguments;                           \
    watch.Took(taken);                                                  \
    return result;                                                      \
  }
EDDY_GUARD_READ(std::size_t, fread, (void* data, std::size_t size, std::size_t n, FILE* file), (data, size, n, file), file, result * size)
EDDY_GUARD_READ(std::size_t, fread_unlocked, (void* data, std::size_t size, std::size_t n, FILE* file), (data, size, n, file), file, result * size)
EDDY_GUARD_READ(std::size_t, __fread_chk, (void* data, std::size_t room, std::size_t size, std::size_t n, FILE* file), (data, room, size, n, file), file, result * size)
EDDY_GUARD_READ(std::size_t, __fread_unlocked_chk, (void* data, std::size_t room, std::size_t size, std::size_t n, FILE* file), (data, room, size, n, file), file, result * size)
EDDY_GUARD_READ(char*, fgets, (char* data, int size, FILE* file), (data, size, file), file, 0)
EDDY_GUARD_READ(char*, __fgets_chk, (char* data, std::size_t room, int size, FILE* file), (data, room, size, file), file, 0)
EDDY_GUARD_READ(char*, fgets_unlocked, (char* data, int size, FILE* file), (data, size, file), file, 0)
EDDY_GUARD_READ(int, fgetc, (FILE* file), (file), file, 1)
EDDY_GUARD_READ(int, getc, (FILE* file), (file), file, 1)
EDDY_GUARD_READ(int, getchar, (), (), stdin, 1)
// Where the inline forms of getc find their buffer empty.
EDDY_GUARD_READ(int, __uflow, (FILE* file), (file), file, 1)
EDDY_GUARD_READ(ssize_t, getline, (char** line, std::size_t* size, FILE* file), (line, size, file), file, result > 0 ? static_cast<std::size_t>(result) : 0)
EDDY_GUARD_READ(ssize_t, getdelim, (char** line, std::size_t* size, int end, FILE* file), (line, size, end, file), file, result > 0 ? static_cast<std::size_t>(result) : 0)
EDDY_GUARD_READ(ssize_t, __getdelim, (char** line, std::size_t* size, int end, FILE* file), (line, size, end, file), file, result > 0 ? static_cast<std::size_t>(result) : 0)
EDDY_GUARD_READ(int, vfscanf, (FILE* file, const char* format, va_list list), (file, format, list), file, 0)
EDDY_GUARD_READ(int, __isoc99_vfscanf, (FILE* file, const char* format, va_list list), (file, format, list), file, 0)

#define EDDY_GUARD_WRITE(type, name, parameters, arguments, file, given) \
  EDDY_INTERPOSE(type, name, parameters) {                               \
    if (!Watching()) [[likely]] {                                        \
      return REAL(name) arguments;                                       \
    }                                                                    \
    WriteWatch watch(#name, file);                                       \
    type const result = REAL(name) arguments;                            \
    watch.GaveIfCount(given);                                            \
    return result;                                                       \
  }
EDDY_GUARD_WRITE(std::size_t, fwrite, (const void* data, std::size_t size, std::size_t n, FILE* file), (data, size, n, file), file, result * size)
EDDY_GUARD_WRITE(std::size_t, fwrite_unlocked, (const void* data, std::size_t size, std::size_t n, FILE* file), (data, size, n, file), file, result * size)
EDDY_GUARD_WRITE(int, fputs, (const char* text, FILE* file), (text, file), file, std::strlen(text))
EDDY_GUARD_WRITE(int, fputs_unlocked, (const char* text, FILE* file), (text, file), file, std::strlen(text))
EDDY_GUARD_WRITE(int, puts, (const char* text), (text), stdout, std::strlen(text) + 1)
EDDY_GUARD_WRITE(int, fputc, (int c, FILE* file), (c, file), file, 1)
EDDY_GUARD_WRITE(int, putc, (int c, FILE* file), (c, file), file, 1)
EDDY_GUARD_WRITE(int, putchar, (int c), (c), stdout, 1)
EDDY_GUARD_WRITE(int, __overflow, (FILE* file, int c), (file, c), file, 1)
EDDY_GUARD_WRITE(int, vfprintf, (FILE* file, const char* format, va_list list), (file, format, list), file, result)
EDDY_GUARD_WRITE(int, __vfprintf_chk, (FILE* file, int flag, const char* format, va_list list), (file, flag, format, list), file, result)
EDDY_GUARD_WRITE(int, vprintf, (const char* format, va_list list), (format, list), stdout, result)
EDDY_GUARD_WRITE(int, __vprintf_chk, (int flag, const char* format, va_list list), (flag, format, list), stdout, result)
// clang-format on

// Those with a variable number of arguments go on as their v twins.
#define EDDY_GUARD_PRINTF(name, twin, parameters, file, arguments) \
  EDDY_INTERPOSE(int, name, parameters) {                          \
    va_list list;                                                  \
    va_start(list, format);                                        \
    int result = 0;                                                \
    if (!Watching()) [[likely]] {                                  \
      result = REAL(twin) arguments;                               \
    } else {                                                       \
      WriteWatch watch(#name, file);                               \
      result = REAL(twin) arguments;                               \
      watch.GaveIfCount(result);                                   \
    }                                                              \
    va_end(list);                                                  \
    return result;                                                 \
  }
#define EDDY_GUARD_SCANF(name, twin, parameters, file, arguments) \
  EDDY_INTERPOSE(int, name, parameters) {                         \
    va_list list;                                                 \
    va_start(list, format);                                       \
    int result = 0;                                               \
    if (!Watching()) [[likely]] {                                 \
      result = REAL(twin) arguments;                              \
    } else {                                                      \
      const ReadWatch watch(#name, file);                         \
      result = REAL(twin) arguments;                              \
    }                                                             \
    va_end(list);                                                 \
    return result;                                                \
  }
// clang-format off
EDDY_GUARD_PRINTF(fprintf, vfprintf, (FILE* file, const char* format, ...), file, (file, format, list))
EDDY_GUARD_PRINTF(printf, vprintf, (const char* format, ...), stdout, (format, list))
EDDY_GUARD_PRINTF(__fprintf_chk, __vfprintf_chk, (FILE* file, int flag, const char* format, ...), file, (file, flag, format, list))
EDDY_GUARD_PRINTF(__printf_chk, __vprintf_chk, (int flag, const char* format, ...), stdout, (flag, format, list))
EDDY_GUARD_SCANF(fscanf, vfscanf, (FILE* file, const char* format, ...), file, (file, format, list))
EDDY_GUARD_SCANF(__isoc99_fscanf, __isoc99_vfscanf, (FILE* file, const char* format, ...), file, (file, format, list))
EDDY_GUARD_SCANF(scanf, vfscanf, (const char* format, ...), stdin, (stdin, format, list))
EDDY_GUARD_SCANF(__isoc99_scanf, __isoc99_vfscanf, (const char* format, ...), stdin, (stdin, format, list))
// clang-format on

EDDY_INTERPOSE(int, fflush, (FILE * file)) {
  if (!Watching()) [[likely]] {
    return REAL(fflush)(file);
  }
  // Null: all of them; which ones is not known.
  WriteWatch watch("fflush", file);
  return REAL(fflush)(file);
}

EDDY_INTERPOSE(int, fclose, (FILE * file)) {
  if (!Watching()) [[likely]] {
    return REAL(fclose)(file);
  }
  WriteWatch watch("fclose", file);
  watch.Closed();
  return REAL(fclose)(file);
}

}  // namespace eddy::internal::guard
