// Blocking calls and std::filesystem: nothing here is measured.

#include "bench/lib/scratch.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <fstream>
#include <random>
#include <system_error>
#include <vector>

#include "absl/strings/str_cat.h"

namespace eddy::bench {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kFoldersPerFolder = 10;
constexpr std::size_t kChunk = std::size_t{1} << 20;

absl::Status MakeFolder(const fs::path& folder, const std::string& text) {
  std::error_code error;
  fs::create_directory(folder, error);
  if (error) return absl::ErrnoToStatus(error.value(), folder.string());
  for (std::size_t i = 0; i < Scratch::kFilesPerFolder; ++i) {
    const fs::path path = folder / absl::StrCat("file_", i);
    std::ofstream file(path);
    file << text;
    file.close();
    if (!file) return absl::ErrnoToStatus(errno, path.string());
  }
  return absl::OkStatus();
}

// The mount that holds a device's files: its type and source.
std::string MountOf(dev_t device) {
  std::ifstream file("/proc/self/mountinfo");
  const std::string wanted = absl::StrCat(major(device), ":", minor(device));
  for (std::string line; std::getline(file, line);) {
    const std::size_t number = line.find(' ', line.find(' ') + 1) + 1;
    if (line.compare(number, wanted.size() + 1, wanted + " ") != 0) continue;
    const std::size_t mark = line.find(" - ");
    if (mark == std::string::npos) continue;
    const std::string rest = line.substr(mark + 3);
    return rest.substr(0, rest.find(' ', rest.find(' ') + 1));
  }
  return "unknown";
}

}  // namespace

Scratch::Scratch(const std::string& parent) {
  std::string pattern = parent + "/eddy-bench-XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) {
    std::perror(pattern.c_str());
    std::exit(1);
  }
  folder_ = fs::canonical(pattern);
}

Scratch::~Scratch() {
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

absl::Status Scratch::CheckRoom(std::uint64_t bytes) const {
  std::error_code error;
  const fs::space_info space = fs::space(folder_, error);
  if (error) return absl::ErrnoToStatus(error.value(), folder_.string());
  const std::uint64_t wanted = bytes + (bytes / 4);
  if (space.available >= wanted) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrCat(
      folder_.parent_path().string(), " has ", space.available >> 20,
      " MiB free, and ", wanted >> 20,
      " are needed: name another folder by --folder, or less by --size"));
}

absl::StatusOr<std::string> Scratch::MakeFile(const std::string& name,
                                              std::uint64_t bytes) const {
  const std::string path = Path(name);
  const int fd =
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return absl::ErrnoToStatus(errno, path);
  std::mt19937_64 random;  // NOLINT: the same bytes each time
  std::vector<std::uint64_t> chunk(kChunk / sizeof(std::uint64_t));
  absl::Status status;
  for (std::uint64_t done = 0; done < bytes && status.ok(); done += kChunk) {
    for (std::uint64_t& word : chunk) word = random();
    if (::write(fd, chunk.data(), kChunk) != static_cast<ssize_t>(kChunk)) {
      status = absl::ErrnoToStatus(errno, path);
    }
  }
  if (status.ok() && ::fsync(fd) != 0) {
    status = absl::ErrnoToStatus(errno, path);
  }
  ::close(fd);
  if (!status.ok()) return status;
  return path;
}

absl::StatusOr<std::string> Scratch::MakeTree(const std::string& name,
                                              std::size_t folders,
                                              std::size_t bytes) const {
  const std::string text(bytes, 'x');
  // Breadth first: each folder made gets its folders in turn.
  std::vector<fs::path> made{Path(name)};
  if (absl::Status s = MakeFolder(made.front(), text); !s.ok()) return s;
  while (made.size() < folders) {
    const fs::path& parent = made[(made.size() - 1) / kFoldersPerFolder];
    fs::path folder = parent / absl::StrCat("folder_", made.size());
    if (absl::Status s = MakeFolder(folder, text); !s.ok()) return s;
    made.push_back(std::move(folder));
  }
  return made.front().string();
}

std::string Scratch::Renew(const std::string& name) const {
  Remove(name);
  std::error_code ignored;  // the subject will say what is wrong with it
  fs::create_directory(folder_ / name, ignored);
  return Path(name);
}

void Scratch::Remove(const std::string& name) const {
  std::error_code ignored;
  fs::remove_all(folder_ / name, ignored);
}

Facts Scratch::Describe() const {
  struct stat status {};
  ::stat(folder_.c_str(), &status);
  const std::string disk =
      fs::path(absl::StrCat("/sys/dev/block/", major(status.st_dev), ":",
                            minor(status.st_dev)))
          .string();
  std::error_code error;
  const fs::path device = fs::read_symlink(disk, error);
  Facts facts{{"folder", folder_.parent_path().string()},
              {"file system", MountOf(status.st_dev)}};
  if (!error) facts.emplace_back("device", device.filename().string());
  return facts;
}

void Warm(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<char> chunk(kChunk);
  while (file.read(chunk.data(), static_cast<std::streamsize>(kChunk))) {
  }
}

void Chill(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  ::fdatasync(fd);
  ::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
  ::close(fd);
}

}  // namespace eddy::bench
