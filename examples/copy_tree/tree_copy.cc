#include "examples/copy_tree/tree_copy.h"

#include <eddy/fs/copy_file.h>
#include <eddy/fs/directory.h>
#include <eddy/fs/make_directory.h>
#include <eddy/fs/walk.h>
#include <eddy/runtime/blocking.h>
#include <eddy/runtime/event.h>
#include <eddy/runtime/task_scope.h>

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "examples/copy_tree/node.h"

namespace copy_tree {
namespace {

namespace fs = eddy::fs;
using eddy::Blocking;
using eddy::Error;
using eddy::Result;
using eddy::Task;
using eddy::TaskScope;
using eddy::Unexpected;

// A folder of the target, open until all that is in it has been copied.
struct Folder {
  fs::Directory to;
  struct stat info {};
  bool is_new = false;
  // What is not copied yet, and one for the walk while it is there.
  std::size_t pending = 1;
  std::string path;
};
using FolderPtr = std::shared_ptr<Folder>;

// A name in the target.
struct Place {
  FolderPtr folder;
  std::string path;  // below the root

  const char* name() const {
    const std::size_t slash = path.rfind('/');
    return path.c_str() + (slash == std::string::npos ? 0 : slash + 1);
  }
};

// A file with several names: the first that is met is copied, the others
// become links to it, once it is there.
struct HardLinks {
  std::string first;
  nlink_t missing = 0;
  std::optional<Result<void>> copied;
  std::vector<Place> waiting;
};

// The real path, with a slash at its end.
std::string RealPath(const std::string& path, std::error_code& error) {
  std::string real = std::filesystem::weakly_canonical(path, error).native();
  if (!real.ends_with('/')) real += '/';
  return real;
}

Result<void> ExpectApart(const std::string& from, const std::string& to) {
  std::error_code error;
  const std::string a = RealPath(from, error);
  const std::string b = error ? "" : RealPath(to, error);
  if (error) return Unexpected(Error::FromErrno(error.value()));
  if (a.starts_with(b) || b.starts_with(a)) {
    return Unexpected(std::errc::invalid_argument);
  }
  return {};
}

// For its owner alone until it is whole, and with the parents that it lacks.
Task<Result<void>> MakeRoot(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  const std::size_t slash = path.rfind('/');
  if (slash != std::string::npos && slash != 0) {
    EDDY_CO_CHECK(co_await fs::MakeDirectories(path.substr(0, slash)));
  }
  const Result<void> made = co_await fs::MakeDirectory(path, 0700);
  if (!made && made.error() != std::errc::file_exists) {
    co_return Unexpected(made.error());
  }
  co_return Result<void>();
}

class TreeCopy {
 public:
  TreeCopy(std::size_t in_flight, Report& report)
      : in_flight_(in_flight == 0 ? 1 : in_flight), report_(report) {
    options_.keep_times = options_.keep_attributes = true;
    options_.keep_owner = MayChangeOwner();
  }

  Task<Result<void>> Run(const std::string& from, const std::string& to);

 private:
  Task<Result<void>> WalkAndCopy(TaskScope& scope, fs::Directory source);
  Task<void> EnterFolder(const fs::WalkEntry& entry);
  Task<void> Leave(TaskScope& scope, std::size_t depth);
  Task<void> Finish(FolderPtr folder);

  Task<void> CopyEntry(fs::WalkEntry entry, FolderPtr folder);
  Task<Result<void>> CopyOne(const fs::WalkEntry& entry,
                             const FolderPtr& folder);
  Task<Result<void>> CopyWhatItIs(const fs::WalkEntry& entry,
                                  const Folder& folder,
                                  const struct stat& info);
  Task<Result<void>> CopyFirst(const fs::WalkEntry& entry,
                               const FolderPtr& folder, const Look& look);
  Task<Result<void>> Link(const std::string& first, const Place& place);
  Task<void> Done(FolderPtr folder);

  // Begins a task when one more may run.
  Task<void> Begin(TaskScope& scope, Task<void> task);
  Task<void> Count(Task<void> task);
  void Failed(const std::string& path, Error error);

