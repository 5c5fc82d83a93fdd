#include <eddy/net/socket_address.h>

#include "tests/io/io_test_util.h"

#include <arpa/inet.h>
#include <net/if.h>

#include <cstddef>
#include <cstring>
#include <random>
#include <sstream>
#include <string>
#include <utility>

namespace eddy::net {
namespace {

using io_test::Check;
using std::string_literals::operator""s;

constexpr std::size_t kUnixPathOffset = offsetof(sockaddr_un, sun_path);

TEST(SocketAddressTest, RoundTripsItsTextForm) {
  for (const char* text :
       {"127.0.0.1:8080", "0.0.0.0:0", "255.255.255.255:65535", "[::1]:8080",
        "[::]:0", "[fe80::1%7]:80", "[2001:db8::ff00:42:8329]:443",
        "[::ffff:1.2.3.4]:80", "unix:/run/eddy.sock", "unix:relative",
        "unix:with:colon", "unix:with space", "unix:@abstract", "unix:@@",
        "unix:[::1]:80"}) {
    const Result<SocketAddress> address = SocketAddress::Parse(text);
    ASSERT_OK(address) << text;
    EXPECT_EQ(address->ToString(), text);
    const Result<SocketAddress> again =
        SocketAddress::Parse(address->ToString());
    ASSERT_OK(again) << text;
    EXPECT_EQ(*again, *address) << text;
    EXPECT_EQ(SocketAddress::FromNative(address->native(), address->size()),
              *address)
        << text;
  }
}

TEST(SocketAddressTest, WritesTheUsualForm) {
  for (const auto& [text, usual] :
       {std::pair{"[0:0:0:0:0:0:0:1]:080", "[::1]:80"},
        std::pair{"[FE80::A%1]:1", "[fe80::a%1]:1"},
        std::pair{"[::1%0]:1", "[::1]:1"},
        std::pair{"10.0.0.1:00000000080", "10.0.0.1:80"}}) {
    const Result<SocketAddress> address = SocketAddress::Parse(text);
    ASSERT_OK(address) << text;
    EXPECT_EQ(address->ToString(), usual);
  }
}

TEST(SocketAddressTest, FillsTheNativeForm) {
  const Result<SocketAddress> v4 = SocketAddress::Parse("1.2.3.4:5678");
  ASSERT_OK(v4);
  EXPECT_EQ(v4->family(), AF_INET);
  EXPECT_EQ(v4->size(), sizeof(sockaddr_in));
  EXPECT_EQ(v4->port(), 5678);
  const auto* native4 = reinterpret_cast<const sockaddr_in*>(v4->native());
  EXPECT_EQ(native4->sin_addr.s_addr, htonl(0x01020304));
  EXPECT_EQ(native4->sin_port, htons(5678));

  const Result<SocketAddress> v6 = SocketAddress::Parse("[fe80::1%9]:5678");
  ASSERT_OK(v6);
  EXPECT_EQ(v6->family(), AF_INET6);
  EXPECT_EQ(v6->size(), sizeof(sockaddr_in6));
  EXPECT_EQ(v6->port(), 5678);
  const auto* native6 = reinterpret_cast<const sockaddr_in6*>(v6->native());
  EXPECT_EQ(native6->sin6_scope_id, 9U);
  EXPECT_EQ(native6->sin6_addr.s6_addr[0], 0xfe);
  EXPECT_EQ(native6->sin6_addr.s6_addr[15], 1);

  const Result<SocketAddress> path = SocketAddress::Parse("unix:/a/b");
  ASSERT_OK(path);
  EXPECT_EQ(path->family(), AF_UNIX);
  EXPECT_EQ(path->size(), kUnixPathOffset + 5);
  EXPECT_EQ(path->port(), 0);
  EXPECT_STREQ(reinterpret_cast<const sockaddr_un*>(path->native())->sun_path,
               "/a/b");

  const Result<SocketAddress> abstract = SocketAddress::Parse("unix:@ab");
  ASSERT_OK(abstract);
  EXPECT_EQ(abstract->size(), kUnixPathOffset + 3);
  EXPECT_EQ(
      std::memcmp(
          reinterpret_cast<const sockaddr_un*>(abstract->native())->sun_path,
          "\0ab", 3),
      0);
}

TEST(SocketAddressTest, RefusesWhatIsNoAddress) {
  for (const std::string& text : {
           ""s,
           ":"s,
           ":80"s,
           "80"s,
           "localhost:80"s,
           "example.com:80"s,
           "1.2.3.4"s,
           "1.2.3.4:"s,
           "1.2.3.4:65536"s,
           "1.2.3.4:99999999999999999999"s,
           "1.2.3.4:-1"s,
           "1.2.3.4:+1"s,
           "1.2.3.4: 80"s,
           "1.2.3.4:80 "s,
           " 1.2.3.4:80"s,
           "1.2.3.4 :80"s,
           "1.2.3.4:0x50"s,
           "1.2.3.4:8o"s,
           "1.2.3.4:http"s,
           "1.2.3:80"s,
           "1.2.3.4.5:80"s,
           "1.2.3.256:80"s,
           "1.2.3.04:80"s,
           "0x7f.0.0.1:80"s,
           "2130706433:80"s,
           "[1.2.3.4]:80"s,
           "1.2.3.4:80:80"s,
           "::1:80"s,
           "[::1"s,
           "[::1]"s,
           "[::1:80"s,
           "::1]:80"s,
           "[::1]80"s,
           "[::1] :80"s,
           "[]:80"s,
           "[:]:80"s,
           "[::1::]:80"s,
           "[1:2:3:4:5:6:7:8:9]:80"s,
           "[12345::]:80"s,
           "[::1%]:80"s,
           "[%1]:80"s,
           "[::1]]:80"s,
           "[[::1]:80"s,
           "1.2.3.4\0:80"s,
           "1.2.3.4:80\0"s,
           "1.2.3.4:8\0000"s,
           "[::1\0]:80"s,
           "[::1%1\0]:80"s,
           "unix"s,
           "unix:"s,
           "unix:@"s,
           "unix:/a\0b"s,
           "unix:@\0"s,
           "UNIX:/a"s,
           "unix:" + std::string(108, 'x'),
           "unix:" + std::string(5000, 'x'),
           "unix:@" + std::string(107, 'x'),
           std::string(100'000, '1') + ":80",
           std::string(100'000, ':'),
           "[" + std::string(100'000, ':') + "]:80",
       }) {
    CO_EXPECT_ERROR(SocketAddress::Parse(text), std::errc::invalid_argument)
        << "\"" << text.substr(0, 100) << "\"";
  }
}

TEST(SocketAddressTest, TakesTheLongestUnixPath) {
  const std::string longest(107, 'x');
  const Result<SocketAddress> path = SocketAddress::Parse("unix:" + longest);
  ASSERT_OK(path);
  EXPECT_EQ(path->size(), sizeof(sockaddr_un));
  EXPECT_EQ(path->ToString(), "unix:" + longest);
  const std::string abstract = "unix:@" + std::string(106, 'x');
  const Result<SocketAddress> name = SocketAddress::Parse(abstract);
  ASSERT_OK(name);
  EXPECT_EQ(name->ToString(), abstract);
}

TEST(SocketAddressTest, TakesAnInterfaceByItsName) {
  const unsigned index = if_nametoindex("lo");
  if (index == 0) GTEST_SKIP() << "no interface named lo";
  const Result<SocketAddress> address = SocketAddress::Parse("[fe80::1%lo]:80");
  ASSERT_OK(address);
  EXPECT_EQ(address->ToString(), "[fe80::1%" + std::to_string(index) + "]:80");
  for (const char* unknown :
       {"[fe80::1%nosuchif]:80", "[fe80::1%4294967296]:80", "[fe80::1%-1]:80",
        "[fe80::1%lo%lo]:80", "[fe80::1% lo]:80"}) {
    CO_EXPECT_ERROR(SocketAddress::Parse(unknown), std::errc::no_such_device)
        << unknown;
  }
}

TEST(SocketAddressTest, SurvivesAnyTextAndRoundTripsWhatItTakes) {
  constexpr std::string_view kAlphabet("0123456789.:[]%@/unixabcf \0-+", 30);
  const std::string seeds[] = {"127.0.0.1:8080", "[::1]:80",
                               "[fe80::1%1]:9",  "unix:/run/x",
                               "unix:@x",        "[::ffff:1.2.3.4]:5"};
  std::minstd_rand random(7);
  const auto any = [&](std::size_t bound) { return random() % bound; };
  int taken = 0;
  for (int i = 0; i < 200'000; ++i) {
    std::string text;
    if (i % 4 == 0) {
      for (auto n = any(20); n != 0; --n) {
        text += kAlphabet[any(kAlphabet.size())];
      }
    } else {
      text = seeds[any(std::size(seeds))];
      for (auto n = 1 + any(3); n != 0; --n) {
        const auto at = any(text.size() + 1);
        const char c = kAlphabet[any(kAlphabet.size())];
        switch (any(3)) {
          case 0:
            text.insert(at, 1, c);
            break;
          case 1:
            text.erase(at, 1);
            break;
          default:
            if (at < text.size()) text[at] = c;
        }
      }
    }
    const Result<SocketAddress> address = SocketAddress::Parse(text);
    if (!address) continue;
    ++taken;
    const Result<SocketAddress> again =
        SocketAddress::Parse(address->ToString());
    ASSERT_OK(again) << text;
    ASSERT_EQ(*again, *address) << text;
    ASSERT_EQ(again->ToString(), address->ToString()) << text;
  }
  EXPECT_GT(taken, 1000);
}

TEST(SocketAddressTest, IsNoAddressByDefault) {
  const SocketAddress none;
  EXPECT_EQ(none.family(), AF_UNSPEC);
  EXPECT_EQ(none.size(), 0U);
  EXPECT_EQ(none.port(), 0);
  EXPECT_EQ(none.ToString(), "unspecified");
  EXPECT_EQ(none, SocketAddress());
  EXPECT_FALSE(none == SocketAddress::AnyV4(0));
}

TEST(SocketAddressTest, MakesWellKnownAddresses) {
  EXPECT_EQ(SocketAddress::AnyV4(1).ToString(), "0.0.0.0:1");
  EXPECT_EQ(SocketAddress::AnyV6(2).ToString(), "[::]:2");
  EXPECT_EQ(SocketAddress::LoopbackV4(3).ToString(), "127.0.0.1:3");
  EXPECT_EQ(SocketAddress::LoopbackV6(4).ToString(), "[::1]:4");
}

TEST(SocketAddressTest, SetsThePort) {
  SocketAddress v4 = SocketAddress::LoopbackV4(1);
  v4.set_port(65535);
  EXPECT_EQ(v4, SocketAddress::LoopbackV4(65535));
  SocketAddress v6 = SocketAddress::LoopbackV6(1);
  v6.set_port(2);
  EXPECT_EQ(v6, SocketAddress::LoopbackV6(2));
  Result<SocketAddress> local = SocketAddress::Parse("unix:/x");
  ASSERT_OK(local);
  local->set_port(3);
  EXPECT_EQ(local->port(), 0);
  EXPECT_EQ(local->ToString(), "unix:/x");
}

TEST(SocketAddressTest, ComparesFamilyAddressPortAndScope) {
  const auto parse = [](const char* text) {
    return SocketAddress::Parse(text).value();
  };
  EXPECT_EQ(parse("1.2.3.4:5"), parse("1.2.3.4:5"));
  EXPECT_FALSE(parse("1.2.3.4:5") == parse("1.2.3.4:6"));
  EXPECT_FALSE(parse("1.2.3.4:5") == parse("1.2.3.5:5"));
  EXPECT_FALSE(parse("[fe80::1%1]:5") == parse("[fe80::1%2]:5"));
  EXPECT_FALSE(parse("0.0.0.0:5") == parse("[::]:5"));
  EXPECT_FALSE(parse("unix:/a") == parse("unix:/ab"));
  EXPECT_FALSE(parse("unix:@a") == parse("unix:a"));
}

template <class Native>
SocketAddress Of(const Native& native) {
  return SocketAddress::FromNative(reinterpret_cast<const sockaddr*>(&native),
                                   sizeof native);
}

TEST(SocketAddressTest, ComparesNothingElse) {
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(80);
  v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::memset(v4.sin_zero, 'x', sizeof v4.sin_zero);
  EXPECT_EQ(Of(v4), SocketAddress::LoopbackV4(80));

  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(80);
  v6.sin6_addr = in6addr_loopback;
  v6.sin6_flowinfo = htonl(0x12345);
  const SocketAddress address = Of(v6);
  EXPECT_EQ(address, SocketAddress::LoopbackV6(80));
  // It is kept for who connects to it.
  EXPECT_EQ(
      reinterpret_cast<const sockaddr_in6*>(address.native())->sin6_flowinfo,
      v6.sin6_flowinfo);
}

TEST(SocketAddressTest, WritesAPathThatBeginsWithAtAsAPath) {
  sockaddr_un native{};
  native.sun_family = AF_UNIX;
  std::strcpy(native.sun_path, "@x");
  const std::string text = Of(native).ToString();
  EXPECT_EQ(text, "unix:./@x");
  CO_EXPECT_OK(SocketAddress::Parse(text));
}

TEST(SocketAddressTest, IsPrinted) {
  std::ostringstream out;
  out << SocketAddress::LoopbackV4(80);
  EXPECT_EQ(out.str(), "127.0.0.1:80");
}

// The kernel tells sizes of many kinds; none is read beyond.
TEST(SocketAddressTest, TakesNativeAddressesOfAnySize) {
  for (const int value :
       {AF_UNSPEC, AF_INET, AF_INET6, AF_UNIX, AF_NETLINK, 0xffff}) {
    const auto family = static_cast<sa_family_t>(value);
    for (std::size_t size = 0; size <= sizeof(sockaddr_storage); ++size) {
      // On the heap, so that a sanitizer sees a read beyond.
      const std::vector<char> memory = [&] {
        std::vector<char> bytes(size, 'x');
        const auto* from = reinterpret_cast<const char*>(&family);
        std::copy_n(from, std::min(size, sizeof family), bytes.begin());
        return bytes;
      }();
      const SocketAddress address = SocketAddress::FromNative(
          reinterpret_cast<const sockaddr*>(memory.data()),
          static_cast<socklen_t>(size));
      EXPECT_LE(address.size(), family == AF_UNIX ? size + 1 : size);
      const bool known = (family == AF_INET && size >= sizeof(sockaddr_in)) ||
                         (family == AF_INET6 && size >= sizeof(sockaddr_in6)) ||
                         (family == AF_UNIX && size >= sizeof family &&
                          size <= sizeof(sockaddr_un));
      EXPECT_EQ(address.family(), known ? value : AF_UNSPEC) << size;
      EXPECT_FALSE(address.ToString().empty());
    }
  }
}

TEST(SocketAddressTest, TellsOfUnnamedUnixSockets) {
  const io_test::SocketPair sockets;
  const Result<SocketAddress> address = SocketAddress::LocalOf(sockets.a.get());
  ASSERT_OK(address);
  EXPECT_EQ(address->family(), AF_UNIX);
  EXPECT_EQ(address->size(), sizeof(sa_family_t));
  EXPECT_EQ(address->ToString(), "unix:");
  CO_EXPECT_ERROR(SocketAddress::Parse("unix:"), std::errc::invalid_argument);
  const Result<SocketAddress> peer = SocketAddress::PeerOf(sockets.a.get());
  ASSERT_OK(peer);
  EXPECT_EQ(*peer, *address);
}

// With the zero counted, not counted, or with the whole struct's size.
TEST(SocketAddressTest, TakesAUnixPathHoweverItsSizeIsTold) {
  sockaddr_un native{};
  native.sun_family = AF_UNIX;
  std::strcpy(native.sun_path, "/run/x");
  const SocketAddress expected = SocketAddress::Parse("unix:/run/x").value();
  for (const std::size_t size :
       {kUnixPathOffset + 6, kUnixPathOffset + 7, sizeof native}) {
    const SocketAddress address =
        SocketAddress::FromNative(reinterpret_cast<const sockaddr*>(&native),
                                  static_cast<socklen_t>(size));
    EXPECT_EQ(address, expected) << size;
    EXPECT_EQ(address.ToString(), "unix:/run/x") << size;
  }
}

TEST(SocketAddressTest, TellsTheErrorsOfTheSystemCalls) {
  const io_test::Pipe pipe;
  CO_EXPECT_ERROR(SocketAddress::LocalOf(pipe.reader.get()),
                  std::errc::not_a_socket);
  CO_EXPECT_ERROR(SocketAddress::LocalOf(-1), std::errc::bad_file_descriptor);
  const io::Fd unconnected = io_test::TcpSocket();
  CO_EXPECT_ERROR(SocketAddress::PeerOf(unconnected.get()),
                  std::errc::not_connected);
  CO_EXPECT_OK(SocketAddress::LocalOf(unconnected.get()));
}

}  // namespace
}  // namespace eddy::net
