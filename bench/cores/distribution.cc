// How connections spread over the listeners of several cores, which the kernel
// chooses among by a hash of the addresses (SO_REUSEPORT).

#include <eddy/net/tcp.h>
#include <eddy/runtime/for_each_core.h>
#include <eddy/runtime/runtime.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/timer.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "bench/cores/listeners.h"
#include "bench/cores/servers.h"

namespace eddy::bench {
namespace {

constexpr std::size_t kConnections = 1000;

using Counts = std::vector<std::size_t>;

struct Shared {
  explicit Shared(unsigned cores) : counts(cores) {}

  Counts counts;  // each core changes its own only
  std::atomic<std::size_t> accepted = 0;
};

Task<Result<void>> Accept(net::TcpListener& listener, Shared& shared,
                          unsigned core) {
  while (true) {
    EDDY_CO_TRY(const net::TcpStream stream, co_await listener.Accept());
    ++shared.counts[core];
    // Relaxed: it is only a count.
    shared.accepted.fetch_add(1, std::memory_order_relaxed);
  }
}

Task<Result<void>> ConnectAll(Shared& shared, net::SocketAddress address) {
  // (Closed when all have come: each has a port of its own.)
  std::vector<net::TcpStream> streams;
  while (streams.size() < kConnections) {
    EDDY_CO_TRY(net::TcpStream stream,
                co_await net::TcpStream::Connect(address));
    streams.push_back(std::move(stream));
  }
  while (shared.accepted.load(std::memory_order_relaxed) < kConnections) {
    EDDY_CO_CHECK(co_await Sleep(std::chrono::milliseconds(1)));
  }
  co_return Result<void>();
}

Task<Result<Counts>> Count() {
  Shared shared(Runtime::OfTask().cores());
  EDDY_CO_TRY(std::vector<net::TcpListener> listeners, ListenForEachCore(0));
  EDDY_CO_TRY(const net::SocketAddress address,
              listeners.front().local_address());
  const auto accept = [&](unsigned core) {
    return Accept(listeners[core], shared, core);
  };
  const auto both = [&](TaskScope& scope) -> Task<Result<void>> {
    scope.Spawn(ForEachCore(accept));
    EDDY_CO_CHECK(co_await ConnectAll(shared, address));
    scope.RequestStop();
    co_return Result<void>();
  };
  const Result<void> ran = co_await WithScope(both);
  if (!ran && ran.error() != kCanceled) co_return Unexpected(ran.error());
  co_return shared.counts;
}

double Deviation(const Counts& counts) {
  const double mean =
      static_cast<double>(kConnections) / static_cast<double>(counts.size());
  double squares = 0;
  for (const std::size_t count : counts) {
    const double off = static_cast<double>(count) - mean;
    squares += off * off;
  }
  return std::sqrt(squares / static_cast<double>(counts.size()));
}

std::vector<double> Values(const Counts& counts) {
  return {static_cast<double>(*std::min_element(counts.begin(), counts.end())),
          static_cast<double>(*std::max_element(counts.begin(), counts.end())),
          Deviation(counts)};
}

}  // namespace

std::vector<Metric> DistributionMetrics() {
  return {{"fewest", "fewest", "1", 0, false},
          {"most", "most", "1", 0, false},
          {"deviation", "deviation", "1", 1, true}};
}

int Distribute(unsigned listeners, std::size_t rounds, Report& report) {
  const std::string workload = absl::StrCat(kConnections, " over ", listeners);
  RuntimeOptions options;
  options.cores = listeners;
  options.oversubscribe = true;
  const Result<std::unique_ptr<Runtime>> runtime = Runtime::Create(options);
  if (!runtime) {
    std::fprintf(stderr, "%s: %s\n", workload.c_str(),
                 runtime.error().message().c_str());
    return 1;
  }
  std::minstd_rand random(1);
  std::uniform_int_distribution<std::size_t> listener(0, listeners - 1);
  int failures = 0;
  for (std::size_t round = 0; round < rounds; ++round) {
    Counts chance(listeners);
    for (std::size_t i = 0; i < kConnections; ++i) ++chance[listener(random)];
    report.Add(workload, "chance", Values(chance));
    const Result<Counts> counts = (*runtime)->Run(Count);
    if (counts) {
      report.Add(workload, "listeners", Values(*counts));
    } else {
      ++failures;
      std::fprintf(stderr, "%s: %s\n", workload.c_str(),
                   counts.error().message().c_str());
    }
  }
  report.PrintWorkload(workload);
  std::printf("  (expected: standard deviation %.1f)\n",
              std::sqrt(static_cast<double>(kConnections) / listeners *
                        (1 - 1.0 / listeners)));
  return failures;
}

}  // namespace eddy::bench
