// eddy's part in the network benchmark as one program (see modes.h). Its echo
// server for small messages is bench/echo's, its proxy is the example
// tcp_proxy.

#include "bench/lib/modes.h"
#include "bench/network/eddy.h"

int main(int argc, char** argv) {
  using namespace eddy::bench;  // NOLINT: a program
  return RunMode({{"echo-large", subject::EchoLarge},
                  {"echo-zero-copy", subject::EchoZeroCopy},
                  {"echo-leases", subject::EchoLeases},
                  {"receive", subject::Receive},
                  {"receive-leases", subject::ReceiveLeases},
                  {"send", subject::Send},
                  {"accept", subject::Accept},
                  {"accept-incoming", subject::AcceptIncoming},
                  {"udp", subject::Udp},
                  {"udp-stream", subject::UdpStream},
                  {"udp-bulk", subject::UdpBulk}},
                 argc, argv);
}
