// Clients that speak in lines: of a chat, or of a service that answers.

#ifndef EDDY_BENCH_PORTING_LINE_LOAD_H_
#define EDDY_BENCH_PORTING_LINE_LOAD_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "bench/lib/load.h"

namespace eddy::bench {

// Clients come in groups. In each of them one says a line at a time; when all
// who hear it have heard a line, the next one of the group speaks. That is one
// request, and its latency is that of the last one who hears.
struct LineTalk {
  std::size_t clients;
  // Of a group; the last one may be smaller.
  std::size_t group = 1;
  // Who speaks hears the answer, or all others of its group hear it.
  bool others_hear = false;
  // What a client says first.
  std::function<std::string(std::size_t client)> hello;
  // How many lines a group hears altogether after that.
  std::function<std::size_t(std::size_t first, std::size_t size)>
      heard_of_hello;
  // What a client says in its turn.
  std::function<std::string(std::size_t client, std::uint64_t turn)> say;
  // What a line that is heard begins with; others are an error.
  std::string good;
};

// Connects all clients, and lets them say hello.
absl::StatusOr<std::unique_ptr<Load>> ConnectLines(std::uint16_t port,
                                                   LineTalk talk);

}  // namespace eddy::bench

#endif  // EDDY_BENCH_PORTING_LINE_LOAD_H_
