// The hand-written liburing twins: one function for each mode.

#ifndef EDDY_BENCH_NETWORK_LIBURING_H_
#define EDDY_BENCH_NETWORK_LIBURING_H_

namespace eddy::bench::twin {

// TCP. Multishot takes connections from a multishot accept, which all but
// Accept do, and data from multishot receives into a ring of buffers.
int EchoMultishot(int argc, char** argv);
int EchoLarge(int argc, char** argv);
int EchoZeroCopy(int argc, char** argv);
int Receive(int argc, char** argv);
int ReceiveMultishot(int argc, char** argv);
// Like Receive, but drops the data within the kernel: what a load that sends
// through a proxy has at the other end.
int Drain(int argc, char** argv);
int Send(int argc, char** argv);
int Accept(int argc, char** argv);
int AcceptMultishot(int argc, char** argv);

// Command line: the port of whom it connects to, and its own.
int Proxy(int argc, char** argv);

int Udp(int argc, char** argv);
int UdpMultishot(int argc, char** argv);
// Datagrams come and go together (UDP_GRO, UDP_SEGMENT).
int UdpBulk(int argc, char** argv);

}  // namespace eddy::bench::twin

#endif  // EDDY_BENCH_NETWORK_LIBURING_H_
