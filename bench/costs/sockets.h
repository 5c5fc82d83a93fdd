// What streams, pipes and the sockets for datagrams are measured with.
#ifndef EDDY_BENCH_COSTS_SOCKETS_H_
#define EDDY_BENCH_COSTS_SOCKETS_H_

#include <eddy/net/socket_address.h>

#include <array>
#include <cstddef>
#include <vector>

#include "bench/costs/costs.h"

namespace costs {

using Byte = std::array<std::byte, 1>;

inline eddy::net::SocketAddress AnyPort() {
  return eddy::net::SocketAddress::LoopbackV4(0);
}

// Reads with `read`, of what was written before.
template <class Stream, class Read>
Task<Result<void>> ReadInBatches(State& state, Stream& writer, Read read) {
  const std::array<std::byte, kBatch> bytes{};
  const auto fill = [&] { return writer.Write(bytes); };
  co_return co_await InBatches(state, fill, read);
}

// Writes one byte each with `write`, which is read meanwhile.
template <class Stream, class Write>
Task<Result<void>> WriteInBatches(State& state, Stream& writer, Stream& reader,
                                  Write write) {
  std::array<std::byte, kBatch> bytes{};
  EDDY_CO_CHECK(co_await writer.Write(bytes));
  const auto drain = [&]() -> Task<Result<void>> {
    std::size_t left = bytes.size();
    while (left != 0) {
      EDDY_CO_TRY(const std::size_t n, co_await reader.Read(bytes));
      left -= n;
    }
    co_return Result<void>();
  };
  co_return co_await InBatches(state, drain, write);
}

// There and back, between two tasks: each read waits.
template <class Reader, class Writer>
Task<Result<void>> PingPong(State& state, Reader& reader, Writer& writer,
                            Reader& other_reader, Writer& other_writer) {
  const auto answer = [&]() -> Task<Result<void>> {
    Byte byte{};
    while (true) {
      EDDY_CO_CHECK(co_await other_reader.Read(byte));
      EDDY_CO_CHECK(co_await other_writer.Write(byte));
    }
  };
  const auto ask = [&]() -> Task<Result<void>> {
    Byte byte{};
    state.SetOperationsPerIteration(2);
    for (auto _ : state) {
      EDDY_CO_CHECK(co_await writer.Write(byte));
      EDDY_CO_CHECK(co_await reader.Read(byte));
    }
    co_return Result<void>();
  };
  co_return co_await Beside(answer, ask);
}

// Makes connections with `connect`, and closes both ends meanwhile.
template <class Listener, class Connect>
Task<Result<void>> ConnectInBatches(State& state, Listener& listener,
                                    Connect connect) {
  using Stream = typename Listener::StreamType;
  std::vector<Stream> streams;
  const auto close = [&]() -> Task<Result<void>> {
    for (Stream& stream : streams) {
      EDDY_CO_TRY(Stream accepted, co_await listener.Accept());
      // So that no port is kept.
      if constexpr (requires { stream.ResetOnClose(); }) {
        EDDY_CO_CHECK(stream.ResetOnClose());
      }
      EDDY_CO_CHECK(co_await stream.Close());
      EDDY_CO_CHECK(co_await accepted.Close());
    }
    co_return Result<void>();
  };
  co_return co_await KeptInBatches(state, streams, close, connect);
}

// Accepts connections, as a Made, which are made and closed meanwhile.
template <class Listener, class Made, class Accept>
Task<Result<void>> AcceptInBatches(State& state,
                                   const eddy::net::SocketAddress& address,
                                   Accept accept) {
  using Stream = typename Listener::StreamType;
  std::vector<Stream> clients;
  std::vector<Made> streams;
  const auto connect = [&]() -> Task<Result<void>> {
    for (Stream& client : clients) {
      if constexpr (requires { client.ResetOnClose(); }) {
        EDDY_CO_CHECK(client.ResetOnClose());
      }
      EDDY_CO_CHECK(co_await client.Close());
    }
    for (Made& stream : streams) EDDY_CO_CHECK(co_await stream.Close());
    clients.clear();
    while (clients.size() != kBatch) {
      EDDY_CO_TRY(Stream client, co_await Stream::Connect(address));
      clients.push_back(std::move(client));
    }
    co_return Result<void>();
  };
  co_return co_await KeptInBatches(state, streams, connect, accept);
}

}  // namespace costs

#endif  // EDDY_BENCH_COSTS_SOCKETS_H_
