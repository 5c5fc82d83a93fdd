// The verbs on files and names, which are in the kernel's cache.
#include <eddy/io/advise.h>
#include <eddy/io/allocate.h>
#include <eddy/io/append.h>
#include <eddy/io/link_at.h>
#include <eddy/io/make_directory_at.h>
#include <eddy/io/open_at.h>
#include <eddy/io/read_at.h>
#include <eddy/io/read_vector_at.h>
#include <eddy/io/registered_memory.h>
#include <eddy/io/rename_at.h>
#include <eddy/io/statx.h>
#include <eddy/io/symlink_at.h>
#include <eddy/io/sync.h>
#include <eddy/io/sync_range.h>
#include <eddy/io/truncate.h>
#include <eddy/io/unlink_at.h>
#include <eddy/io/write_at.h>
#include <eddy/io/write_vector_at.h>

#include <fcntl.h>
#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include "bench/costs/costs.h"
#include "bench/costs/files.h"

namespace costs {
namespace {

namespace io = eddy::io;

using Block = std::array<std::byte, 512>;

// --- The contents of a file --------------------------------------------------

Task<Result<void>> ReadBlock(State& state) {
  EDDY_CO_TRY(const io::Fd fd, MakeFile());
  Block block{};
  for (auto _ : state) EDDY_CO_CHECK(co_await io::ReadAt(fd, 4096, block));
  co_return Result<void>();
}
EDDY_BENCHMARK(ReadBlock)->Name("io/ReadAt, 512 bytes");
Task<Result<void>> WriteBlock(State& state) {
  EDDY_CO_TRY(const io::Fd fd, MakeFile());
  const Block block{};
  for (auto _ : state) EDDY_CO_CHECK(co_await io::WriteAt(fd, 4096, block));
  co_return Result<void>();
}
EDDY_BENCHMARK(WriteBlock)->Name("io/WriteAt, 512 bytes")->UseRealTime();
Task<Result<void>> ReadBlocks(State& state) {
  EDDY_CO_TRY(const io::Fd fd, MakeFile());
  Block block{};
  const std::array<iovec, 2> buffers{iovec{block.data(), 256},
                                     iovec{&block[256], 256}};
  for (auto _ : state) {
    EDDY_CO_CHECK(co_await io::ReadVectorAt(fd, 4096, buffers));
  }
  co_return Result<void>();
}
EDDY_BENCHMARK(ReadBlocks)->Name("io/ReadVectorAt, 2 buffers of 256 bytes");
Task<Result<void>> WriteBlocks(State& state) {
  EDDY_CO_TRY(const io::Fd fd, MakeFile());
  Block block{};
  const std::array<iovec, 2> buffers{iovec{block.data(), 256},
                                     iovec{&block[256], 256}};
  for (auto _ : state) {
    EDDY_CO_CHECK(co_await io::WriteVectorAt(fd, 4096, buffers));
  }
  co_return Result<void>();
}
EDDY_BENCHMARK(WriteBlocks)
    ->Name("io/WriteVectorAt, 2 buffers of 256 bytes")
    ->UseRealTime();
Task<Result<void>> AppendByte(State& state) {
  EDDY_CO_TRY(const io::Fd fd, MakeFile());
  const std::array<std::byte, 1> byte{};
  for (auto _ : state) EDDY_CO_CHECK(co_await io::Append(fd, byte));
  co_return Result<void>();
}
EDDY_BENCHMARK(AppendByte)->Name("io/Append, 1 byte")->UseRealTime();

Task<Result<void>> RegisterMemory(State& state) {
  std::vector<std::byte> bytes(kFileSize);
  for (auto _ : state) EDDY_CO_CHECK(io::RegisteredMemory::Register(bytes));
  co_return Result<void>();
}
EDDY_BENCHMARK(RegisterMemory)
    ->Name("io/RegisteredMemory::Register, 64 KiB, and its end");

// --- The file itself ---------------------------------------------------------

// Nothing was written since the last one.
Task<Result<void>> SyncClean(State& state) {
  EDDY_CO_TRY(const io::Fd fd, MakeFile());
  EDDY_CO_CHECK(co_await io::Sync(fd));
  for (auto _ : state) EDDY_CO_CHECK(co_await io::Sync(fd));
  co_return Result<void>();
}
EDDY_BENCHMARK(SyncClean)->Name("io/Sync, nothing to write")->UseRealTime();
Task<Result<void>> SyncRangeClean(State& state) {
  EDDY_CO_TRY(const io::Fd fd, MakeFile());
  EDDY_CO_CHECK(co_await io::Sync(fd));
  for (auto _ : state) {
    EDDY_CO_CHECK(co_await io::SyncRange(fd, 0, kFileSize));
  }
  co_return Result<void>();
}
EDDY_BENCHMARK(SyncRangeClean)
    ->Name("io/SyncRange, nothing to write")
    ->UseRealTime();
Task<Result<void>> TruncateSame(State& state) {
  EDDY_CO_TRY(const io::Fd fd, MakeFile());
  for (auto _ : state) EDDY_CO_CHECK(co_await io::Truncate(fd, kFileSize));
  co_return Result<void>();
}
EDDY_BENCHMARK(TruncateSame)
    ->Name("io/Truncate, to the size that it has")
    ->UseRealTime();
Task<Result<void>> AllocateSame(State& state) {
  EDDY_CO_TRY(const io::Fd fd, MakeFile());
  EDDY_CO_CHECK(co_await io::Allocate(fd, 0, kFileSize));
  for (auto _ : state) {
    EDDY_CO_CHECK(co_await io::Allocate(fd, 0, kFileSize));
  }
  co_return Result<void>();
}
EDDY_BENCHMARK(AllocateSame)->Name("io/Allocate, what is there")->UseRealTime();
Task<Result<void>> AdviseSequential(State& state) {
  EDDY_CO_TRY(const io::Fd fd, MakeFile());
  for (auto _ : state) {
    EDDY_CO_CHECK(co_await io::Advise(fd, 0, 0, POSIX_FADV_SEQUENTIAL));
  }
  co_return Result<void>();
}
EDDY_BENCHMARK(AdviseSequential)->Name("io/Advise, sequential");
Task<Result<void>> StatFd(State& state) {
  EDDY_CO_TRY(const io::Fd fd, MakeFile());
  for (auto _ : state) EDDY_CO_CHECK(co_await io::Statx(fd));
  co_return Result<void>();
}
EDDY_BENCHMARK(StatFd)->Name("io/Statx")->UseRealTime();

// --- Names -------------------------------------------------------------------

class Names : public Folder {
 public:
  Task<Result<void>> Open(State& state) {
    for (auto _ : state) {
      EDDY_CO_TRY(io::Fd file, co_await io::OpenAt(fd(), "a"));
      EDDY_CO_CHECK(co_await file.Close());
    }
    co_return Result<void>();
  }
  Task<Result<void>> Create(State& state) {
    io::OpenHow how;
    how.flags = O_CREAT | O_RDWR;
    how.mode = 0600;
    std::vector<io::Fd> files;
    const auto remove = [&]() -> Task<Result<void>> {
      for (io::Fd& file : files) EDDY_CO_CHECK(co_await file.Close());
      RemoveAll();
      co_return Result<void>();
    };
    const auto create = [&] { return io::OpenAt(fd(), NextName(), how); };
    co_return co_await KeptInBatches(state, files, remove, create);
  }
  Task<Result<void>> Rename(State& state) {
    state.SetOperationsPerIteration(2);
    for (auto _ : state) {
      EDDY_CO_CHECK(co_await io::RenameAt(fd(), "a", fd(), "b"));
      EDDY_CO_CHECK(co_await io::RenameAt(fd(), "b", fd(), "a"));
    }
    co_return Result<void>();
  }
  Task<Result<void>> Unlink(State& state) {
    const auto make = [&]() -> Task<Result<void>> { co_return MakeAll(); };
    const auto call = [&] { return io::UnlinkAt(fd(), NextName()); };
    co_return co_await InBatches(state, make, call);
  }
  Task<Result<void>> MakeDirectory(State& state) {
    const auto call = [&] { return io::MakeDirectoryAt(fd(), NextName()); };
    co_return co_await OnNewNames(state, call);
  }
  Task<Result<void>> Link(State& state) {
    const auto call = [&] { return io::LinkAt(fd(), "a", fd(), NextName()); };
    co_return co_await OnNewNames(state, call);
  }
  Task<Result<void>> Symlink(State& state) {
    const auto call = [&] { return io::SymlinkAt("a", fd(), NextName()); };
    co_return co_await OnNewNames(state, call);
  }
};
EDDY_BENCHMARK(Names::Open)->Name("io/OpenAt, and Close");
EDDY_BENCHMARK(Names::Create)->Name("io/OpenAt with O_CREAT")->UseRealTime();
EDDY_BENCHMARK(Names::Rename)->Name("io/RenameAt")->UseRealTime();
EDDY_BENCHMARK(Names::Unlink)->Name("io/UnlinkAt")->UseRealTime();
EDDY_BENCHMARK(Names::MakeDirectory)->Name("io/MakeDirectoryAt")->UseRealTime();
EDDY_BENCHMARK(Names::Link)->Name("io/LinkAt")->UseRealTime();
EDDY_BENCHMARK(Names::Symlink)->Name("io/SymlinkAt")->UseRealTime();

}  // namespace
}  // namespace costs
