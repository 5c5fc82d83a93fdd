// What the twins of the files benchmark share beside the ring.

#ifndef EDDY_BENCH_FILES_TWIN_FILE_H_
#define EDDY_BENCH_FILES_TWIN_FILE_H_

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>

#include "bench/lib/die.h"

namespace eddy::bench {

inline int OpenOrDie(const char* path, int flags) {
  const int fd = ::open(path, flags | O_CLOEXEC, 0600);
  if (fd < 0) Die(path);
  return fd;
}

inline std::uint64_t BytesOf(int fd) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) Die("fstat");
  return static_cast<std::uint64_t>(status.st_size);
}

// Ends the program unless a transfer, or another call, gave just this.
inline void Expect(std::int64_t wanted, std::int64_t result, const char* what) {
  if (result == wanted) return;
  errno = result < 0 ? static_cast<int>(-result) : EIO;
  Die(what);
}

}  // namespace eddy::bench

#endif  // EDDY_BENCH_FILES_TWIN_FILE_H_
