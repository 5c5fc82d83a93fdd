#include "examples/file_server/server.h"

#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/timer.h>
#include <eddy/runtime/with_stop.h>

#include <chrono>
#include <utility>

#include "examples/file_server/connection.h"

namespace file_server {
namespace {

using eddy::Result;
using eddy::Sleep;
using eddy::Task;
using eddy::TaskScope;
using eddy::WithScope;
using eddy::WithStop;
using eddy::net::TcpListener;
using eddy::net::TcpStream;

// The rest when there is no place for one more connection.
constexpr std::chrono::milliseconds kRest(10);

Task<> ServeClient(TcpStream stream, Site& site) {
  Connection connection(std::move(stream), site);
  co_await connection.Converse();
}

Task<> AcceptClients(TcpListener& listener, Site& site, TaskScope& clients) {
  while (!clients.stop_requested() && !site.draining.stop_requested()) {
    if (clients.live() >= site.options.max_connections) {
      (void)co_await WithStop(site.draining, Sleep(kRest));
      continue;
    }
    Result<TcpStream> client =
        co_await WithStop(site.draining, listener.Accept());
    if (client) {
      clients.Spawn(ServeClient(*std::move(client), site));
    } else {
      // Out of descriptors, as a rule: give back those that can be spared. The
      // client waits in the kernel's queue, and this for others to go.
      site.files.Clear();
      (void)co_await WithStop(site.draining, Sleep(kRest));
    }
  }
}

}  // namespace

Task<Result<void>> Serve(TcpListener listener, Site& site) {
  co_return co_await WithScope([&](TaskScope& clients) -> Task<Result<void>> {
    co_await AcceptClients(listener, site, clients);
    co_return co_await listener.Close();
  });
}

}  // namespace file_server
