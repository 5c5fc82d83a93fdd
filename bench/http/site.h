// What both sides of the HTTP benchmark need on disk and on the wire: a folder
// with the files to serve and with the configurations of the programs that
// take part, and a plain GET that proves a server serves them.

#ifndef EDDY_BENCH_HTTP_SITE_H_
#define EDDY_BENCH_HTTP_SITE_H_

#include <cstddef>
#include <filesystem>
#include <string>

#include "absl/status/status.h"

namespace eddy::bench {

// A temporary folder; it goes when the object goes.
class Site {
 public:
  Site();
  ~Site();
  Site(const Site&) = delete;
  Site& operator=(const Site&) = delete;

  std::string Folder() const { return folder_.string(); }

  // The served folder.
  std::string Root() const { return (folder_ / "root").string(); }

  // The path of a served file.
  std::string Path(const std::string& file) const {
    return Root() + "/" + file;
  }

  // Adds a file of `size` bytes to the served folder; its name.
  std::string AddFile(std::size_t size);

  // Writes a file that is not served; its path.
  std::string Write(const std::string& name, const std::string& text);

  // Waits until a server on this loopback port accepts connections, gets
  // `file` from it, and compares it with what is on disk.
  absl::Status Check(int port, const std::string& file) const;

 private:
  std::filesystem::path folder_;
};

}  // namespace eddy::bench

#endif  // EDDY_BENCH_HTTP_SITE_H_
