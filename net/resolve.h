// Resolve: the addresses of a host.
//
//   const auto addresses = co_await net::Resolve("example.org", 443);
//   const auto local = co_await net::Resolve("localhost", "http");
//
// `host` is a name, or an address as in SocketAddress::Parse without its port:
// "127.0.0.1", "::1", "fe80::1%eth0", IPv6 also in brackets. An address with a
// numeric port is turned into itself, without a thread. A name is looked up by
// getaddrinfo(3) on a thread of the pool, as the machine is set up: /etc/hosts,
// name servers, /etc/nsswitch.conf.
// `service` is a number, or a name of /etc/services for TCP.
//
// Result: at least one address, each once, in the order in which to try them
// (RFC 6724, as getaddrinfo sorts them).
// Errors: EINVAL for what can be no host or port: a name of more than 253
// characters, or parts of none or more than 63; characters other than letters,
// digits, '-', '_' and '.'; a last part that is a number, as in "999.1.1.1" or
// the short forms of inet_aton(3), which one server takes for an address and
// the other for a name. (Names in other scripts: in their xn-- form.)
// ENODEV for an unknown interface. kHostNotFound, kNameServerUnreachable,
// kNameServerFailed, kServiceNotFound; EAFNOSUPPORT for a family other than
// AF_INET, AF_INET6 and AF_UNSPEC; those of AbandonableBlocking; kCanceled.
// Stop: a stop point at any time: a look-up that hangs is left alone, and its
// answer dropped. For a time limit: WithTimeout(5s, net::Resolve(...)).
// Limits: at most 8 look-ups at once in a process, those that are left alone
// among them, which the resolver ends by its own time limits (resolv.conf(5):
// usually 5 s, twice for each server). More wait for their turn.
// Cost: for addresses a coroutine frame and the vector. For names besides what
// AbandonableBlocking costs, what getaddrinfo does, which caches nothing.
#ifndef EDDY_NET_RESOLVE_H_
#define EDDY_NET_RESOLVE_H_

#include <eddy/net/socket_address.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>

#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <vector>

namespace eddy::net {

// `family`: AF_INET or AF_INET6 for addresses of this family alone.
Task<Result<std::vector<SocketAddress>>> Resolve(std::string host,
                                                 std::uint16_t port,
                                                 int family = AF_UNSPEC);
Task<Result<std::vector<SocketAddress>>> Resolve(std::string host,
                                                 std::string service,
                                                 int family = AF_UNSPEC);

}  // namespace eddy::net

#endif  // EDDY_NET_RESOLVE_H_
