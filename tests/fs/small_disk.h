// A file system of a given size, in memory, or none where that takes rights
// that the test does not have.
#ifndef EDDY_TESTS_FS_SMALL_DISK_H_
#define EDDY_TESTS_FS_SMALL_DISK_H_

#include "tests/io/io_test_util.h"

#include <sys/mount.h>

#include <string>

namespace eddy::fs_test {

class SmallDisk {
 public:
  explicit SmallDisk(const std::string& size) {
    const std::string options = "size=" + size;
    mounted_ =
        mount("tmpfs", dir_.path().c_str(), "tmpfs", 0, options.c_str()) == 0;
  }
  ~SmallDisk() {
    if (mounted_) umount2(dir_.path().c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  bool mounted() const { return mounted_; }
  const std::string& path() const { return dir_.path(); }
  void MakeReadOnly() {
    IO_TEST_CHECK(mount("tmpfs", dir_.path().c_str(), "tmpfs",
                        MS_REMOUNT | MS_RDONLY, nullptr));
  }

 private:
  io_test::TempDir dir_;
  bool mounted_ = false;
};

}  // namespace eddy::fs_test

#endif  // EDDY_TESTS_FS_SMALL_DISK_H_
