#include <eddy/fs/watched_folders.h>

#include <algorithm>

namespace eddy::fs::internal {

std::string WatchedFolders::PathOf(int wd) const {
  std::vector<std::string_view> names;
  while (wd != root_) {
    const Folder& folder = folders_.at(wd);
    names.push_back(folder.name);
    wd = folder.parent;
  }
  std::string path;
  for (auto name = names.rbegin(); name != names.rend(); ++name) {
    if (!path.empty()) path += '/';
    path += *name;
  }
  return path;
}

int WatchedFolders::Find(std::string_view path) const {
  int wd = root_;
  while (wd != kNone && !path.empty()) {
    const std::string_view name = path.substr(0, path.find('/'));
    wd = Find(wd, name);
    path.remove_prefix(std::min(name.size() + 1, path.size()));
  }
  return wd;
}

int WatchedFolders::Find(int parent, std::string_view name) const {
  const auto& subfolders = folders_.at(parent).subfolders;
  const auto found = subfolders.find(name);
  return found == subfolders.end() ? kNone : found->second;
}

void WatchedFolders::Place(int wd, std::string_view path,
                           std::vector<int>& gone) {
  if (path.empty()) {
    root_ = wd;
    folders_[wd].generation = generation_;
    return;
  }
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) {
    Place(wd, root_, path, gone);
  } else if (const int parent = Find(path.substr(0, slash)); parent != kNone) {
    Place(wd, parent, path.substr(slash + 1), gone);
  } else if (!Contains(wd)) {
    gone.push_back(wd);
  }
}

void WatchedFolders::Place(int wd, int parent, std::string_view name,
                           std::vector<int>& gone) {
  for (int above = parent; above != kNone; above = folders_.at(above).parent) {
    if (above == wd) return;
  }
  const int before = Find(parent, name);
  if (before == wd) {
    folders_.at(wd).generation = generation_;
    return;
  }
  // (This may forget the folder itself, but not its parent.)
  if (before != kNone) Remove(before, gone);
  Folder& folder = folders_[wd];
  if (folder.parent != kNone) Detach(folder);
  folder.parent = parent;
  folder.name = name;
  folder.generation = generation_;
  folders_.at(parent).subfolders.emplace(name, wd);
}

void WatchedFolders::Remove(int wd, std::vector<int>& gone) {
  Detach(folders_.at(wd));
  std::vector<int> left = {wd};
  while (!left.empty()) {
    const auto folder = folders_.extract(left.back());
    left.pop_back();
    gone.push_back(folder.key());
    for (const auto& [name, below] : folder.mapped().subfolders) {
      left.push_back(below);
    }
  }
}

void WatchedFolders::RemoveOld(std::vector<int>& gone) {
  std::vector<int> old;
  for (const auto& [wd, folder] : folders_) {
    if (folder.generation != generation_) old.push_back(wd);
  }
  for (const int wd : old) {
    if (Contains(wd)) Remove(wd, gone);
  }
}

void WatchedFolders::Detach(Folder& folder) {
  if (folder.parent == kNone) return;
  folders_.at(folder.parent).subfolders.erase(folder.name);
  folder.parent = kNone;
}

}  // namespace eddy::fs::internal
