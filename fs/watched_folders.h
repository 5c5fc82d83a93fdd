// WatchedFolders: which folder an inotify watch descriptor stands for. A tree
// of names, so that a folder that moves takes what is below it along.
#ifndef EDDY_FS_WATCHED_FOLDERS_H_
#define EDDY_FS_WATCHED_FOLDERS_H_

#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace eddy::fs::internal {

class WatchedFolders {
 public:
  static constexpr int kNone = -1;

  bool Contains(int wd) const { return folders_.contains(wd); }
  int root() const noexcept { return root_; }
  std::string PathOf(int wd) const;
  // kNone where it is not watched.
  int Find(std::string_view path) const;
  int Find(int parent, std::string_view name) const;

  // Puts a folder, which may be known elsewhere already, in a place, and marks
  // it with the current generation. "" is the root. What was in that place
  // before is forgotten, with all below it, and added to `gone`. A folder
  // without a known parent, or that would be below itself (as one that is
  // mounted there), is left as it was.
  void Place(int wd, std::string_view path, std::vector<int>& gone);
  void Place(int wd, int parent, std::string_view name, std::vector<int>& gone);

  // Forgets a folder and all below it, and adds them to `gone`, whose watches
  // are to be removed unless they were placed again by then.
  void Remove(int wd, std::vector<int>& gone);

  // What is not placed again from here on is removed by RemoveOld.
  void BeginGeneration() noexcept { ++generation_; }
  void RemoveOld(std::vector<int>& gone);

 private:
  struct Folder {
    int parent = kNone;
    std::string name;
    std::map<std::string, int, std::less<>> subfolders;
    unsigned generation = 0;
  };

  // Takes it out of its parent.
  void Detach(Folder& folder);

  std::unordered_map<int, Folder> folders_;
  int root_ = kNone;
  unsigned generation_ = 0;
};

}  // namespace eddy::fs::internal

#endif  // EDDY_FS_WATCHED_FOLDERS_H_
