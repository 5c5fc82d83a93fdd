// What the tests of ReceiveStream share: each runs with what kernels may lack.
#ifndef EDDY_TESTS_IO_RECEIVE_STREAM_FIXTURE_H_
#define EDDY_TESTS_IO_RECEIVE_STREAM_FIXTURE_H_

#include "tests/io/io_test_util.h"

#include <eddy/io/receive_stream.h>
#include <eddy/io/send_all.h>
#include <eddy/io/shutdown.h>
#include <eddy/runtime/task_scope.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace eddy::io_test {

using io::Buffer;
using io::BufferPool;
using io::BufferPoolOptions;
using io::ReceiveOptions;
using io::ReceiveStream;

// What a kernel may or may not have.
struct Kernel {
  const char* name;
  bool incremental;
  bool bundles;
  bool limit_receive;
  bool kernel_picks;
};

class ReceiveStreamFixture : public ::testing::TestWithParam<Kernel> {
 protected:
  // Small, so that there is many a turn.
  static BufferPoolOptions SmallPool(unsigned most) {
    BufferPoolOptions options;
    options.buffer_size = 64;
    options.first_buffers = 2;
    options.most_buffers = most;
    options.incremental = GetParam().incremental;
    options.bundles = GetParam().bundles;
    options.limit_receive = GetParam().limit_receive;
    options.kernel_picks = GetParam().kernel_picks;
    return options;
  }
  static Result<ReceiveStream> Stream(const BufferPool& pool,
                                      std::size_t most_waiting = 256) {
    ReceiveOptions options;
    options.pool = pool;
    options.most_waiting = most_waiting;
    return ReceiveStream::Create(options);
  }
};

inline auto Kernels() {
  return ::testing::Values(Kernel{"All", true, true, true, true},
                           Kernel{"NoBundles", true, false, true, true},
                           Kernel{"NoParts", false, true, true, true},
                           Kernel{"NoLimit", true, true, false, true},
                           Kernel{"Oldest", false, false, false, true},
                           Kernel{"NoRings", false, false, false, false});
}
inline std::string NameOf(const ::testing::TestParamInfo<Kernel>& kernel) {
  return kernel.param.name;
}

// All that comes until the end.
inline Task<Result<std::string>> ReceiveAll(ReceiveStream& stream,
                                            const io::Fd& fd) {
  std::string got;
  while (true) {
    EDDY_CO_TRY(const Buffer data, co_await stream.Next(fd));
    if (data.empty()) co_return got;
    got += Text(data.bytes());
  }
}

inline Task<Result<void>> SendAndEnd(const io::Fd& fd,
                                     std::span<const std::byte> all,
                                     std::size_t part) {
  for (; !all.empty(); all = all.subspan(std::min(part, all.size()))) {
    EDDY_CO_CHECK(
        co_await io::SendAll(fd, all.first(std::min(part, all.size()))));
  }
  co_return co_await io::Shutdown(fd, SHUT_WR);
}

// One way: `size` bytes, in parts.
inline Task<Result<void>> Transfer(const BufferPool& pool, std::size_t size,
                                   std::size_t part, std::size_t most_waiting) {
  const SocketPair sockets;
  const std::vector<std::byte> data = Pattern(size);
  ReceiveOptions options;
  options.pool = pool;
  options.most_waiting = most_waiting;
  EDDY_CO_TRY(ReceiveStream stream, ReceiveStream::Create(options));
  const auto body = [&](TaskScope& scope) -> Task<Result<std::string>> {
    scope.Spawn(SendAndEnd(sockets.b, data, part));
    co_return co_await ReceiveAll(stream, sockets.a);
  };
  EDDY_CO_TRY(const std::string got, co_await WithScope(body));
  co_return got == Text(data) ? Result<void>()
                              : Unexpected(std::errc::bad_message);
}

}  // namespace eddy::io_test

#endif  // EDDY_TESTS_IO_RECEIVE_STREAM_FIXTURE_H_
