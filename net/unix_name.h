// UnixBindOptions, UnixName: the file that a Unix socket has when it is bound
// to a path.
//
// A socket file does not go with its socket: after the end of a server, or its
// death, a stale one is left, on which nobody answers and to whose path nobody
// can bind. Against that there are UnixBindOptions::replace_stale, which takes
// the place of a stale file, and unlink_at_close, which leaves none. An
// abstract name ("unix:@name") is no file and ends with its last socket: it
// needs neither, and no permission keeps anyone from connecting to it; see
// UnixCredentials.
#ifndef EDDY_NET_UNIX_NAME_H_
#define EDDY_NET_UNIX_NAME_H_

#include <sys/types.h>

#include <optional>
#include <string>

namespace eddy::net {

// What concerns files has no effect on an abstract name.
struct UnixBindOptions {
  // Removes what is at the path if it is a socket that no process has open.
  // Anything else stays, and binding gives EADDRINUSE. Of two programs that
  // find the same stale file in the same moment, the slower may remove the
  // other's new one; where that can happen, let both take a lock (flock(2)) on
  // another file before.
  bool replace_stale = false;
  // The file's permissions, exactly, whatever the umask. Who may write to it
  // may connect. By default 0777 without the umask.
  std::optional<mode_t> mode;
  // The file is removed when the socket is closed or destroyed, if it is still
  // this socket's; not where the process is killed.
  bool unlink_at_close = false;
  // Of a listener: connections that wait to be accepted; limited by
  // net.core.somaxconn.
  int backlog = 4096;
};

// Removes the file at the end of its life.
class UnixName {
 public:
  // No file.
  UnixName() noexcept = default;
  // The file that is at the path now.
  explicit UnixName(std::string path);
  UnixName(UnixName&& other) noexcept;
  UnixName& operator=(UnixName&& other) noexcept;
  ~UnixName() { Remove(); }

  // Removes the file, unless another one has taken its place.
  void Remove() noexcept;
  // Leaves the file where it is.
  void Keep() noexcept { path_.clear(); }

 private:
  std::string path_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace eddy::net

#endif  // EDDY_NET_UNIX_NAME_H_
