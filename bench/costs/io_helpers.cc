// What is built on the verbs: whole transfers, buffered reading, copies, shared
// streams.
#include <eddy/io/buffered_reader.h>
#include <eddy/io/copy.h>
#include <eddy/io/copy_both_ways.h>
#include <eddy/io/copy_with_splice.h>
#include <eddy/io/fd_source.h>
#include <eddy/io/pipe.h>
#include <eddy/io/read_exactly.h>
#include <eddy/io/shared_stream.h>
#include <eddy/io/standard_streams.h>
#include <eddy/io/write_all.h>
#include <eddy/net/unix.h>

#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <span>

#include "bench/costs/costs.h"
#include "bench/costs/files.h"

namespace costs {
namespace {

namespace io = eddy::io;
using eddy::net::UnixStream;

using Byte = std::array<std::byte, 1>;

// --- Whole transfers ---------------------------------------------------------

Task<Result<void>> ReadExact(State& state) {
  EDDY_CO_TRY(const io::Fd fd, OpenNow("/dev/zero"));
  Byte byte{};
  for (auto _ : state) EDDY_CO_CHECK(co_await io::ReadExactly(fd, byte));
  co_return Result<void>();
}
EDDY_BENCHMARK(ReadExact)->Name("io/ReadExactly, 1 byte of dev zero");
Task<Result<void>> WriteWhole(State& state) {
  EDDY_CO_TRY(const io::Fd fd, OpenNow("/dev/null"));
  const Byte byte{};
  for (auto _ : state) EDDY_CO_CHECK(co_await io::WriteAll(fd, byte));
  co_return Result<void>();
}
EDDY_BENCHMARK(WriteWhole)->Name("io/WriteAll, 1 byte to dev null");
Task<Result<void>> WriteSeveral(State& state) {
  EDDY_CO_TRY(const io::Fd fd, OpenNow("/dev/null"));
  Byte byte{};
  const std::array<iovec, 2> buffers{iovec{byte.data(), 1},
                                     iovec{byte.data(), 1}};
  for (auto _ : state) EDDY_CO_CHECK(co_await io::WriteAll(fd, buffers));
  co_return Result<void>();
}
EDDY_BENCHMARK(WriteSeveral)->Name("io/WriteAll, 2 buffers to dev null");

// --- Buffered reading --------------------------------------------------------

Task<Result<void>> MakeReader(State& state) {
  EDDY_CO_TRY(const io::Fd fd, OpenNow("/dev/zero"));
  io::FdSource source(fd);
  for (auto _ : state) {
    io::BufferedReader reader(source);
    DoNotOptimize(&reader);
  }
  co_return Result<void>();
}
EDDY_BENCHMARK(MakeReader)->Name("io/BufferedReader, made and destroyed");

// What `read` does with a reader of an endless source, which it asks for 16 KiB
// at a time.
template <class Read>
Task<Result<void>> FromReader(State& state, Read read) {
  EDDY_CO_TRY(const io::Fd fd, OpenNow("/dev/zero"));
  io::FdSource source(fd);
  io::BufferedReader reader(source);
  for (auto _ : state) EDDY_CO_CHECK(co_await read(reader));
  co_return Result<void>();
}
Task<Result<void>> ReadBuffered(State& state) {
  Byte byte{};
  const auto read = [&](auto& reader) { return reader.Read(byte); };
  co_return co_await FromReader(state, read);
}
EDDY_BENCHMARK(ReadBuffered)
    ->Name("io/BufferedReader::Read, 1 byte, mostly there");
Task<Result<void>> ReadExactlyBuffered(State& state) {
  Byte byte{};
  const auto read = [&](auto& reader) { return reader.ReadExactly(byte); };
  co_return co_await FromReader(state, read);
}
EDDY_BENCHMARK(ReadExactlyBuffered)
    ->Name("io/BufferedReader::ReadExactly, 1 byte, mostly there");
Task<Result<void>> PeekBuffered(State& state) {
  const auto read = [](auto& reader) { return reader.Peek(1); };
  co_return co_await FromReader(state, read);
}
EDDY_BENCHMARK(PeekBuffered)->Name("io/BufferedReader::Peek, 1 byte, there");
// Lines of no text: the file has nothing but line ends.
Task<Result<void>> ReadLines(State& state) {
  EDDY_CO_TRY(const io::Fd fd, MakeFile());
  io::FdSource source(fd);
  io::BufferedReader reader(source);
  std::size_t left = kFileSize;
  for (auto _ : state) {
    EDDY_CO_CHECK(co_await reader.ReadLine());
    if (--left == 0) {
      lseek(fd.get(), 0, SEEK_SET);
      left = kFileSize;
    }
  }
  co_return Result<void>();
}
EDDY_BENCHMARK(ReadLines)->Name(
    "io/BufferedReader::ReadLine, empty, mostly there");
Task<Result<void>> ReadUntilLineEnd(State& state) {
  EDDY_CO_TRY(const io::Fd fd, MakeFile());
  io::FdSource source(fd);
  io::BufferedReader reader(source);
  std::size_t left = kFileSize;
  for (auto _ : state) {
    EDDY_CO_CHECK(co_await reader.ReadUntil("\n"));
    if (--left == 0) {
      lseek(fd.get(), 0, SEEK_SET);
      left = kFileSize;
    }
  }
  co_return Result<void>();
}
EDDY_BENCHMARK(ReadUntilLineEnd)
    ->Name("io/BufferedReader::ReadUntil, 1 byte, mostly there");

// --- Copies ------------------------------------------------------------------

Task<Result<void>> CopyFile(State& state) {
  EDDY_CO_TRY(const io::Fd from, MakeFile());
  EDDY_CO_TRY(const io::Fd to, OpenNow("/dev/null"));
  for (auto _ : state) {
    lseek(from.get(), 0, SEEK_SET);
    EDDY_CO_CHECK(co_await io::Copy(from, to));
  }
  co_return Result<void>();
}
EDDY_BENCHMARK(CopyFile)->Name("io/Copy of descriptors, 64 KiB to dev null");
Task<Result<void>> CopySource(State& state) {
  EDDY_CO_TRY(const io::Fd fd, MakeFile());
  EDDY_CO_TRY(io::Fd null, OpenNow("/dev/null"));
  io::FdSource from(fd);
  io::PipeWriter to(std::move(null));
  for (auto _ : state) {
    lseek(fd.get(), 0, SEEK_SET);
    EDDY_CO_CHECK(co_await io::Copy(from, to));
  }
  co_return Result<void>();
}
EDDY_BENCHMARK(CopySource)
    ->Name("io/Copy of a source to a sink, 64 KiB to dev null");
Task<Result<void>> SpliceFile(State& state) {
  EDDY_CO_TRY(const io::Fd from, MakeFile());
  EDDY_CO_TRY(const io::Fd to, OpenNow("/dev/null"));
  for (auto _ : state) {
    lseek(from.get(), 0, SEEK_SET);
    EDDY_CO_CHECK(co_await io::CopyWithSplice(from, to));
  }
  co_return Result<void>();
}
EDDY_BENCHMARK(SpliceFile)
    ->Name("io/CopyWithSplice, 64 KiB to dev null")
    ->UseRealTime();
Task<Result<void>> CopyBetween(State& state) {
  for (auto _ : state) {
    state.PauseTiming();
    EDDY_CO_TRY(auto one, UnixStream::Pair());
    EDDY_CO_TRY(auto other, UnixStream::Pair());
    EDDY_CO_CHECK(co_await one.first.Shutdown());
    EDDY_CO_CHECK(co_await other.first.Shutdown());
    state.ResumeTiming();
    EDDY_CO_CHECK(co_await io::CopyBothWays(one.second, other.second));
    state.PauseTiming();
    EDDY_CO_CHECK(co_await one.first.Close());
    EDDY_CO_CHECK(co_await one.second.Close());
    EDDY_CO_CHECK(co_await other.first.Close());
    EDDY_CO_CHECK(co_await other.second.Close());
    state.ResumeTiming();
  }
  co_return Result<void>();
}
EDDY_BENCHMARK(CopyBetween)
    ->Name("io/CopyBothWays, of two sockets that have ended")
    ->UseRealTime();

// --- Shared streams ----------------------------------------------------------

Task<> GetStandardStream(State& state) {
  for (auto _ : state) DoNotOptimize(io::Stdout());
  co_return;
}
EDDY_BENCHMARK(GetStandardStream)->Name("io/Stdout");
Task<Result<void>> ReadShared(State& state) {
  EDDY_CO_TRY(const io::Fd fd, OpenNow("/dev/zero"));
  io::SharedStream stream(fd);
  Byte byte{};
  for (auto _ : state) EDDY_CO_CHECK(co_await stream.Read(byte));
  co_return Result<void>();
}
EDDY_BENCHMARK(ReadShared)->Name("io/SharedStream::Read, 1 byte of dev zero");
Task<Result<void>> WriteShared(State& state) {
  EDDY_CO_TRY(const io::Fd fd, OpenNow("/dev/null"));
  io::SharedStream stream(fd);
  const Byte byte{};
  for (auto _ : state) EDDY_CO_CHECK(co_await stream.Write(byte));
  co_return Result<void>();
}
EDDY_BENCHMARK(WriteShared)->Name("io/SharedStream::Write, 1 byte to dev null");

}  // namespace
}  // namespace costs