  const std::size_t in_flight_;
  Report& report_;
  fs::CopyFileOptions options_;
  fs::Directory target_;
  // From the root to where the walk is. Null: could not be made.
  std::vector<FolderPtr> folders_;
  std::size_t running_ = 0;
  eddy::Event ended_{eddy::Event::Kind::kAutoReset};  // one of them
  std::map<std::pair<dev_t, ino_t>, HardLinks> hard_links_;
  bool stopped_ = false;
};

Task<Result<void>> TreeCopy::Run(const std::string& from,
                                 const std::string& to) {
  EDDY_CO_TRY(fs::Directory source, co_await fs::Directory::Open(from));
  EDDY_CO_CHECK(co_await Blocking(&ExpectApart, from, to));
  EDDY_CO_CHECK(co_await MakeRoot(to));
  EDDY_CO_TRY(target_, co_await fs::Directory::Open(to));
  const char* const itself = ".";
  EDDY_CO_TRY(const FolderMade root,
              co_await Blocking(&MakeFolder, source.fd().get(), itself,
                                target_.fd().get()));
  folders_.push_back(std::make_shared<Folder>());
  folders_.back()->to = fs::Directory(eddy::io::Fd(root.fd));
  folders_.back()->info = root.info;
  const auto body = [&](TaskScope& scope) -> Task<Result<void>> {
    return WalkAndCopy(scope, std::move(source));
  };
  EDDY_CO_CHECK(co_await eddy::WithScope(body));
  // The walk may have ended before the stop, and the copies not.
  if (stopped_) co_return Unexpected(eddy::kCanceled);
  report_.complete = true;
  co_return Result<void>();
}

Task<Result<void>> TreeCopy::WalkAndCopy(TaskScope& scope,
                                         fs::Directory source) {
  auto walk = fs::Walk(source);
  while (auto next = co_await walk.Next()) {
    EDDY_CO_TRY(fs::WalkEntry entry, *std::move(next));
    if (entry.error) {
      Failed(entry.path, *entry.error);
      continue;
    }
    co_await Leave(scope, entry.depth);
    const FolderPtr& folder = folders_.back();
    if (entry.type == fs::FileType::kDirectory) {
      co_await EnterFolder(entry);
    } else if (folder != nullptr) {
      ++folder->pending;
      co_await Begin(scope, CopyEntry(std::move(entry), folder));
    }
  }
  co_await Leave(scope, 0);
  co_return Result<void>();
}

Task<void> TreeCopy::EnterFolder(const fs::WalkEntry& entry) {
  const FolderPtr parent = folders_.back();
  folders_.push_back(nullptr);
  if (parent == nullptr) co_return;
  const Result<FolderMade> made =
      co_await Blocking(&MakeFolder, entry.parent->fd().get(), entry.name(),
                        parent->to.fd().get());
  if (!made) {
    Failed(entry.path, made.error());
    co_return;
  }
  auto folder = std::make_shared<Folder>();
  folder->to = fs::Directory(eddy::io::Fd(made->fd));
  folder->info = made->info;
  folder->is_new = made->is_new;
  folder->path = entry.path;
  folders_.back() = std::move(folder);
}

// The walk has left all that is deeper.
Task<void> TreeCopy::Leave(TaskScope& scope, std::size_t depth) {
  while (folders_.size() > depth) {
    const FolderPtr folder = std::move(folders_.back());
    folders_.pop_back();
    if (folder == nullptr || --folder->pending != 0) continue;
    co_await Begin(scope, Finish(folder));
  }
}

Task<void> TreeCopy::Finish(FolderPtr folder) {
  const Result<void> finished = co_await Blocking(
      &FinishFolder, folder->to.fd().get(), std::cref(folder->info));
  if (finished) {
    ++report_.folders;
  } else {
    Failed(folder->path, finished.error());
  }
}

Task<void> TreeCopy::Done(FolderPtr folder) {
  if (--folder->pending == 0) co_await Finish(std::move(folder));
}

Task<void> TreeCopy::CopyEntry(fs::WalkEntry entry, FolderPtr folder) {
  const Result<void> copied = co_await CopyOne(entry, folder);
  if (!copied) Failed(entry.path, copied.error());
  entry.parent.reset();
  co_await Done(std::move(folder));
}

Task<Result<void>> TreeCopy::CopyOne(const fs::WalkEntry& entry,
                                     const FolderPtr& folder) {
  const int to = folder->is_new ? -1 : folder->to.fd().get();
  EDDY_CO_TRY(const Look look,
              co_await Blocking(&LookAt, entry.parent->fd().get(), entry.name(),
                                int{to}));
  if (look.info.st_nlink > 1) co_return co_await CopyFirst(entry, folder, look);
  if (look.unchanged) {
    ++report_.unchanged;
    co_return Result<void>();
  }
  co_return co_await CopyWhatItIs(entry, *folder, look.info);
}

Task<Result<void>> TreeCopy::CopyWhatItIs(const fs::WalkEntry& entry,
                                          const Folder& folder,
                                          const struct stat& info) {
  if (S_ISREG(info.st_mode)) {
    EDDY_CO_TRY(const std::uint64_t size,
                co_await fs::CopyFile(*entry.parent, entry.name(), folder.to,
                                      entry.name(), options_));
    ++report_.files;
    report_.bytes += size;
  } else {
    EDDY_CO_CHECK(co_await Blocking(&CopyNode, entry.parent->fd().get(),
                                    entry.name(), std::cref(info),
                                    folder.to.fd().get()));
    ++report_.links;
  }
  co_return Result<void>();
}

Task<Result<void>> TreeCopy::CopyFirst(const fs::WalkEntry& entry,
                                       const FolderPtr& folder,
                                       const Look& look) {
  const std::pair key(look.info.st_dev, look.info.st_ino);
  const auto [at, is_first] = hard_links_.try_emplace(key);
  HardLinks& links = at->second;
  if (!is_first) {
    const Place place{folder, entry.path};
    --links.missing;
    if (!links.copied) {
      ++folder->pending;
      links.waiting.push_back(place);
      co_return Result<void>();
    }
    const Result<void> copied = *links.copied;
    const std::string first = links.first;
    if (links.missing == 0) hard_links_.erase(at);
    EDDY_CO_CHECK(copied);
    co_return co_await Link(first, place);
  }
  links.first = entry.path;
  links.missing = look.info.st_nlink - 1;
  Result<void> copied;
  if (look.unchanged) {
    ++report_.unchanged;
  } else {
    copied = co_await CopyWhatItIs(entry, *folder, look.info);
  }
  links.copied = copied;
  const std::vector<Place> waiting = std::exchange(links.waiting, {});
  if (links.missing == 0) hard_links_.erase(at);
  for (const Place& place : waiting) {
    Result<void> linked = copied;
    if (copied) linked = co_await Link(entry.path, place);
    if (!linked) Failed(place.path, linked.error());
    co_await Done(place.folder);
  }
  co_return copied;
}

Task<Result<void>> TreeCopy::Link(const std::string& first,
                                  const Place& place) {
  EDDY_CO_TRY(const bool was_there,
              co_await Blocking(&LinkNode, target_.fd().get(), std::cref(first),
                                place.folder->to.fd().get(), place.name()));
  ++(was_there ? report_.unchanged : report_.links);
  co_return Result<void>();
}

Task<void> TreeCopy::Begin(TaskScope& scope, Task<void> task) {
  while (running_ >= in_flight_) {
    const Result<void> one_ended = co_await ended_.Wait();
    if (!one_ended) break;  // stopped: all that runs ends, and so will this
  }
  ++running_;
  scope.Spawn(Count(std::move(task)));
}

Task<void> TreeCopy::Count(Task<void> task) {
  co_await std::move(task);
  --running_;
  ended_.Set();
}

void TreeCopy::Failed(const std::string& path, Error error) {
  // What was not done after a stop is no failure.
  if (error == eddy::kCanceled) {
    stopped_ = true;
    return;
  }
  report_.failures.push_back({path, error});
}

}  // namespace

Task<Result<void>> CopyTree(std::string from, std::string to,
                            std::size_t in_flight, Report& report) {
  TreeCopy copy(in_flight, report);
  co_return co_await copy.Run(from, to);
}

}  // namespace copy_tree
