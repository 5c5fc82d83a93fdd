// HandOver: gives a connection to another core, which goes on with it.
//
//   Task<Result<void>> Login(net::TcpStream& client) {      // where it came
//     io::BufferedReader lines(client);
//     EDDY_CO_TRY(const std::string_view name, co_await lines.ReadLine());
//     const unsigned core = CoreOf(name);
//     auto talk = [rest = Copy(lines.buffered())](
//                     net::TcpStream& client) -> Task<Result<void>> {
//       io::BufferedReader lines(client);                   // on that core
//       lines.StartWith(rest);
//       ...
//     };
//     co_return co_await net::HandOver(core, std::move(client), talk);
//   }
//
// Only the descriptor moves. What has been read from it is the caller's to give
// along, in the handler. A task or a buffer never changes cores.
//
// The handler is called on that core with the stream, as an lvalue, and returns
// a Task of nothing or of a Result; the stream is closed when it has ended. It
// runs in the scope of that core's reactor, so until it ends or the run does,
// and not in what the caller belongs to: a net::Serve does not count or drain
// it any more. (For that, let the handler wait: `co_await SubmitTo(core, f)`
// with a task f that makes a stream from client.Detach(), which ends and fails
// as a part of the caller, and is one of RuntimeOptions::most_calls meanwhile.)
//
// Result: nothing, when that core has taken the stream over. An error that the
// handler returns ends its connection and nothing else; an exception ends the
// run, as that of any task in the reactor's scope.
// Errors: kCanceled, kClosed, as of SubmitTo. Then the stream is the caller's
// still, as it was: nothing is lost.
// Stop: before it has been sent. From then on it is taken over all the same. A
// connection that is taken over while the run ends begins, and its first
// operation answers kCanceled.
// Order, back-pressure: those of SubmitTo; how many connections a core has is
// not limited.
//
// Lifetime: the stream lives until the await returns. The handler goes to the
// other core, is moved there, and destroyed there after the stream is closed.
// REQUIRES: nobody uses the stream: no operation in flight on it; Receive was
// not called on it, or EndReceive after that. Awaited on a core of a Runtime.
// Violations abort.
// Cost: two messages (see SubmitTo), a coroutine frame here, and on the other
// core one besides the handler's.
#ifndef EDDY_NET_HAND_OVER_H_
#define EDDY_NET_HAND_OVER_H_

#include <eddy/net/stream_socket.h>
#include <eddy/runtime/reactor.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/submit_to.h>
#include <eddy/runtime/task.h>
#include <eddy/runtime/task_scope.h>

#include <concepts>
#include <type_traits>
#include <utility>

namespace eddy::net {
namespace internal {

template <class Stream, class Handler>
Task<> HandleHere(Handler handler, Stream stream) {
  static_cast<void>(co_await handler(stream));
}

}  // namespace internal

template <class Stream, class Handler>
requires std::derived_from<Stream, StreamSocket> Task<Result<void>> HandOver(
    unsigned core, Stream&& stream, Handler handler) {
  static_assert(std::is_invocable_v<Handler&, Stream&>,
                "a handler of HandOver is called with the stream as an lvalue");
  io::Fd fd = stream.Detach();
  const auto take = [&] {
    Reactor::Current()->scope().Spawn(internal::HandleHere<Stream, Handler>(
        std::move(handler), Stream(std::move(fd))));
  };
  Result<void> taken = co_await SubmitTo(core, take);
  if (!taken) stream = Stream(std::move(fd));
  co_return taken;
}

}  // namespace eddy::net

#endif  // EDDY_NET_HAND_OVER_H_
