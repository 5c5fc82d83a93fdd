// The hand-written liburing twins as one program (see modes.h).

#include "bench/lib/modes.h"
#include "bench/network/liburing.h"

int main(int argc, char** argv) {
  using namespace eddy::bench;  // NOLINT: a program
  return RunMode({{"echo-multishot", twin::EchoMultishot},
                  {"echo-large", twin::EchoLarge},
                  {"echo-zero-copy", twin::EchoZeroCopy},
                  {"receive", twin::Receive},
                  {"receive-multishot", twin::ReceiveMultishot},
                  {"drain", twin::Drain},
                  {"send", twin::Send},
                  {"accept", twin::Accept},
                  {"accept-multishot", twin::AcceptMultishot},
                  {"proxy", twin::Proxy},
                  {"udp", twin::Udp},
                  {"udp-multishot", twin::UdpMultishot},
                  {"udp-bulk", twin::UdpBulk}},
                 argc, argv);
}
