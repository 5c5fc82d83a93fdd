// eddy's part in the network benchmark: one function for each mode.

#ifndef EDDY_BENCH_NETWORK_EDDY_H_
#define EDDY_BENCH_NETWORK_EDDY_H_

namespace eddy::bench::subject {

// TCP, with Read, Write and Accept(); Leases: with Receive(), which gives
// buffers that the kernel picks.
int EchoLarge(int argc, char** argv);
int EchoZeroCopy(int argc, char** argv);
int EchoLeases(int argc, char** argv);
int Receive(int argc, char** argv);
int ReceiveLeases(int argc, char** argv);
int Send(int argc, char** argv);
int Accept(int argc, char** argv);
int AcceptIncoming(int argc, char** argv);

// UDP: one datagram after the other; from a stream of them; many that come and
// go together.
int Udp(int argc, char** argv);
int UdpStream(int argc, char** argv);
int UdpBulk(int argc, char** argv);

}  // namespace eddy::bench::subject

#endif  // EDDY_BENCH_NETWORK_EDDY_H_
