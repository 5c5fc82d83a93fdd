// Connect, ConnectAny: a connection to a host, by whichever of its addresses
// answers first (happy eyeballs, RFC 8305).
//
//   EDDY_CO_TRY(auto stream, co_await net::Connect("example.org", 80));
//
//   net::ConnectOptions options;
//   options.timeout = 10s;
//   auto stream = co_await net::Connect("example.org", 80, options);
//
// A host often has addresses of IPv6 and IPv4, and one of the two may lead
// nowhere: there a connect fails only after minutes. So the families take
// turns, the one that Resolve puts first beginning; an attempt that has not
// succeeded after ConnectOptions::attempt_delay (250 ms) is joined by one to
// the next address; one that fails is followed by the next at once. The first
// that succeeds wins, the others are stopped and their sockets closed.
//
// ConnectAny does the same with addresses that are there already, Unix ones
// too.
//
// Result: the connection.
// Errors: those of Resolve; EINVAL for an empty list, or options out of their
// range; kTimedOut after ConnectOptions::timeout, which covers the look-up and
// all attempts; kCanceled. Where every attempt failed, the error that tells
// most: what a peer answered (ECONNREFUSED) before that nobody answered
// (ETIMEDOUT), before that no way leads there (EHOSTUNREACH, ENETUNREACH),
// before the others, such as those of a socket that could not be made; of
// equals the first.
// Stop: a stop point at any time; nothing is left here, and a peer may have
// seen connections come and go.
// Cost: for each attempt what TcpStream::Connect costs, a spawned task, and one
// allocation. With fast_open an attempt succeeds at once where the peer has
// given a cookie before, whether or not it can be reached.
#ifndef EDDY_NET_CONNECT_H_
#define EDDY_NET_CONNECT_H_

#include <eddy/net/connect_options.h>
#include <eddy/net/socket_address.h>
#include <eddy/net/tcp.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>

#include <cstdint>
#include <string>
#include <vector>

namespace eddy::net {

// See Resolve for what `host` may be.
Task<Result<TcpStream>> Connect(std::string host, std::uint16_t port);
Task<Result<TcpStream>> Connect(std::string host, std::uint16_t port,
                                ConnectOptions options);

Task<Result<TcpStream>> ConnectAny(std::vector<SocketAddress> addresses);
Task<Result<TcpStream>> ConnectAny(std::vector<SocketAddress> addresses,
                                   ConnectOptions options);

}  // namespace eddy::net

#endif  // EDDY_NET_CONNECT_H_
