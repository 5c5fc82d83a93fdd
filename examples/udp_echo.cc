// A UDP echo server: every datagram goes back to its sender.
// Run:  examples/run udp_echo 127.0.0.1:7007
// Try:  echo hello | socat -t 1 - udp:127.0.0.1:7007       (package socat)
// Ctrl-C or SIGTERM ends it; it then prints what it has received, sent and
// lost. To see it lose: flood it, from several shells.
#include <eddy/io/until_signal.h>
#include <eddy/net/udp.h>
#include <eddy/runtime/sync_wait.h>

#include <cstdint>
#include <cstdio>

using namespace eddy;  // NOLINT: an example

struct Statistics {
  std::uint64_t datagrams = 0;
  std::uint64_t bytes = 0;
  // Answers that could not be sent, such as to a sender that has gone.
  std::uint64_t unsent = 0;
  // Came while the socket's buffer was full.
  std::uint32_t dropped = 0;
};

Task<Result<void>> Serve(const char* where, Statistics& statistics) {
  EDDY_CO_TRY(auto address, net::SocketAddress::Parse(where));
  net::UdpOptions options;
  options.receive_buffer = 1 << 20;
  // Bound to all addresses, it answers from the one that was asked.
  options.packet_info = true;
  EDDY_CO_TRY(auto socket, net::UdpSocket::Bind(address, options));
  EDDY_CO_TRY(auto bound, socket.local_address());
  std::printf("listening on %s\n", bound.ToString().c_str());
  std::fflush(stdout);

  EDDY_CO_TRY(auto datagrams, socket.Incoming());
  while (Result<net::Datagram> one = co_await datagrams.Next()) {
    ++statistics.datagrams;
    statistics.bytes += one->size();
    const auto info = one->packet_info();
    const auto source = info ? info->local : net::SocketAddress();
    const auto to = one->from();
    const Result<std::size_t> sent =
        co_await socket.SendFrom(source, to, one->data());
    if (!sent) ++statistics.unsent;
  }
  // Next gives no other error than kCanceled: the socket is not connected.
  EDDY_CO_TRY(statistics.dropped, socket.dropped());
  co_return Result<void>();
}

int main(int argc, char** argv) {
  const char* where = argc > 1 ? argv[1] : "127.0.0.1:7007";
  Statistics statistics;
  auto served =
      SyncWait(io::UntilSignal(Serve(where, statistics), SIGINT, SIGTERM));
  if (!served) std::fprintf(stderr, "%s\n", served.error().message().c_str());
  std::printf("%llu datagrams, %llu bytes, %llu not answered, %u dropped\n",
              static_cast<unsigned long long>(statistics.datagrams),
              static_cast<unsigned long long>(statistics.bytes),
              static_cast<unsigned long long>(statistics.unsent),
              statistics.dropped);
  return served ? 0 : 1;
}
