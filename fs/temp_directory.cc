#include <eddy/fs/temp_directory.h>

#include <eddy/fs/path_parts.h>
#include <eddy/fs/remove_tree.h>
#include <eddy/fs/temporary_name.h>
#include <eddy/io/open_at.h>
#include <eddy/runtime/reactor.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/with_stop.h>

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <filesystem>
#include <system_error>

namespace eddy::fs {
namespace {

Task<void> RemoveAtLast(Directory parent, std::string name) {
  static_cast<void>(co_await Shield(RemoveTree(parent, std::move(name))));
}

}  // namespace

TempDirectory::TempDirectory(Directory parent, std::string path) noexcept
    : parent_(std::move(parent)), path_(std::move(path)), process_(getpid()) {}

Task<Result<TempDirectory>> TempDirectory::Create(std::string parent,
                                                  std::string prefix) {
  if (parent.empty()) {
    const char* const named = std::getenv("TMPDIR");
    parent = named != nullptr && *named != '\0' ? named : "/tmp";
  }
  io::OpenHow how;
  how.flags = O_PATH | O_DIRECTORY;
  EDDY_CO_TRY(io::Fd fd,
              co_await io::OpenAt(io::Fd::CurrentDirectory(), parent, how));
  Directory folder(std::move(fd));
  for (int tries = 1;; ++tries) {
    const std::string name = prefix + internal::RandomDigits();
    const Result<void> made = co_await folder.MakeDirectory(name, 0700);
    if (made) co_return TempDirectory(std::move(folder), parent + "/" + name);
    if (made.error() != std::errc::file_exists ||
        tries == internal::kMostTemporaryNames) {
      co_return Unexpected(made.error());
    }
  }
}

Task<Result<void>> TempDirectory::Remove() {
  if (path_.empty()) co_return Result<void>();
  EDDY_CO_CHECK(co_await RemoveTree(parent_, Name()));
  Release();
  co_return Result<void>();
}

std::string TempDirectory::Name() const { return internal::Split(path_).name; }

void TempDirectory::RemoveInBackground() noexcept {
  if (path_.empty() || process_ != getpid()) return;
  try {
    std::string name = Name();
    path_.clear();
    if (Reactor* const reactor = Reactor::Current()) {
      reactor->scope().Spawn(RemoveAtLast(std::move(parent_), std::move(name)));
      return;
    }
    const std::string parent =
        "/proc/self/fd/" + std::to_string(parent_.fd().get()) + "/";
    std::error_code ignored;
    std::filesystem::remove_all(parent + name, ignored);
  } catch (const std::exception&) {
    // There is no memory, and nobody to tell.
  }
}

}  // namespace eddy::fs
