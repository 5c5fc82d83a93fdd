// Names, folders and trees.
#include <eddy/fs/copy_file.h>
#include <eddy/fs/directory.h>
#include <eddy/fs/link.h>
#include <eddy/fs/make_directory.h>
#include <eddy/fs/read_directory.h>
#include <eddy/fs/remove_tree.h>
#include <eddy/fs/rename.h>
#include <eddy/fs/stat.h>
#include <eddy/fs/temp_directory.h>
#include <eddy/fs/unlink.h>
#include <eddy/fs/walk.h>
#include <eddy/fs/watch.h>
#include <eddy/runtime/timer.h>

#include <chrono>
#include <string>
#include <system_error>
#include <utility>

#include "bench/costs/costs.h"
#include "bench/costs/files.h"

using namespace std::chrono_literals;

namespace costs {
namespace {

namespace fs = eddy::fs;

// --- By path -----------------------------------------------------------------

class Paths : public Folder {
 public:
  Task<Result<void>> Stat(State& state) {
    const std::string path = Path("a");
    for (auto _ : state) EDDY_CO_CHECK(co_await fs::Stat(path));
    co_return Result<void>();
  }
  Task<Result<void>> Rename(State& state) {
    const std::string one = Path("a");
    const std::string other = Path("b");
    state.SetOperationsPerIteration(2);
    for (auto _ : state) {
      EDDY_CO_CHECK(co_await fs::Rename(one, other));
      EDDY_CO_CHECK(co_await fs::Rename(other, one));
    }
    co_return Result<void>();
  }
  Task<Result<void>> Unlink(State& state) {
    const auto make = [&]() -> Task<Result<void>> { co_return MakeAll(); };
    const auto call = [&] { return fs::Unlink(NextPath()); };
    co_return co_await InBatches(state, make, call);
  }
  Task<Result<void>> MakeAndRemove(State& state) {
    const std::string path = Path("b");
    for (auto _ : state) {
      EDDY_CO_CHECK(co_await fs::MakeDirectory(path));
      EDDY_CO_CHECK(co_await fs::RemoveDirectory(path));
    }
    co_return Result<void>();
  }
  Task<Result<void>> MakeExisting(State& state) {
    const std::string path = Path("b");
    EDDY_CO_CHECK(co_await fs::MakeDirectory(path));
    for (auto _ : state) EDDY_CO_CHECK(co_await fs::MakeDirectories(path));
    co_return Result<void>();
  }
  Task<Result<void>> Link(State& state) {
    const std::string one = Path("a");
    const auto call = [&] { return fs::Link(one, NextPath()); };
    co_return co_await OnNewNames(state, call);
  }
  Task<Result<void>> Symlink(State& state) {
    const auto call = [&] { return fs::Symlink("a", NextPath()); };
    co_return co_await OnNewNames(state, call);
  }
  Task<Result<void>> ReadLink(State& state) {
    const std::string path = Path("b");
    EDDY_CO_CHECK(co_await fs::Symlink("a", path));
    for (auto _ : state) EDDY_CO_CHECK(co_await fs::ReadLink(path));
    co_return Result<void>();
  }
  Task<Result<void>> Copy(State& state) {
    const std::string from = Path("a");
    const std::string to = Path("b");
    for (auto _ : state) EDDY_CO_CHECK(co_await fs::CopyFile(from, to));
    co_return Result<void>();
  }
};
EDDY_BENCHMARK(Paths::Stat)->Name("fs/Stat")->UseRealTime();
EDDY_BENCHMARK(Paths::Rename)->Name("fs/Rename")->UseRealTime();
EDDY_BENCHMARK(Paths::Unlink)->Name("fs/Unlink")->UseRealTime();
EDDY_BENCHMARK(Paths::MakeAndRemove)
    ->Name("fs/MakeDirectory, and RemoveDirectory")
    ->UseRealTime();
EDDY_BENCHMARK(Paths::MakeExisting)
    ->Name("fs/MakeDirectories, of one that is there")
    ->UseRealTime();
EDDY_BENCHMARK(Paths::Link)->Name("fs/Link")->UseRealTime();
EDDY_BENCHMARK(Paths::Symlink)->Name("fs/Symlink")->UseRealTime();
EDDY_BENCHMARK(Paths::ReadLink)->Name("fs/ReadLink")->UseRealTime();
EDDY_BENCHMARK(Paths::Copy)->Name("fs/CopyFile, an empty one")->UseRealTime();

// --- In a folder -------------------------------------------------------------

class InDirectory : public Folder {
 public:
  Task<Result<void>> Open(State& state) {
    const std::string path = Path(".");
    for (auto _ : state) {
      EDDY_CO_TRY(auto opened, co_await fs::Directory::Open(path));
      EDDY_CO_CHECK(co_await opened.Close());
    }
    co_return Result<void>();
  }
  Task<Result<void>> OpenFile(State& state) {
    for (auto _ : state) {
      EDDY_CO_TRY(fs::File file, co_await directory().OpenFile("a"));
      EDDY_CO_CHECK(co_await file.Close());
    }
    co_return Result<void>();
  }
  Task<Result<void>> Stat(State& state) {
    for (auto _ : state) EDDY_CO_CHECK(co_await directory().Stat("a"));
    co_return Result<void>();
  }
  Task<Result<void>> Rename(State& state) {
    state.SetOperationsPerIteration(2);
    for (auto _ : state) {
      EDDY_CO_CHECK(co_await directory().Rename("a", directory(), "b"));
      EDDY_CO_CHECK(co_await directory().Rename("b", directory(), "a"));
    }
    co_return Result<void>();
  }
  Task<Result<void>> Unlink(State& state) {
    const auto make = [&]() -> Task<Result<void>> { co_return MakeAll(); };
    const auto call = [&] { return directory().Unlink(NextName()); };
    co_return co_await InBatches(state, make, call);
  }
  Task<Result<void>> MakeAndRemove(State& state) {
    for (auto _ : state) {
      EDDY_CO_CHECK(co_await directory().MakeDirectory("b"));
      EDDY_CO_CHECK(co_await directory().RemoveDirectory("b"));
    }
    co_return Result<void>();
  }
  Task<Result<void>> Link(State& state) {
    const auto call = [&] {
      return directory().Link("a", directory(), NextName());
    };
    co_return co_await OnNewNames(state, call);
  }
  Task<Result<void>> Symlink(State& state) {
    const auto call = [&] { return directory().Symlink("a", NextName()); };
    co_return co_await OnNewNames(state, call);
  }
  Task<Result<void>> ReadLink(State& state) {
    EDDY_CO_CHECK(co_await directory().Symlink("a", "b"));
    for (auto _ : state) EDDY_CO_CHECK(co_await directory().ReadLink("b"));
    co_return Result<void>();
  }
  Task<Result<void>> Duplicate(State& state) {
    for (auto _ : state) EDDY_CO_CHECK(directory().Duplicate());
    co_return Result<void>();
  }
  Task<Result<void>> Read(State& state) {
    for (auto _ : state) {
      auto entries = fs::ReadDirectory(directory());
      while (true) {
        const auto entry = co_await entries.Next();
        if (!entry) break;
        if (!*entry) co_return eddy::Unexpected(entry->error());
      }
    }
    co_return Result<void>();
  }
};
EDDY_BENCHMARK(InDirectory::Open)->Name("fs/Directory::Open, and Close");
EDDY_BENCHMARK(InDirectory::OpenFile)
    ->Name("fs/Directory::OpenFile, and File::Close");
EDDY_BENCHMARK(InDirectory::Stat)->Name("fs/Directory::Stat")->UseRealTime();
EDDY_BENCHMARK(InDirectory::Rename)
    ->Name("fs/Directory::Rename")
    ->UseRealTime();
EDDY_BENCHMARK(InDirectory::Unlink)
    ->Name("fs/Directory::Unlink")
    ->UseRealTime();
EDDY_BENCHMARK(InDirectory::MakeAndRemove)
    ->Name("fs/Directory::MakeDirectory, and RemoveDirectory")
    ->UseRealTime();
EDDY_BENCHMARK(InDirectory::Link)->Name("fs/Directory::Link")->UseRealTime();
EDDY_BENCHMARK(InDirectory::Symlink)
    ->Name("fs/Directory::Symlink")
    ->UseRealTime();
EDDY_BENCHMARK(InDirectory::ReadLink)
    ->Name("fs/Directory::ReadLink")
    ->UseRealTime();
EDDY_BENCHMARK(InDirectory::Duplicate)
    ->Name("fs/Directory::Duplicate, and its end");
EDDY_BENCHMARK(InDirectory::Read)
    ->Name("fs/ReadDirectory of a Directory, of one file")
    ->UseRealTime();

// --- Trees -------------------------------------------------------------------

class Trees : public Folder {
 public:
  Task<Result<void>> Walk(State& state) {
    for (auto _ : state) {
      auto entries = fs::Walk(directory());
      while (true) {
        const auto entry = co_await entries.Next();
        if (!entry) break;
        if (!*entry) co_return eddy::Unexpected(entry->error());
      }
    }
    co_return Result<void>();
  }
  Task<Result<void>> OpenEntry(State& state) {
    auto entries = fs::Walk(directory());
    fs::WalkEntry file;
    while (file.type != fs::FileType::kRegular) {
      auto entry = co_await entries.Next();
      if (!entry)
        co_return eddy::Unexpected(std::errc::no_such_file_or_directory);
      EDDY_CO_TRY(file, *std::move(entry));
    }
    for (auto _ : state) {
      EDDY_CO_TRY(fs::File opened, co_await file.Open());
      EDDY_CO_CHECK(co_await opened.Close());
    }
    co_return Result<void>();
  }
  Task<Result<void>> Remove(State& state) {
    for (auto _ : state) {
      state.PauseTiming();
      EDDY_CO_CHECK(co_await directory().MakeDirectory("b"));
      EDDY_CO_CHECK(Make("b/a"));
      state.ResumeTiming();
      EDDY_CO_CHECK(co_await fs::RemoveTree(directory(), "b"));
    }
    co_return Result<void>();
  }
  Task<Result<void>> MakeTemporary(State& state) {
    const std::string path = Path("");
    for (auto _ : state) {
      EDDY_CO_TRY(auto folder, co_await fs::TempDirectory::Create(path));
      EDDY_CO_CHECK(co_await folder.Remove());
    }
    co_return Result<void>();
  }
  Task<Result<void>> OpenWatch(State& state) {
    const std::string path = Path("");
    for (auto _ : state) {
      EDDY_CO_CHECK(co_await fs::Watch::Open(path));
      // A worker closes it; a user may have only so many at once.
      state.PauseTiming();
      EDDY_CO_CHECK(co_await eddy::Sleep(2ms));
      state.ResumeTiming();
    }
    co_return Result<void>();
  }
  Task<Result<void>> NextOfWatch(State& state) {
    EDDY_CO_TRY(auto watch, co_await fs::Watch::Open(Path("")));
    state.SetOperationsPerIteration(2);
    for (auto _ : state) {
      state.PauseTiming();
      EDDY_CO_CHECK(co_await directory().MakeDirectory("b"));
      EDDY_CO_CHECK(co_await directory().RemoveDirectory("b"));
      state.ResumeTiming();
      EDDY_CO_CHECK(co_await watch.Next());
      EDDY_CO_CHECK(co_await watch.Next());
    }
    co_return Result<void>();
  }
};
EDDY_BENCHMARK(Trees::Walk)->Name("fs/Walk, of one file")->UseRealTime();
EDDY_BENCHMARK(Trees::OpenEntry)->Name("fs/WalkEntry::Open, and File::Close");
EDDY_BENCHMARK(Trees::Remove)
    ->Name("fs/RemoveTree in a Directory, a folder with a file")
    ->UseRealTime();
EDDY_BENCHMARK(Trees::MakeTemporary)
    ->Name("fs/TempDirectory::Create, and Remove")
    ->UseRealTime();
EDDY_BENCHMARK(Trees::OpenWatch)
    ->Name("fs/Watch::Open, and its end")
    ->Iterations(20)
    ->UseRealTime();
EDDY_BENCHMARK(Trees::NextOfWatch)
    ->Name("fs/Watch::Next, two events at once")
    ->UseRealTime();

}  // namespace
}  // namespace costs
