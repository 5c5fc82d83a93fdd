// What the servers of the network benchmark and their loads agree on.
//
//   receive  takes blocks, and answers each batch of bytes with one byte
//   send     answers each byte with a batch of bytes, in blocks
//
// so that the load knows when what it has sent was received, and a server is at
// rest when the load has its answers.

#ifndef EDDY_BENCH_NETWORK_PROTOCOL_H_
#define EDDY_BENCH_NETWORK_PROTOCOL_H_

#include <cstddef>

namespace eddy::bench {

// The most that one read or write of a stream moves.
inline constexpr std::size_t kBlock = std::size_t{64} * 1024;
inline constexpr std::size_t kBatch = std::size_t{1024} * 1024;

// Counts what a server of `receive` takes.
class BatchCounter {
 public:
  // Returns how many answers are due after `bytes` more.
  std::size_t Add(std::size_t bytes) {
    bytes_ += bytes;
    const std::size_t due = bytes_ / kBatch;
    bytes_ %= kBatch;
    return due;
  }

 private:
  std::size_t bytes_ = 0;
};

// The bytes that servers answer with; what they are is nobody's concern.
inline char answer_block[kBlock];

// The most of a datagram, and of several that come or go as one (GRO, GSO).
inline constexpr std::size_t kDatagram = 2048;
inline constexpr std::size_t kBulk = std::size_t{64} * 1024;
// Asked of the kernel for a UDP socket, so that what is in flight fits.
inline constexpr int kSocketBuffer = 4 * 1024 * 1024;

}  // namespace eddy::bench

#endif  // EDDY_BENCH_NETWORK_PROTOCOL_H_
