// TCP servers as a user of eddy would write them.

#include <eddy/io/buffer_pool.h>
#include <eddy/io/receive_stream.h>
#include <eddy/io/send_zero_copy.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "bench/lib/eddy_server.h"
#include "bench/network/eddy.h"
#include "bench/network/protocol.h"

namespace eddy::bench::subject {
namespace {

const std::span<const std::byte> kAnswer =
    std::as_bytes(std::span(answer_block));

// A block's room on the heap: big arrays do not belong in coroutine frames.
class Block {
 public:
  std::span<std::byte> span() { return {memory_.get(), kBlock}; }

 private:
  std::unique_ptr<std::byte[]> memory_ =
      std::make_unique_for_overwrite<std::byte[]>(kBlock);
};

Task<void> EchoBlocks(net::TcpStream stream) {
  Block block;
  while (true) {
    const Result<std::size_t> n = co_await stream.Read(block.span());
    if (!n || *n == 0) co_return;
    const Result<void> written = co_await stream.Write(block.span().first(*n));
    if (!written) co_return;
  }
}

// As EchoBlocks, but the kernel sends the bytes from where they are.
Task<void> EchoZeroCopyBlocks(net::TcpStream stream) {
  Block block;
  while (true) {
    const Result<std::size_t> n = co_await stream.Read(block.span());
    if (!n || *n == 0) co_return;
    for (std::span<const std::byte> rest = block.span().first(*n);
         !rest.empty();) {
      const Result<std::size_t> sent =
          co_await io::SendZeroCopy(stream.fd(), rest, MSG_WAITALL);
      if (!sent) co_return;
      rest = rest.subspan(*sent);
    }
  }
}

Task<void> ReceiveBlocks(net::TcpStream stream) {
  Block block;
  BatchCounter counter;
  while (true) {
    const Result<std::size_t> n = co_await stream.Read(block.span());
    if (!n || *n == 0) co_return;
    for (std::size_t due = counter.Add(*n); due > 0; --due) {
      const Result<void> written = co_await stream.Write(kAnswer.first(1));
      if (!written) co_return;
    }
  }
}

Task<void> LeasesEcho(net::TcpStream stream) {
  while (true) {
    const Result<io::Buffer> data = co_await stream.Receive();
    if (!data || data->empty()) co_return;
    const Result<void> written = co_await stream.Write(data->bytes());
    if (!written) co_return;
  }
}

// Buffers of the size that a block has, for all connections.
Result<io::ReceiveOptions> BlockLeases() {
  static std::optional<io::BufferPool> pool;
  if (!pool) {
    io::BufferPoolOptions options;
    options.buffer_size = kBlock;
    Result<io::BufferPool> made = io::BufferPool::Create(options);
    if (!made) return Unexpected(made.error());
    pool = *std::move(made);
  }
  io::ReceiveOptions options;
  options.pool = pool;
  options.most_waiting = 4 * kBlock;
  return options;
}

Task<void> LeasesReceive(net::TcpStream stream) {
  const Result<io::ReceiveOptions> options = BlockLeases();
  if (!options || !stream.SetReceiveOptions(*options)) co_return;
  BatchCounter counter;
  while (true) {
    const Result<io::Buffer> data = co_await stream.Receive();
    if (!data || data->empty()) co_return;
    for (std::size_t due = counter.Add(data->size()); due > 0; --due) {
      const Result<void> written = co_await stream.Write(kAnswer.first(1));
      if (!written) co_return;
    }
  }
}

Task<void> SendBlocks(net::TcpStream stream) {
  std::byte request{};
  while (true) {
    const Result<std::size_t> n = co_await stream.Read({&request, 1});
    if (!n || *n == 0) co_return;
    for (std::size_t sent = 0; sent < kBatch; sent += kBlock) {
      const Result<void> written = co_await stream.Write(kAnswer);
      if (!written) co_return;
    }
  }
}

Task<Result<void>> AcceptAndClose(std::uint16_t port) {
  EDDY_CO_TRY(net::TcpListener listener, Listen(port));
  while (true) {
    Result<net::TcpStream> stream = co_await listener.Accept();
    if (!stream) EDDY_CO_CHECK(co_await Sleep(std::chrono::milliseconds(10)));
  }
}

Task<Result<void>> CloseIncoming(std::uint16_t port) {
  EDDY_CO_TRY(net::TcpListener listener, Listen(port));
  net::Incoming incoming = listener.Incoming();
  while (true) {
    EDDY_CO_TRY(const net::TcpStream stream, co_await incoming.Next());
  }
}

}  // namespace

int EchoLarge(int argc, char** argv) {
  return ServeTcp(argc, argv, EchoBlocks);
}
int Receive(int argc, char** argv) {
  return ServeTcp(argc, argv, ReceiveBlocks);
}
int EchoZeroCopy(int argc, char** argv) {
  return ServeTcp(argc, argv, EchoZeroCopyBlocks);
}
int EchoLeases(int argc, char** argv) {
  return ServeTcp(argc, argv, LeasesEcho);
}
int ReceiveLeases(int argc, char** argv) {
  return ServeTcp(argc, argv, LeasesReceive);
}
int Send(int argc, char** argv) { return ServeTcp(argc, argv, SendBlocks); }

int Accept(int argc, char** argv) {
  return RunUntilSignal(argc, argv, AcceptAndClose);
}

int AcceptIncoming(int argc, char** argv) {
  return RunUntilSignal(argc, argv, CloseIncoming);
}

}  // namespace eddy::bench::subject
