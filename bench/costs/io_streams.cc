// The verbs on what has no position: devices, pipes, eventfds, sockets.
#include <eddy/io/buffer_pool.h>
#include <eddy/io/close.h>
#include <eddy/io/fd.h>
#include <eddy/io/pipe.h>
#include <eddy/io/poll.h>
#include <eddy/io/read.h>
#include <eddy/io/read_vector.h>
#include <eddy/io/receive.h>
#include <eddy/io/receive_message.h>
#include <eddy/io/receive_stream.h>
#include <eddy/io/send.h>
#include <eddy/io/send_all.h>
#include <eddy/io/send_message.h>
#include <eddy/io/send_zero_copy.h>
#include <eddy/io/shutdown.h>
#include <eddy/io/splice.h>
#include <eddy/io/write.h>
#include <eddy/io/write_vector.h>
#include <eddy/net/unix.h>
#include <eddy/runtime/timeout.h>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "bench/costs/costs.h"
#include "bench/costs/files.h"
#include "bench/costs/sockets.h"

using namespace std::chrono_literals;

namespace costs {
namespace {

namespace io = eddy::io;
using eddy::net::UnixStream;

using Number = std::array<std::byte, sizeof(std::uint64_t)>;

// --- Devices and eventfds, which are always ready ----------------------------

Task<Result<void>> ReadZero(State& state) {
  EDDY_CO_TRY(const io::Fd fd, OpenNow("/dev/zero"));
  Byte byte{};
  for (auto _ : state) EDDY_CO_CHECK(co_await io::Read(fd, byte));
  co_return Result<void>();
}
EDDY_BENCHMARK(ReadZero)->Name("io/Read, 1 byte of dev zero");
Task<Result<void>> WriteNull(State& state) {
  EDDY_CO_TRY(const io::Fd fd, OpenNow("/dev/null"));
  const Byte byte{};
  for (auto _ : state) EDDY_CO_CHECK(co_await io::Write(fd, byte));
  co_return Result<void>();
}
EDDY_BENCHMARK(WriteNull)->Name("io/Write, 1 byte to dev null");

Task<Result<void>> ReadEvent(State& state) {
  // A semaphore: each takes one of them.
  EDDY_CO_TRY(const io::Fd fd,
              Checked(eventfd(0x7fffffff, EFD_CLOEXEC | EFD_SEMAPHORE)));
  Number number{};
  for (auto _ : state) EDDY_CO_CHECK(co_await io::Read(fd, number));
  co_return Result<void>();
}
EDDY_BENCHMARK(ReadEvent)->Name("io/Read of an eventfd");
Task<Result<void>> WriteEvent(State& state) {
  EDDY_CO_TRY(const io::Fd fd, Checked(eventfd(0, EFD_CLOEXEC)));
  const Number number{std::byte{1}};
  for (auto _ : state) EDDY_CO_CHECK(co_await io::Write(fd, number));
  co_return Result<void>();
}
EDDY_BENCHMARK(WriteEvent)->Name("io/Write to an eventfd")->UseRealTime();

Task<Result<void>> ReadVectorZero(State& state) {
  EDDY_CO_TRY(const io::Fd fd, OpenNow("/dev/zero"));
  Byte byte{};
  const std::array<iovec, 2> buffers{iovec{byte.data(), 1},
                                     iovec{byte.data(), 1}};
  for (auto _ : state) EDDY_CO_CHECK(co_await io::ReadVector(fd, buffers));
  co_return Result<void>();
}
EDDY_BENCHMARK(ReadVectorZero)->Name("io/ReadVector, 2 buffers of dev zero");
Task<Result<void>> WriteVectorNull(State& state) {
  EDDY_CO_TRY(const io::Fd fd, OpenNow("/dev/null"));
  Byte byte{};
  const std::array<iovec, 2> buffers{iovec{byte.data(), 1},
                                     iovec{byte.data(), 1}};
  for (auto _ : state) EDDY_CO_CHECK(co_await io::WriteVector(fd, buffers));
  co_return Result<void>();
}
EDDY_BENCHMARK(WriteVectorNull)->Name("io/WriteVector, 2 buffers to dev null");

Task<Result<void>> PollReady(State& state) {
  EDDY_CO_TRY(const io::Fd fd, Checked(eventfd(1, EFD_CLOEXEC)));
  for (auto _ : state) EDDY_CO_CHECK(co_await io::Poll(fd, POLLIN));
  co_return Result<void>();
}
EDDY_BENCHMARK(PollReady)->Name("io/Poll, ready");

Task<Result<void>> PollStopped(State& state) {
  EDDY_CO_TRY(const io::Fd fd, Checked(eventfd(0, EFD_CLOEXEC)));
  for (auto _ : state) {
    DoNotOptimize(co_await eddy::WithTimeout(1us, io::Poll(fd, POLLIN)));
  }
  co_return Result<void>();
}
EDDY_BENCHMARK(PollStopped)
    ->Name("io/Poll, stopped by a WithTimeout of 1 µs")
    ->UseRealTime();

// --- Pipes -------------------------------------------------------------------

Task<Result<void>> MakePipe(State& state) {
  for (auto _ : state) EDDY_CO_CHECK(io::Pipe::Create());
  co_return Result<void>();
}
EDDY_BENCHMARK(MakePipe)->Name("io/Pipe::Create, and the ends of both");
Task<Result<void>> ReadPipe(State& state) {
  EDDY_CO_TRY(auto pipe, io::Pipe::Create());
  const std::array<std::byte, kBatch> bytes{};
  Byte byte{};
  const auto fill = [&] { return pipe.writer.Write(bytes); };
  const auto read = [&] { return pipe.reader.Read(byte); };
  co_return co_await InBatches(state, fill, read);
}
EDDY_BENCHMARK(ReadPipe)->Name("io/PipeReader::Read, ready");
Task<Result<void>> WritePipe(State& state) {
  EDDY_CO_TRY(auto pipe, io::Pipe::Create());
  std::array<std::byte, kBatch> bytes{};
  const Byte byte{};
  EDDY_CO_CHECK(co_await pipe.writer.Write(bytes));
  const auto drain = [&]() -> Task<Result<void>> {
    EDDY_CO_CHECK(co_await pipe.reader.Read(bytes));
    co_return Result<void>();
  };
  const auto write = [&] { return pipe.writer.Write(byte); };
  co_return co_await InBatches(state, drain, write);
}
EDDY_BENCHMARK(WritePipe)->Name("io/PipeWriter::Write, with room");

Task<Result<void>> PingPongPipes(State& state) {
  EDDY_CO_TRY(auto there, io::Pipe::Create());
  EDDY_CO_TRY(auto back, io::Pipe::Create());
  co_return co_await PingPong(state, back.reader, there.writer, there.reader,
                              back.writer);
}
EDDY_BENCHMARK(PingPongPipes)
    ->Name("io/PipeReader::Read, waits, and the Write that ends it");

Task<Result<void>> SplicePipe(State& state) {
  EDDY_CO_TRY(const io::Fd zero, OpenNow("/dev/zero"));
  EDDY_CO_TRY(const io::Fd null, OpenNow("/dev/null"));
  EDDY_CO_TRY(const auto pipe, io::Pipe::Create());
  state.SetOperationsPerIteration(2);
  for (auto _ : state) {
    EDDY_CO_CHECK(co_await io::Splice(zero, pipe.writer.fd(), 4096));
    EDDY_CO_CHECK(co_await io::Splice(pipe.reader.fd(), null, 4096));
  }
  co_return Result<void>();
}
EDDY_BENCHMARK(SplicePipe)
    ->Name("io/Splice, 4 KiB to a pipe or from one")
    ->UseRealTime();

// --- Sockets -----------------------------------------------------------------

Task<Result<void>> ReceiveReady(State& state) {
  EDDY_CO_TRY(auto ends, UnixStream::Pair());
  Byte byte{};
  const auto receive = [&] { return io::Receive(ends.second.fd(), byte); };
  co_return co_await ReadInBatches(state, ends.first, receive);
}
EDDY_BENCHMARK(ReceiveReady)->Name("io/Receive, ready");
Task<Result<void>> ReceiveMessageReady(State& state) {
  EDDY_CO_TRY(auto ends, UnixStream::Pair());
  Byte byte{};
  const auto receive = [&] {
    return io::ReceiveMessage(ends.second.fd(), byte);
  };
  co_return co_await ReadInBatches(state, ends.first, receive);
}
EDDY_BENCHMARK(ReceiveMessageReady)->Name("io/ReceiveMessage, ready");
Task<Result<void>> NextOfReceiveStream(State& state) {
  EDDY_CO_TRY(auto ends, UnixStream::Pair());
  EDDY_CO_TRY(auto stream, io::ReceiveStream::Create());
  const Byte byte{};
  for (auto _ : state) {
    EDDY_CO_CHECK(co_await io::Send(ends.first.fd(), byte));
    EDDY_CO_CHECK(co_await stream.Next(ends.second.fd()));
  }
  stream.Reset();
  co_return Result<void>();
}
EDDY_BENCHMARK(NextOfReceiveStream)
    ->Name("io/ReceiveStream::Next, and the Send before it");

// Sends of one byte; what was sent is read meanwhile.
template <class Send>
Task<Result<void>> SendInBatches(State& state, Send send) {
  EDDY_CO_TRY(auto ends, UnixStream::Pair());
  const Byte byte{};
  const auto call = [&] { return send(ends.first.fd(), byte); };
  co_return co_await WriteInBatches(state, ends.first, ends.second, call);
}
Task<Result<void>> SendReady(State& state) {
  const auto send = [](const io::Fd& fd, const Byte& byte) {
    return io::Send(fd, byte);
  };
  co_return co_await SendInBatches(state, send);
}
EDDY_BENCHMARK(SendReady)->Name("io/Send, with room");
Task<Result<void>> SendAllReady(State& state) {
  const auto send = [](const io::Fd& fd, const Byte& byte) {
    return io::SendAll(fd, byte);
  };
  co_return co_await SendInBatches(state, send);
}
EDDY_BENCHMARK(SendAllReady)->Name("io/SendAll, with room");
Task<Result<void>> SendMessageReady(State& state) {
  const auto send = [](const io::Fd& fd, const Byte& byte) {
    return io::SendMessage(fd, byte);
  };
  co_return co_await SendInBatches(state, send);
}
EDDY_BENCHMARK(SendMessageReady)->Name("io/SendMessage, with room");

Task<Result<void>> ShutDown(State& state) {
  EDDY_CO_TRY(auto ends, UnixStream::Pair());
  for (auto _ : state) {
    EDDY_CO_CHECK(co_await io::Shutdown(ends.first.fd(), SHUT_WR));
  }
  co_return Result<void>();
}
EDDY_BENCHMARK(ShutDown)->Name("io/Shutdown")->UseRealTime();

// --- Buffers, descriptors ----------------------------------------------------

Task<Result<void>> MakePool(State& state) {
  for (auto _ : state) EDDY_CO_CHECK(io::BufferPool::Create());
  co_return Result<void>();
}
EDDY_BENCHMARK(MakePool)->Name("io/BufferPool::Create, and its end");
Task<Result<void>> GetPool(State& state) {
  EDDY_CO_TRY(const auto pool, io::BufferPool::Default());
  for (auto _ : state) EDDY_CO_CHECK(io::BufferPool::Default());
  co_return Result<void>();
}
EDDY_BENCHMARK(GetPool)->Name("io/BufferPool::Default, but for the first");

// Descriptors to be closed: copies of one.
Result<void> Copies(std::vector<io::Fd>& fds) {
  Result<io::Fd> null = OpenNow("/dev/null");
  while (fds.size() < kBatch) {
    Result<io::Fd> copy = Checked(fcntl(null->get(), F_DUPFD_CLOEXEC, 0));
    if (!copy) return eddy::Unexpected(copy.error());
    fds.push_back(*std::move(copy));
  }
  return {};
}
Task<Result<void>> CloseFd(State& state) {
  std::vector<io::Fd> fds;
  const auto open = [&]() -> Task<Result<void>> {
    fds.clear();
    co_return Copies(fds);
  };
  std::size_t next = 0;
  const auto close = [&] { return fds[next++ % kBatch].Close(); };
  co_return co_await InBatches(state, open, close);
}
EDDY_BENCHMARK(CloseFd)->Name("io/Fd::Close");
Task<Result<void>> DestroyFd(State& state) {
  std::vector<io::Fd> fds;
  const auto open = [&]() -> Task<Result<void>> { co_return Copies(fds); };
  const auto destroy = [&]() -> Task<Result<void>> {
    fds.pop_back();
    co_return Result<void>();
  };
  co_return co_await InBatches(state, open, destroy);
}
EDDY_BENCHMARK(DestroyFd)->Name("io/Fd, its end, in a Task");

}  // namespace
}  // namespace costs
