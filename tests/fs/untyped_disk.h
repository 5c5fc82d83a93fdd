// A file system that does not tell the types of entries beside their names, or
// none where making one takes rights or programs that are not there.
#ifndef EDDY_TESTS_FS_UNTYPED_DISK_H_
#define EDDY_TESTS_FS_UNTYPED_DISK_H_

#include "tests/io/io_test_util.h"

#include <sys/mount.h>

#include <cstdlib>
#include <string>

namespace eddy::fs_test {

class UntypedDisk {
 public:
  UntypedDisk() {
    const std::string image = dir_ / "image";
    const std::string make =
        "(truncate -s 1M " + image + " && mkdir " + path() +
        " && mke2fs -q -t ext4 -O ^filetype,^has_journal " + image +
        " && mount -o loop " + image + " " + path() + ") >/dev/null 2>&1";
    mounted_ = std::system(make.c_str()) == 0;  // NOLINT: a fixed command
  }
  ~UntypedDisk() {
    if (mounted_) umount2(path().c_str(), MNT_DETACH);
  }
  UntypedDisk(const UntypedDisk&) = delete;
  UntypedDisk& operator=(const UntypedDisk&) = delete;

  bool mounted() const { return mounted_; }
  std::string path() const { return dir_ / "disk"; }

 private:
  io_test::TempDir dir_;
  bool mounted_ = false;
};

}  // namespace eddy::fs_test

#endif  // EDDY_TESTS_FS_UNTYPED_DISK_H_
