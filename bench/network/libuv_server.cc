// libuv's part in the network benchmark, as its users would write it: answers
// are tried at once (uv_try_write), and only what the socket does not take then
// is queued. See modes.h.

#include <uv.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>

#include "bench/lib/modes.h"
#include "bench/lib/twin.h"
#include "bench/network/protocol.h"
#include "bench/network/udp_twin.h"

namespace eddy::bench {
namespace {

void Check(int result, const char* what) {
  if (result >= 0) return;
  std::fprintf(stderr, "%s: %s\n", what, uv_strerror(result));
  std::exit(1);
}

template <typename Handle>
uv_stream_t* Stream(Handle* handle) {
  return reinterpret_cast<uv_stream_t*>(handle);
}

// A handle's `data` is what it belongs to.
template <typename T, typename Handle>
T* OwnerOf(Handle* handle) {
  return static_cast<T*>(handle->data);
}

int Run() {
  uv_run(uv_default_loop(), UV_RUN_DEFAULT);
  return 1;
}

// Calls `on_client` for each connection that is there to be accepted.
int Listen(int argc, char** argv, uv_connection_cb on_client) {
  ExitOnTermination();
  static uv_tcp_t listener;
  const int fd = ListenAndAnnounce(argc, argv, SOCK_NONBLOCK);
  Check(uv_tcp_init(uv_default_loop(), &listener), "uv_tcp_init");
  Check(uv_tcp_open(&listener, fd), "uv_tcp_open");
  Check(uv_listen(Stream(&listener), kBacklog, on_client), "uv_listen");
  return Run();
}

// Tries, then queues the rest; calls `done` with a negative status later on in
// that case only. Returns true if all is written, or the error went to `done`.
template <typename Owner>
bool Write(uv_tcp_t* to, uv_write_t* request, Owner* owner, char* data,
           std::size_t size, uv_write_cb done) {
  uv_buf_t buffer = uv_buf_init(data, static_cast<unsigned>(size));
  const int sent = uv_try_write(Stream(to), &buffer, 1);
  if (sent == static_cast<int>(size)) return true;
  if (sent > 0) {
    buffer.base += sent;
    buffer.len -= static_cast<std::size_t>(sent);
  }
  request->data = owner;
  const int queued = uv_write(request, Stream(to), &buffer, 1, done);
  if (queued < 0) done(request, queued);
  return false;
}

// Connections that receive into a buffer of theirs.
template <std::size_t kSize>
struct Connection {
  uv_tcp_t tcp;
  uv_write_t write;
  BatchCounter counter;
  std::size_t rest;
  char buffer[kSize];
};

template <typename C>
void End(C* c) {
  uv_close(reinterpret_cast<uv_handle_t*>(&c->tcp),
           [](uv_handle_t* handle) { delete OwnerOf<C>(handle); });
}

template <typename C>
void StartRead(C* c, uv_read_cb on_read) {
  uv_read_start(
      Stream(&c->tcp),
      [](uv_handle_t* handle, std::size_t, uv_buf_t* buffer) {
        auto* self = OwnerOf<C>(handle);
        *buffer = uv_buf_init(self->buffer, sizeof self->buffer);
      },
      on_read);
}

template <typename C, uv_read_cb kOnRead>
void OnClient(uv_stream_t* listener, int status) {
  if (status < 0) return;
  auto* c = new C;
  uv_tcp_init(uv_default_loop(), &c->tcp);
  c->tcp.data = c;
  if (uv_accept(listener, Stream(&c->tcp)) != 0) return End(c);
  StartRead(c, kOnRead);
}

// Reading asks for a buffer when data is there, so that one serves all; what
// the socket does not take at once is kept by its connection.
struct EchoConnection {
  uv_tcp_t tcp;
  uv_write_t write;
  std::unique_ptr<char[]> rest;
  static inline char buffer[kBufferSize];
};

void OnEchoRead(uv_stream_t* stream, ssize_t n, const uv_buf_t* buffer) {
  auto* c = OwnerOf<EchoConnection>(stream);
  if (n < 0) return End(c);
  if (n == 0) return;
  const auto size = static_cast<std::size_t>(n);
  uv_buf_t data = uv_buf_init(buffer->base, static_cast<unsigned>(size));
  const int tried = uv_try_write(stream, &data, 1);
  const std::size_t sent = tried > 0 ? static_cast<std::size_t>(tried) : 0;
  if (sent == size) return;
  uv_read_stop(stream);
  c->rest = std::make_unique_for_overwrite<char[]>(size - sent);
  std::memcpy(c->rest.get(), buffer->base + sent, size - sent);
  const auto done = [](uv_write_t* request, int status) {
    auto* self = OwnerOf<EchoConnection>(request);
    self->rest.reset();
    if (status < 0) return End(self);
    StartRead(self, OnEchoRead);
  };
  c->write.data = c;
  data = uv_buf_init(c->rest.get(), static_cast<unsigned>(size - sent));
  const int queued = uv_write(&c->write, stream, &data, 1, done);
  if (queued < 0) done(&c->write, queued);
}

int Echo(int argc, char** argv) {
  return Listen(argc, argv, OnClient<EchoConnection, OnEchoRead>);
}

using BlockConnection = Connection<kBlock>;

void OnBlockRead(uv_stream_t* stream, ssize_t n, const uv_buf_t*) {
  auto* c = OwnerOf<BlockConnection>(stream);
  if (n < 0) return End(c);
  for (std::size_t due = c->counter.Add(static_cast<std::size_t>(n)); due > 0;
       --due) {
    // A single byte, which the socket has room for.
    uv_buf_t answer = uv_buf_init(answer_block, 1);
    if (uv_try_write(stream, &answer, 1) != 1) return End(c);
  }
}

int Receive(int argc, char** argv) {
  return Listen(argc, argv, OnClient<BlockConnection, OnBlockRead>);
}

using AskedConnection = Connection<1>;

void SendBlocks(AskedConnection* c);

void OnRequest(uv_stream_t* stream, ssize_t n, const uv_buf_t*) {
  auto* c = OwnerOf<AskedConnection>(stream);
  if (n < 0) return End(c);
  if (n == 0) return;
  uv_read_stop(stream);
  c->rest = kBatch;
  SendBlocks(c);
}

void SendBlocks(AskedConnection* c) {
  while (c->rest > 0) {
    c->rest -= kBlock;
    const bool written = Write(&c->tcp, &c->write, c, answer_block, kBlock,
                               [](uv_write_t* request, int status) {
                                 auto* self = OwnerOf<AskedConnection>(request);
                                 if (status < 0) return End(self);
                                 SendBlocks(self);
                               });
    if (!written) return;
  }
  StartRead(c, OnRequest);
}

int Send(int argc, char** argv) {
  return Listen(argc, argv, OnClient<AskedConnection, OnRequest>);
}

int Accept(int argc, char** argv) {
  return Listen(argc, argv, [](uv_stream_t* listener, int status) {
    if (status < 0) return;
    auto* tcp = new uv_tcp_t;
    uv_tcp_init(uv_default_loop(), tcp);
    uv_accept(listener, Stream(tcp));
    uv_close(reinterpret_cast<uv_handle_t*>(tcp), [](uv_handle_t* handle) {
      delete reinterpret_cast<uv_tcp_t*>(handle);
    });
  });
}

// One side of a proxied connection, and what was received from it.
struct Pair;
struct Side {
  uv_tcp_t tcp;
  uv_write_t write;  // of what was received from the other side
  Pair* pair;
  Side* other;
  char buffer[kBlock];
};
struct Pair {
  Side client;
  Side backend;
  uv_connect_t connect;
  uv_shutdown_t shutdowns[2];
  int ended = 0;   // directions
  int closed = 0;  // sides
};

void ClosePair(Pair* pair) {
  for (Side* side : {&pair->client, &pair->backend}) {
    auto* handle = reinterpret_cast<uv_handle_t*>(&side->tcp);
    if (uv_is_closing(handle) != 0) continue;
    uv_close(handle, [](uv_handle_t* closed) {
      Pair* owner = OwnerOf<Side>(closed)->pair;
      if (++owner->closed == 2) delete owner;
    });
  }
}

void OnSideRead(uv_stream_t* stream, ssize_t n, const uv_buf_t* buffer) {
  auto* side = OwnerOf<Side>(stream);
  Pair* pair = side->pair;
  if (n == UV_EOF) {
    uv_read_stop(stream);
    uv_shutdown(&pair->shutdowns[pair->ended], Stream(&side->other->tcp),
                [](uv_shutdown_t*, int) {});
    if (++pair->ended == 2) ClosePair(pair);
    return;
  }
  if (n < 0) return ClosePair(pair);
  if (n == 0) return;
  const bool written =
      Write(&side->other->tcp, &side->other->write, side, buffer->base,
            static_cast<std::size_t>(n), [](uv_write_t* request, int status) {
              auto* from = OwnerOf<Side>(request);
              if (status < 0) return ClosePair(from->pair);
              StartRead(from, OnSideRead);
            });
  if (!written) uv_read_stop(stream);
}

void OnConnect(uv_connect_t* request, int status) {
  auto* pair = static_cast<Pair*>(request->data);
  if (status < 0) return ClosePair(pair);
  uv_tcp_nodelay(&pair->backend.tcp, 1);
  StartRead(&pair->client, OnSideRead);
  StartRead(&pair->backend, OnSideRead);
}

sockaddr_in proxy_backend;

void OnProxyClient(uv_stream_t* listener, int status) {
  if (status < 0) return;
  auto* pair = new Pair;
  for (Side* side : {&pair->client, &pair->backend}) {
    uv_tcp_init(uv_default_loop(), &side->tcp);
    side->tcp.data = side;
    side->pair = pair;
  }
  pair->client.other = &pair->backend;
  pair->backend.other = &pair->client;
  pair->connect.data = pair;
  if (uv_accept(listener, Stream(&pair->client.tcp)) != 0 ||
      uv_tcp_connect(&pair->connect, &pair->backend.tcp,
                     reinterpret_cast<sockaddr*>(&proxy_backend),
                     OnConnect) != 0) {
    ClosePair(pair);
  }
}

int Proxy(int argc, char** argv) {
  proxy_backend = Loopback(argv[1]);
  return Listen(argc - 1, argv + 1, OnProxyClient);
}

int Udp(int argc, char** argv) {
  ExitOnTermination();
  static uv_udp_t socket;
  // With UV_UDP_RECVMMSG it receives as many at once as the buffer, in parts of
  // 64 KiB, has room for.
  static char buffer[20 * kBulk];
  const int fd = BindAndAnnounceUdp(argc, argv);
  Check(uv_udp_init_ex(uv_default_loop(), &socket, AF_UNSPEC | UV_UDP_RECVMMSG),
        "uv_udp_init_ex");
  Check(uv_udp_open(&socket, fd), "uv_udp_open");
  uv_udp_recv_start(
      &socket,
      [](uv_handle_t*, std::size_t, uv_buf_t* into) {
        *into = uv_buf_init(buffer, sizeof buffer);
      },
      [](uv_udp_t* handle, ssize_t n, const uv_buf_t* data,
         const sockaddr* peer, unsigned) {
        if (n <= 0 || peer == nullptr) return;
        uv_buf_t answer = uv_buf_init(data->base, static_cast<unsigned>(n));
        uv_udp_try_send(handle, &answer, 1, peer);
      });
  return Run();
}

}  // namespace
}  // namespace eddy::bench

int main(int argc, char** argv) {
  using namespace eddy::bench;  // NOLINT: a program
  return RunMode({{"echo", Echo},
                  {"receive", Receive},
                  {"send", Send},
                  {"accept", Accept},
                  {"proxy", Proxy},
                  {"udp", Udp}},
                 argc, argv);
}
