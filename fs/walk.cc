#include <eddy/fs/walk.h>

#include <eddy/fs/walker.h>
#include <eddy/runtime/blocking.h>

#include <fcntl.h>

#include <utility>

namespace eddy::fs {
namespace {

using internal::Walker;

Stream<Result<WalkEntry>> EntriesOf(std::unique_ptr<Walker> walker) {
  while (!walker->ended()) {
    const Result<void> filled = co_await Blocking(&Walker::Fill, walker.get());
    for (WalkEntry& entry : walker->entries()) co_yield std::move(entry);
    walker->entries().clear();
    if (!filled) {
      co_yield Unexpected(filled.error());
      if (filled.error() != kCanceled) co_return;
    }
  }
}

Stream<Result<WalkEntry>> EntriesOf(Result<Directory> root,
                                    WalkOptions options) {
  if (root) {
    co_yield EntriesOf(
        std::make_unique<Walker>(root->fd().get(), ".", std::move(options)));
  } else {
    co_yield Unexpected(root.error());
  }
}

}  // namespace

Task<Result<File>> WalkEntry::Open(OpenOptions open_options) const {
  if (error) co_return Unexpected(*error);
  open_options.no_follow = true;
  co_return co_await parent->OpenFile(name(), open_options);
}

Stream<Result<WalkEntry>> Walk(std::string root, WalkOptions options) {
  return EntriesOf(
      std::make_unique<Walker>(AT_FDCWD, std::move(root), std::move(options)));
}

Stream<Result<WalkEntry>> Walk(const Directory& root, WalkOptions options) {
  return EntriesOf(root.Duplicate(), std::move(options));
}

}  // namespace eddy::fs
