// The folder that a benchmark of files works in.

#ifndef EDDY_BENCH_LIB_SCRATCH_H_
#define EDDY_BENCH_LIB_SCRATCH_H_

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "bench/lib/machine.h"

namespace eddy::bench {

// A folder of its own in `parent`. It goes when the object goes.
class Scratch {
 public:
  explicit Scratch(const std::string& parent);
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  std::string Path(const std::string& name) const {
    return (folder_ / name).string();
  }

  // Ok if there is room for so many bytes, and some to spare.
  absl::Status CheckRoom(std::uint64_t bytes) const;

  // A file of random bytes; its path.
  absl::StatusOr<std::string> MakeFile(const std::string& name,
                                       std::uint64_t bytes) const;

  // A tree of `folders` folders, nested, each with files of so many bytes; its
  // path.
  static constexpr std::size_t kFilesPerFolder = 50;
  absl::StatusOr<std::string> MakeTree(const std::string& name,
                                       std::size_t folders,
                                       std::size_t bytes = 100) const;

  // An empty folder, whatever it was before; its path.
  std::string Renew(const std::string& name) const;

  void Remove(const std::string& name) const;

  // Where it is: the path, the file system and the device.
  Facts Describe() const;

 private:
  std::filesystem::path folder_;
};

// Puts the whole file into the page cache, or takes it out.
void Warm(const std::string& path);
void Chill(const std::string& path);

}  // namespace eddy::bench

#endif  // EDDY_BENCH_LIB_SCRATCH_H_
