// Walker: the walk behind Walk, in plain system calls that block, a slice of it
// at a time. A trip to the pool for each folder would cost more than reading
// it; a slice is a trip for many.
//
// Invariants:
//  1. levels_[0, depth_) are the folders from the root to where the walk is;
//     path_ begins with the path of the last.
//  2. The root, the last level and its parent are open while they are entered
//     or read. Of the others the nearest kMostOpen may be: the rest of what is
//     further up was read before its descriptor was given up, so that when it
//     is opened again its position does not matter.
#ifndef EDDY_FS_WALKER_H_
#define EDDY_FS_WALKER_H_

#include <eddy/fs/directory_batch.h>
#include <eddy/fs/walk.h>
#include <eddy/io/fd.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/time.h>

#include <sys/types.h>

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace eddy::fs::internal {

class Walker {
 public:
  // Called with each folder that was opened, before it is read, and its path;
  // the root's is "". Where it gives an error the folder counts as one that
  // cannot be opened.
  using OnFolder = std::function<Result<void>(int fd, const std::string& path)>;

  // `root` is relative to the folder `base`.
  Walker(int base, std::string root, WalkOptions options,
         OnFolder on_folder = nullptr);

  // Walks on, until entries() are a slice or the walk is over. Blocks.
  // Errors: those of opening and reading the root; the walk is over then.
  Result<void> Fill();
  bool ended() const noexcept { return ended_; }
  // What was found; the caller clears it.
  std::vector<WalkEntry>& entries() noexcept { return entries_; }

 private:
  struct Identity {
    dev_t device = 0;
    ino_t inode = 0;
    friend bool operator==(const Identity&, const Identity&) = default;
  };
  struct Level {
    std::shared_ptr<const Directory> folder;  // null where it was given up
    // Of each entry that was read: type, name, zero.
    std::string names;
    std::size_t at = 0;
    bool all_read = false;
    std::size_t path_size = 0;
    // Known where it is needed.
    Identity identity;

    int fd() const noexcept { return folder->fd().get(); }
  };

  static Result<Identity> IdentityOf(int fd);

  Result<void> Begin();
  void Step();
  void Visit(Level& level);
  void ResolveType(const Level& level, WalkEntry& entry) const;
  bool Enter(const Level& parent, const char* name);
  void Push(io::Fd fd, Identity identity);
  void Leave();

  void Read(Level& level);
  Result<void> ReadBatch(Level& level);
  static void Sort(std::string& names);
  void GiveUp(std::size_t index);
  void Reopen(std::size_t index, const Directory* child);
  Result<io::Fd> OpenByPath(std::size_t path_size) const;

  void Emit(WalkEntry entry);
  void Fail(std::size_t path_size, std::size_t depth, Error error);

  const int base_;
  const std::string root_;
  const WalkOptions options_;
  const OnFolder on_folder_;
  const bool needs_identities_;

  std::deque<Level> levels_;
  std::size_t depth_ = 0;
  std::string path_;
  DirectoryBatch batch_;
  Result<void> root_read_;
  bool begun_ = false;
  bool ended_ = false;

  // The slice.
  std::vector<WalkEntry> entries_;
  std::size_t bytes_ = 0;
  std::size_t folders_ = 0;
  bool late_ = false;
  TimePoint until_;
};

}  // namespace eddy::fs::internal

#endif  // EDDY_FS_WALKER_H_
