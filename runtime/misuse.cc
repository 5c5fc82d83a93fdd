#include <eddy/runtime/misuse.h>

#include <cstdarg>
#include <cstdio>
#include <cstdlib>

namespace eddy::internal {

void Misuse(const char* format, ...) noexcept {
  std::fputs("eddy: ", stderr);
  va_list arguments;
  va_start(arguments, format);
  std::vfprintf(stderr, format, arguments);
  va_end(arguments);
  std::fputc('\n', stderr);
  std::abort();
}

}  // namespace eddy::internal
