// Files: their contents, what they are asked, reading and writing ahead.
#include <eddy/fs/aligned_buffer.h>
#include <eddy/fs/file.h>
#include <eddy/fs/read_file.h>
#include <eddy/fs/reader.h>
#include <eddy/fs/write_file.h>
#include <eddy/fs/write_file_atomic.h>
#include <eddy/fs/writer.h>

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <string>
#include <utility>

#include "bench/costs/costs.h"
#include "bench/costs/files.h"

namespace costs {
namespace {

namespace fs = eddy::fs;

using Block = std::array<std::byte, 512>;

Result<fs::File> OpenFile() {
  return MakeFile().map(
      [](eddy::io::Fd fd) { return fs::File(std::move(fd)); });
}

// --- Contents ----------------------------------------------------------------

Task<Result<void>> ReadBlock(State& state) {
  EDDY_CO_TRY(const fs::File file, OpenFile());
  Block block{};
  for (auto _ : state) EDDY_CO_CHECK(co_await file.ReadAt(4096, block));
  co_return Result<void>();
}
EDDY_BENCHMARK(ReadBlock)->Name("fs/File::ReadAt, 512 bytes");
Task<Result<void>> ReadWhole(State& state) {
  EDDY_CO_TRY(const fs::File file, OpenFile());
  Block block{};
  for (auto _ : state) EDDY_CO_CHECK(co_await file.ReadAllAt(4096, block));
  co_return Result<void>();
}
EDDY_BENCHMARK(ReadWhole)->Name("fs/File::ReadAllAt, 512 bytes");
Task<Result<void>> WriteBlock(State& state) {
  EDDY_CO_TRY(fs::File file, OpenFile());
  const Block block{};
  for (auto _ : state) EDDY_CO_CHECK(co_await file.WriteAt(4096, block));
  co_return Result<void>();
}
EDDY_BENCHMARK(WriteBlock)->Name("fs/File::WriteAt, 512 bytes")->UseRealTime();
Task<Result<void>> WriteWhole(State& state) {
  EDDY_CO_TRY(fs::File file, OpenFile());
  const Block block{};
  for (auto _ : state) EDDY_CO_CHECK(co_await file.WriteAllAt(4096, block));
  co_return Result<void>();
}
EDDY_BENCHMARK(WriteWhole)
    ->Name("fs/File::WriteAllAt, 512 bytes")
    ->UseRealTime();
Task<Result<void>> Append(State& state) {
  EDDY_CO_TRY(fs::File file, OpenFile());
  const Block block{};
  for (auto _ : state) EDDY_CO_CHECK(co_await file.Append(block));
  co_return Result<void>();
}
EDDY_BENCHMARK(Append)->Name("fs/File::Append, 512 bytes")->UseRealTime();

Task<> MakeBuffer(State& state) {
  for (auto _ : state) {
    const fs::AlignedBuffer buffer(kFileSize);
    DoNotOptimize(&buffer);
  }
  co_return;
}
EDDY_BENCHMARK(MakeBuffer)
    ->Name("fs/AlignedBuffer, 64 KiB, made and destroyed");

Task<Result<void>> RegisterBuffer(State& state) {
  for (auto _ : state) {
    fs::AlignedBuffer buffer(kFileSize);
    EDDY_CO_CHECK(buffer.Register());
  }
  co_return Result<void>();
}
EDDY_BENCHMARK(RegisterBuffer)
    ->Name("fs/AlignedBuffer, 64 KiB, its Register, and the end of both");

// --- The file itself ---------------------------------------------------------

Task<Result<void>> Stat(State& state) {
  EDDY_CO_TRY(const fs::File file, OpenFile());
  for (auto _ : state) EDDY_CO_CHECK(co_await file.Stat());
  co_return Result<void>();
}
EDDY_BENCHMARK(Stat)->Name("fs/File::Stat")->UseRealTime();
Task<Result<void>> Size(State& state) {
  EDDY_CO_TRY(const fs::File file, OpenFile());
  for (auto _ : state) EDDY_CO_CHECK(co_await file.Size());
  co_return Result<void>();
}
EDDY_BENCHMARK(Size)->Name("fs/File::Size")->UseRealTime();
Task<Result<void>> Sync(State& state) {
  EDDY_CO_TRY(fs::File file, OpenFile());
  for (auto _ : state) EDDY_CO_CHECK(co_await file.Sync());
  co_return Result<void>();
}
EDDY_BENCHMARK(Sync)->Name("fs/File::Sync, nothing to write")->UseRealTime();
Task<Result<void>> DataSync(State& state) {
  EDDY_CO_TRY(fs::File file, OpenFile());
  Block block{};
  for (auto _ : state) {
    EDDY_CO_CHECK(co_await file.WriteAt(0, block));
    EDDY_CO_CHECK(co_await file.DataSync());
  }
  co_return Result<void>();
}
EDDY_BENCHMARK(DataSync)
    ->Name("fs/File::DataSync, and the WriteAt before it")
    ->UseRealTime();
Task<Result<void>> Truncate(State& state) {
  EDDY_CO_TRY(fs::File file, OpenFile());
  for (auto _ : state) EDDY_CO_CHECK(co_await file.Truncate(kFileSize));
  co_return Result<void>();
}
EDDY_BENCHMARK(Truncate)
    ->Name("fs/File::Truncate, to the size that it has")
    ->UseRealTime();
Task<Result<void>> Allocate(State& state) {
  EDDY_CO_TRY(fs::File file, OpenFile());
  for (auto _ : state) EDDY_CO_CHECK(co_await file.Allocate(0, kFileSize));
  co_return Result<void>();
}
EDDY_BENCHMARK(Allocate)
    ->Name("fs/File::Allocate, what is there")
    ->UseRealTime();
Task<Result<void>> PunchHole(State& state) {
  EDDY_CO_TRY(fs::File file, OpenFile());
  for (auto _ : state) EDDY_CO_CHECK(co_await file.PunchHole(0, 4096));
  co_return Result<void>();
}
EDDY_BENCHMARK(PunchHole)
    ->Name("fs/File::PunchHole, where there is one")
    ->UseRealTime();
Task<Result<void>> SyncRange(State& state) {
  EDDY_CO_TRY(fs::File file, OpenFile());
  EDDY_CO_CHECK(co_await file.Sync());
  for (auto _ : state) EDDY_CO_CHECK(co_await file.SyncRange(0, kFileSize));
  co_return Result<void>();
}
EDDY_BENCHMARK(SyncRange)
    ->Name("fs/File::SyncRange, nothing to write")
    ->UseRealTime();
Task<Result<void>> Advise(State& state) {
  EDDY_CO_TRY(const fs::File file, OpenFile());
  for (auto _ : state) {
    EDDY_CO_CHECK(co_await file.Advise(POSIX_FADV_SEQUENTIAL));
  }
  co_return Result<void>();
}
EDDY_BENCHMARK(Advise)->Name("fs/File::Advise, sequential");
Task<Result<void>> SetMode(State& state) {
  EDDY_CO_TRY(fs::File file, OpenFile());
  for (auto _ : state) EDDY_CO_CHECK(co_await file.SetMode(0600));
  co_return Result<void>();
}
EDDY_BENCHMARK(SetMode)->Name("fs/File::SetMode")->UseRealTime();
Task<Result<void>> SetTimes(State& state) {
  EDDY_CO_TRY(fs::File file, OpenFile());
  const fs::FileTime time{};
  for (auto _ : state) EDDY_CO_CHECK(co_await file.SetTimes(time, time));
  co_return Result<void>();
}
EDDY_BENCHMARK(SetTimes)->Name("fs/File::SetTimes")->UseRealTime();
Task<Result<void>> SetOwner(State& state) {
  EDDY_CO_TRY(fs::File file, OpenFile());
  for (auto _ : state) {
    EDDY_CO_CHECK(co_await file.SetOwner(getuid(), getgid()));
  }
  co_return Result<void>();
}
EDDY_BENCHMARK(SetOwner)->Name("fs/File::SetOwner")->UseRealTime();
Task<Result<void>> TryLock(State& state) {
  EDDY_CO_TRY(fs::File file, OpenFile());
  for (auto _ : state) {
    EDDY_CO_CHECK(co_await file.TryLock(fs::LockKind::kExclusive));
  }
  co_return Result<void>();
}
EDDY_BENCHMARK(TryLock)->Name("fs/File::TryLock, and its end")->UseRealTime();
Task<Result<void>> Lock(State& state) {
  EDDY_CO_TRY(fs::File file, OpenFile());
  for (auto _ : state) {
    EDDY_CO_CHECK(co_await file.Lock(fs::LockKind::kExclusive));
  }
  co_return Result<void>();
}
EDDY_BENCHMARK(Lock)->Name("fs/File::Lock, free, and its end")->UseRealTime();

// --- Ahead -------------------------------------------------------------------

// A file of 16 chunks; the first four, for which memory is got, do not count.
constexpr std::size_t kChunk = 4096;
constexpr std::size_t kFirst = 4;
constexpr std::size_t kRest = (kFileSize / kChunk) - kFirst;
Task<Result<void>> ReadAhead(State& state) {
  fs::ReaderOptions options;
  options.chunk_size = kChunk;
  state.SetOperationsPerIteration(kRest);
  for (auto _ : state) {
    state.PauseTiming();
    EDDY_CO_TRY(fs::File file, OpenFile());
    fs::Reader reader(std::move(file), options);
    for (std::size_t i = 0; i < kFirst; ++i) {
      EDDY_CO_CHECK(co_await reader.Next());
    }
    state.ResumeTiming();
    for (std::size_t i = 0; i < kRest; ++i) {
      EDDY_CO_CHECK(co_await reader.Next());
    }
    state.PauseTiming();
  }
  co_return Result<void>();
}
EDDY_BENCHMARK(ReadAhead)->Name("fs/Reader::Next, a chunk of 4 KiB");
Task<Result<void>> ReadBytes(State& state) {
  fs::ReaderOptions options;
  options.chunk_size = kChunk;
  state.SetOperationsPerIteration(kFileSize - kChunk);
  for (auto _ : state) {
    state.PauseTiming();
    EDDY_CO_TRY(fs::File file, OpenFile());
    fs::Reader reader(std::move(file), options);
    EDDY_CO_CHECK(co_await reader.Next());
    std::array<std::byte, 1> byte{};
    state.ResumeTiming();
    for (std::size_t i = kChunk; i != kFileSize; ++i) {
      EDDY_CO_CHECK(co_await reader.Read(byte));
    }
    state.PauseTiming();
  }
  co_return Result<void>();
}
EDDY_BENCHMARK(ReadBytes)->Name("fs/Reader::Read, 1 byte, mostly there");
Task<Result<void>> WriteBehind(State& state) {
  fs::WriterOptions options;
  options.chunk_size = kChunk;
  const std::array<std::byte, kChunk> bytes{};
  state.SetOperationsPerIteration(kRest);
  for (auto _ : state) {
    state.PauseTiming();
    EDDY_CO_TRY(fs::File file, OpenFile());
    fs::Writer writer(std::move(file), options);
    for (std::size_t i = 0; i < kFirst; ++i) {
      EDDY_CO_CHECK(co_await writer.Write(bytes));
    }
    state.ResumeTiming();
    for (std::size_t i = 0; i < kRest; ++i) {
      EDDY_CO_CHECK(co_await writer.Write(bytes));
    }
    state.PauseTiming();
    EDDY_CO_CHECK(co_await writer.Close());
  }
  co_return Result<void>();
}
EDDY_BENCHMARK(WriteBehind)
    ->Name("fs/Writer::Write, a chunk of 4 KiB")
    ->UseRealTime();
Task<Result<void>> FlushWriter(State& state) {
  EDDY_CO_TRY(fs::File file, OpenFile());
  fs::Writer writer(std::move(file));
  const Block block{};
  for (auto _ : state) {
    EDDY_CO_CHECK(co_await writer.Write(block));
    EDDY_CO_CHECK(co_await writer.Flush());
  }
  co_return co_await writer.Close();
}
EDDY_BENCHMARK(FlushWriter)
    ->Name("fs/Writer::Flush, and the Write of 512 bytes before it")
    ->UseRealTime();

// --- Whole files -------------------------------------------------------------

class WholeFiles : public Folder {
 public:
  Task<Result<void>> Open(State& state) {
    const std::string path = Path("a");
    for (auto _ : state) {
      EDDY_CO_TRY(fs::File file, co_await fs::File::Open(path));
      EDDY_CO_CHECK(co_await file.Close());
    }
    co_return Result<void>();
  }
  Task<Result<void>> Read(State& state) {
    const std::string path = Path("a");
    const std::string text(512, 'a');
    EDDY_CO_CHECK(co_await fs::WriteFile(path, text));
    for (auto _ : state) EDDY_CO_CHECK(co_await fs::ReadFile(path));
    co_return Result<void>();
  }
  Task<Result<void>> Write(State& state) {
    const std::string path = Path("a");
    const std::string text(512, 'a');
    for (auto _ : state) EDDY_CO_CHECK(co_await fs::WriteFile(path, text));
    co_return Result<void>();
  }
  Task<Result<void>> WriteAtomic(State& state) {
    const std::string path = Path("a");
    const std::string text(512, 'a');
    fs::WriteAtomicOptions options;
    options.durable = false;
    for (auto _ : state) {
      EDDY_CO_CHECK(co_await fs::WriteFileAtomic(path, text, options));
    }
    co_return Result<void>();
  }
};
EDDY_BENCHMARK(WholeFiles::Open)->Name("fs/File::Open, and Close");
EDDY_BENCHMARK(WholeFiles::Read)->Name("fs/ReadFile, 512 bytes")->UseRealTime();
EDDY_BENCHMARK(WholeFiles::Write)
    ->Name("fs/WriteFile, 512 bytes")
    ->UseRealTime();
EDDY_BENCHMARK(WholeFiles::WriteAtomic)
    ->Name("fs/WriteFileAtomic, 512 bytes, not durable")
    ->UseRealTime();

}  // namespace
}  // namespace costs
