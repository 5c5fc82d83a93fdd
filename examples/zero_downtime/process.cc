#include "examples/zero_downtime/process.h"

#include <eddy/runtime/stop.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/timeout.h>
#include <eddy/runtime/timer.h>
#include <eddy/runtime/with_stop.h>

#include <chrono>
#include <cstdio>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "examples/zero_downtime/hand_over.h"
#include "examples/zero_downtime/service.h"

namespace zero_downtime {
namespace {

using eddy::Duration;
using eddy::Result;
using eddy::StopSource;
using eddy::Task;
using eddy::TaskScope;
using eddy::Unexpected;
using eddy::WithScope;
namespace net = eddy::net;

void Print(int generation, const std::string& text) {
  std::printf("generation %d: %s\n", generation, text.c_str());
  std::fflush(stdout);
}

// The first process: nobody has the sockets.
Result<Sockets> MakeSockets(const Options& options) {
  Result<net::TcpListener> clients = net::TcpListener::Bind(options.listen);
  if (!clients) return Unexpected(clients.error());
  net::UnixBindOptions control_options;
  control_options.replace_stale = true;
  control_options.mode = 0600;
  Result<net::UnixSeqPacketListener> control =
      net::UnixSeqPacketListener::Bind(options.control, control_options);
  if (!control) return Unexpected(control.error());
  Sockets sockets;
  sockets.clients = *std::move(clients);
  sockets.control = *std::move(control);
  return sockets;
}

// A later one has them from the one before.
Task<Result<Sockets>> InheritSockets(net::UnixSeqPacket old,
                                     const Options& options) {
  EDDY_CO_TRY(Sockets sockets, co_await TakeSockets(old, options.patience));
  Print(sockets.generation, "warming up");
  EDDY_CO_CHECK(co_await eddy::Sleep(options.warm_up));
  EDDY_CO_CHECK(co_await TakeOver(old, options.patience));
  co_return sockets;
}

Task<Result<Sockets>> GetSockets(const Options& options) {
  Result<net::UnixSeqPacket> old = co_await eddy::WithTimeout(
      options.patience, net::UnixSeqPacket::Connect(options.control));
  if (old) co_return co_await InheritSockets(*std::move(old), options);
  const bool nobody_there = old.error() == std::errc::connection_refused ||
                            old.error() == std::errc::no_such_file_or_directory;
  if (!nobody_there) co_return Unexpected(old.error());
  co_return MakeSockets(options);
}

// Returns when another process has taken over.
Task<Result<void>> AwaitSuccessor(Sockets& sockets, Service& service,
                                  const Options& options) {
  while (true) {
    Result<net::UnixSeqPacket> next = co_await sockets.control.Accept();
    if (!next) {
      // Too many open files, say: wait. Or stopped: then Sleep tells.
      EDDY_CO_CHECK(co_await eddy::Sleep(std::chrono::milliseconds(100)));
      continue;
    }
    const Result<void> handed_over = co_await HandOver(
        *next, sockets, service, options.readiness, options.patience);
    if (handed_over) co_return Result<void>();
    if (handed_over.error() == eddy::kCanceled) co_return handed_over;
    Print(sockets.generation,
          "not handed over: " + handed_over.error().message());
  }
}

Task<> StopLater(Duration time, StopSource& source) {
  const Result<void> slept = co_await eddy::Sleep(time);
  if (slept) source.RequestStop();
}

}  // namespace

Task<Result<void>> RunProcess(const Options& options) {
  EDDY_CO_TRY(Sockets sockets, co_await GetSockets(options));
  EDDY_CO_TRY(const net::SocketAddress bound, sockets.clients.local_address());
  const int generation = sockets.generation;
  StopSource drained;
  const auto run = [&](TaskScope& outer) -> Task<Result<void>> {
    // It outlives the tasks of its clients.
    std::optional<Service> service;
    const auto serve = [&](TaskScope& clients) -> Task<Result<void>> {
      service.emplace(sockets.clients, generation, clients);
      service->Resume();
      Print(generation, "listening on " + bound.ToString());
      EDDY_CO_CHECK(co_await AwaitSuccessor(sockets, *service, options));
      Print(generation, "handed over");
      service->Leave();
      EDDY_CO_CHECK(co_await sockets.clients.Close());
      EDDY_CO_CHECK(co_await sockets.control.Close());
      outer.Spawn(StopLater(options.drain, drained));
      co_return Result<void>();
    };
    // Until the last client has gone.
    const Result<void> served =
        co_await WithStop(drained.token(), WithScope(serve));
    outer.RequestStop();
    co_return served;
  };
  const Result<void> ended = co_await WithScope(run);
  if (ended) Print(generation, "ends");
  co_return ended;
}

}  // namespace zero_downtime
