// Asio's part in the network benchmark, as its users would write it, with C++20
// coroutines. Built twice: on epoll, and on io_uring. See modes.h.
//
// The io_context is told that one thread uses it, which spares it its locks.

#include <asio.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <tuple>
#include <utility>

#include "bench/lib/modes.h"
#include "bench/lib/twin.h"
#include "bench/network/protocol.h"
#include "bench/network/udp_twin.h"

namespace eddy::bench {
namespace {

using asio::ip::tcp;
using asio::ip::udp;

// Errors as values.
using Token = asio::experimental::as_tuple_t<asio::use_awaitable_t<>>;
using Socket = Token::as_default_on_t<tcp::socket>;
using Acceptor = Token::as_default_on_t<tcp::acceptor>;
using Datagrams = Token::as_default_on_t<udp::socket>;

// A coroutine that serves one connection.
using Handler = asio::awaitable<void> (*)(Socket);

asio::awaitable<void> Echo(Socket socket) {
  const auto buffer = std::make_unique_for_overwrite<char[]>(kBufferSize);
  for (;;) {
    const auto [error, n] = co_await socket.async_read_some(
        asio::buffer(buffer.get(), kBufferSize));
    if (error) co_return;
    const auto [failed, sent] =
        co_await asio::async_write(socket, asio::buffer(buffer.get(), n));
    if (failed) co_return;
  }
}

asio::awaitable<void> Receive(Socket socket) {
  const auto buffer = std::make_unique_for_overwrite<char[]>(kBlock);
  BatchCounter counter;
  for (;;) {
    const auto [error, n] =
        co_await socket.async_read_some(asio::buffer(buffer.get(), kBlock));
    if (error) co_return;
    for (std::size_t due = counter.Add(n); due > 0; --due) {
      const auto [failed, sent] =
          co_await asio::async_write(socket, asio::buffer(answer_block, 1));
      if (failed) co_return;
    }
  }
}

asio::awaitable<void> Send(Socket socket) {
  char request = 0;
  for (;;) {
    const auto [error, n] =
        co_await socket.async_read_some(asio::buffer(&request, 1));
    if (error) co_return;
    for (std::size_t sent = 0; sent < kBatch; sent += kBlock) {
      const auto [failed, size] =
          co_await asio::async_write(socket, asio::buffer(answer_block));
      if (failed) co_return;
    }
  }
}

asio::awaitable<void> AcceptAll(Acceptor& acceptor, Handler handler) {
  const auto executor = acceptor.get_executor();
  for (;;) {
    auto [error, socket] = co_await acceptor.async_accept();
    if (error) continue;
    asio::co_spawn(executor, handler(Socket(std::move(socket))),
                   asio::detached);
  }
}

// Closing needs no coroutine.
asio::awaitable<void> AcceptAndClose(Acceptor& acceptor) {
  for (;;) co_await acceptor.async_accept();
}

// Calls `start(context, acceptor)`, then serves.
template <typename Start>
int ServeTcp(int argc, char** argv, Start&& start) {
  ExitOnTermination();
  asio::io_context context(ASIO_CONCURRENCY_HINT_UNSAFE);
  Acceptor acceptor(context, tcp::v4(), ListenAndAnnounce(argc, argv, 0));
  start(context, acceptor);
  context.run();
  return 1;
}

template <Handler kHandler>
int Serve(int argc, char** argv) {
  return ServeTcp(
      argc, argv, [](asio::io_context& context, Acceptor& acceptor) {
        asio::co_spawn(context, AcceptAll(acceptor, kHandler), asio::detached);
      });
}

int Accept(int argc, char** argv) {
  return ServeTcp(
      argc, argv, [](asio::io_context& context, Acceptor& acceptor) {
        asio::co_spawn(context, AcceptAndClose(acceptor), asio::detached);
      });
}

// Both sockets of a proxied connection.
struct Pair {
  Socket client;
  Socket backend;
};

// One direction; holds the pair.
asio::awaitable<void> Pump(std::shared_ptr<Pair> pair, bool to_backend) {
  Socket* const from = to_backend ? &pair->client : &pair->backend;
  Socket* const to = to_backend ? &pair->backend : &pair->client;
  const auto buffer = std::make_unique_for_overwrite<char[]>(kBlock);
  for (;;) {
    const auto [error, n] =
        co_await from->async_read_some(asio::buffer(buffer.get(), kBlock));
    std::error_code ignored;
    if (error) {
      to->shutdown(tcp::socket::shutdown_send, ignored);
      co_return;
    }
    const auto [failed, sent] =
        co_await asio::async_write(*to, asio::buffer(buffer.get(), n));
    if (failed) {
      from->shutdown(tcp::socket::shutdown_both, ignored);
      co_return;
    }
  }
}

tcp::endpoint proxy_backend;

asio::awaitable<void> Connect(Socket client) {
  const auto executor = client.get_executor();
  auto pair = std::make_shared<Pair>(Pair{std::move(client), Socket(executor)});
  const auto [error] = co_await pair->backend.async_connect(proxy_backend);
  if (error) co_return;
  pair->backend.set_option(tcp::no_delay(true));
  asio::co_spawn(executor, Pump(pair, true), asio::detached);
  asio::co_spawn(executor, Pump(pair, false), asio::detached);
}

int Proxy(int argc, char** argv) {
  proxy_backend = {asio::ip::address_v4::loopback(),
                   static_cast<std::uint16_t>(std::atoi(argv[1]))};
  return Serve<Connect>(argc - 1, argv + 1);
}

asio::awaitable<void> EchoDatagrams(Datagrams& socket) {
  char buffer[kDatagram];
  udp::endpoint peer;
  for (;;) {
    const auto [error, n] =
        co_await socket.async_receive_from(asio::buffer(buffer), peer);
    if (error) continue;
    co_await socket.async_send_to(asio::buffer(buffer, n), peer);
  }
}

int Udp(int argc, char** argv) {
  ExitOnTermination();
  asio::io_context context(ASIO_CONCURRENCY_HINT_UNSAFE);
  Datagrams socket(context, udp::v4(), BindAndAnnounceUdp(argc, argv));
  asio::co_spawn(context, EchoDatagrams(socket), asio::detached);
  context.run();
  return 1;
}

}  // namespace
}  // namespace eddy::bench

int main(int argc, char** argv) {
  using namespace eddy::bench;  // NOLINT: a program
  return RunMode({{"echo", Serve<Echo>},
                  {"receive", Serve<Receive>},
                  {"send", Serve<Send>},
                  {"accept", Accept},
                  {"proxy", Proxy},
                  {"udp", Udp}},
                 argc, argv);
}
