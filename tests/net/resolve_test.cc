// Names and addresses, what is neither, and look-ups that hang.
#include <eddy/net/resolve.h>

#include "tests/io/io_test_util.h"
#include "tests/net/fake_resolver.h"
#include "tests/runtime/gate.h"
#include "tests/sweeps.h"

#include <eddy/runtime/blocking_pool.h>
#include <eddy/runtime/stop.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/timeout.h>
#include <eddy/runtime/with_stop.h>

#include <netdb.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace eddy::net {
namespace {

using namespace std::chrono_literals;
using net_test::FakeResolver;
using test::Gate;

std::vector<std::string> TextOf(const std::vector<SocketAddress>& addresses) {
  std::vector<std::string> all;
  for (const SocketAddress& each : addresses) all.push_back(each.ToString());
  return all;
}

using Texts = std::vector<std::string>;

Texts Only(const std::string& text) { return Texts(1, text); }

CO_TEST(ResolveTest, AddressesAskNobody) {
  const FakeResolver resolver;
  for (const auto& [host, expected] :
       std::vector<std::pair<std::string, std::string>>{
           {"127.0.0.1", "127.0.0.1:80"},
           {"255.255.255.255", "255.255.255.255:80"},
           {"::1", "[::1]:80"},
           {"[::1]", "[::1]:80"},
           {"2001:db8::7", "[2001:db8::7]:80"},
           {"::ffff:1.2.3.4", "[::ffff:1.2.3.4]:80"},
           {"fe80::1%lo", "[fe80::1%1]:80"},
           {"[fe80::1%1]", "[fe80::1%1]:80"}}) {
    const auto addresses = co_await Resolve(host, 80);
    CO_ASSERT_OK(addresses) << host;
    EXPECT_EQ(TextOf(*addresses), Only(expected));
    const auto by_text = co_await Resolve(host, "80");
    CO_ASSERT_OK(by_text) << host;
    EXPECT_EQ(TextOf(*by_text), Only(expected));
  }
  EXPECT_EQ(resolver.calls(), 0);
}

CO_TEST(ResolveTest, WhatIsNoHostIsRefused) {
  const FakeResolver resolver;
  std::string many_labels;
  for (int i = 0; i < 127; ++i) many_labels += "a.";
  for (const std::string& host : std::vector<std::string>{
           "",
           ".",
           "..",
           "a..b",
           ".a",
           std::string("a\0b", 3),
           std::string("127.0.0.1\0", 10),
           std::string(1, '\0'),
           std::string(64 * 1024, 'x'),
           std::string(64, 'x'),
           std::string(64 * 1024, '.'),
           std::string(64 * 1024, '1'),
           std::string(64 * 1024, ':'),
           many_labels + "b",
           "999.1.1.1",
           "1.2.3",
           "127.1",
           "1.2.3.4.5",
           "1.2.3.4.",
           "2130706433",
           "0x7f000001",
           "0x7f.1",
           "host.1",
           "127.0.0.1:80",
           "[127.0.0.1]",
           "[::1",
           "::1]",
           "[]",
           "[",
           "]",
           "[[::1]]",
           "[::1]x",
           ":",
           ":::",
           "1:2:3:4:5:6:7:8:9",
           "fe80::1%",
           "[fe80::1%]",
           "localhost%lo",
           "a b",
           " localhost",
           "localhost\n",
           "a/b",
           "user@host",
           "b\xc3\xbc"
           "cher.example",
           "unix:/run/x",
           "unix:@x",
           "%s%n",
       }) {
    CO_EXPECT_ERROR(co_await Resolve(host, 80), std::errc::invalid_argument)
        << host.substr(0, 80);
  }
  CO_EXPECT_ERROR(co_await Resolve("fe80::1%no_such_dev", 80),
                  std::errc::no_such_device);
  EXPECT_EQ(resolver.calls(), 0);
}

CO_TEST(ResolveTest, WhatIsNoPortIsRefused) {
  const FakeResolver resolver;
  for (const std::string& service : std::vector<std::string>{
           "", "65536", "99999999999999999999", "-1", "+80", " 80", "80 ",
           "8 0", "http\n", std::string("80\0", 3),
           std::string(64 * 1024, 'x')}) {
    for (const char* host : {"127.0.0.1", "localhost"}) {
      const auto refused = co_await Resolve(host, service);
      CO_EXPECT_ERROR(refused, std::errc::invalid_argument)
          << service.substr(0, 80);
    }
  }
  EXPECT_EQ(resolver.calls(), 0);
}

CO_TEST(ResolveTest, TheFamilyIsKept) {
  FakeResolver resolver;
  resolver.Knows("both", {"192.0.2.1", "2001:db8::1"});
  resolver.Knows("four", {"192.0.2.1"});
  CO_EXPECT_EQ(TextOf((co_await Resolve("both", 7, AF_INET)).value()),
               Only("192.0.2.1:7"));
  CO_EXPECT_EQ(TextOf((co_await Resolve("both", 7, AF_INET6)).value()),
               Only("[2001:db8::1]:7"));
  CO_EXPECT_ERROR(co_await Resolve("four", 7, AF_INET6), kHostNotFound);
  CO_EXPECT_OK(co_await Resolve("127.0.0.1", 7, AF_INET));
  CO_EXPECT_ERROR(co_await Resolve("127.0.0.1", 7, AF_INET6), kHostNotFound);
  CO_EXPECT_ERROR(co_await Resolve("::1", 7, AF_INET), kHostNotFound);
  CO_EXPECT_ERROR(co_await Resolve("127.0.0.1", 7, AF_UNIX),
                  std::errc::address_family_not_supported);
}

CO_TEST(ResolveTest, GivesEachAddressOnceInTheOrderOfTheAnswer) {
  FakeResolver resolver;
  resolver.Knows("many.example.", {"2001:db8::2", "192.0.2.9", "2001:db8::1",
                                   "192.0.2.9", "192.0.2.1", "2001:db8::2"});
  const auto addresses = co_await Resolve("many.example.", 443);
  CO_ASSERT_OK(addresses);
  const Texts expected = {"[2001:db8::2]:443", "192.0.2.9:443",
                          "[2001:db8::1]:443", "192.0.2.1:443"};
  EXPECT_EQ(TextOf(*addresses), expected);
  EXPECT_EQ(resolver.calls(), 1);
}

CO_TEST(ResolveTest, EachFailureHasItsError) {
  FakeResolver resolver;
  const std::vector<std::pair<int, Error>> codes = {
      {EAI_NONAME, kHostNotFound},
      {EAI_NODATA, kHostNotFound},
      {EAI_ADDRFAMILY, kHostNotFound},
      {EAI_AGAIN, kNameServerUnreachable},
      {EAI_FAIL, kNameServerFailed},
      {EAI_SERVICE, kServiceNotFound},
      {EAI_MEMORY, std::errc::not_enough_memory},
      {EAI_FAMILY, std::errc::address_family_not_supported},
      {EAI_BADFLAGS, std::errc::invalid_argument}};
  for (const auto& [code, error] : codes) {
    resolver.Fails("host", code);
    CO_EXPECT_ERROR(co_await Resolve("host", 80), error);
  }
  resolver.Fails("host", EAI_SYSTEM, EMFILE);
  CO_EXPECT_ERROR(co_await Resolve("host", 80), std::errc::too_many_files_open);
  resolver.Fails("host", EAI_SYSTEM, 0);
  CO_EXPECT_ERROR(co_await Resolve("host", 80), std::errc::io_error);
  CO_EXPECT_ERROR(co_await Resolve("not-told-of", 80), kHostNotFound);
}

// As this machine is set up; /etc/hosts has at least this name.
CO_TEST(ResolveTest, FindsThisMachine) {
  const auto addresses = co_await Resolve("localhost", 80);
  CO_ASSERT_OK(addresses);
  for (const SocketAddress& each : *addresses) {
    EXPECT_EQ(each.port(), 80);
    EXPECT_TRUE(each == SocketAddress::LoopbackV4(80) ||
                each == SocketAddress::LoopbackV6(80))
        << each;
  }
  const auto unknown = co_await Resolve("127.0.0.1", "no-such-service");
  CO_EXPECT_ERROR(unknown, kServiceNotFound);
}

CO_TEST(ResolveTest, AStopLeavesALookUpThatHangs) {
  FakeResolver resolver;
  const auto gate = std::make_shared<Gate>();
  resolver.Holds("slow", gate);
  CO_EXPECT_ERROR(co_await WithTimeout(1ms, Resolve("slow", 80)), kTimedOut);
  StopSource source;
  const auto body = [&](TaskScope& scope) -> Task<void> {
    const auto stops = [&]() -> Task<void> {
      co_await io_test::Turn();
      source.RequestStop();
    };
    scope.Spawn(stops);
    CO_EXPECT_ERROR(co_await WithStop(source.token(), Resolve("slow", 80)),
                    kCanceled);
    CO_EXPECT_ERROR(co_await WithStop(source.token(), Resolve("slow", 80)),
                    kCanceled);
  };
  CO_EXPECT_OK(co_await WithScope(body));
  // Others are answered meanwhile.
  resolver.Knows("fast", {"192.0.2.1"});
  CO_EXPECT_OK(co_await Resolve("fast", 80));
  gate->Open();
}

// More than may hang at once: the rest waits, and can be stopped as well.
CO_TEST(ResolveTest, LookUpsThatHangAreBounded) {
  FakeResolver resolver;
  const auto gate = std::make_shared<Gate>();
  resolver.Holds("slow", gate);
  resolver.Knows("slow", {"192.0.2.1"});
  const int most = static_cast<int>(internal::BlockingPool::kMaxAbandonable);
  int timed_out = 0;
  const auto asks = [&](Duration patience) -> Task<void> {
    const auto addresses = co_await WithTimeout(patience, Resolve("slow", 80));
    if (addresses) co_return;
    EXPECT_EQ(addresses.error(), kTimedOut);
    ++timed_out;
  };
  const auto impatient = [&](TaskScope& scope) -> Task<void> {
    for (int i = 0; i < 3 * most; ++i) scope.Spawn(asks, 5ms);
    co_return;
  };
  CO_EXPECT_OK(co_await WithScope(impatient));
  EXPECT_EQ(timed_out, 3 * most);
  EXPECT_LE(gate->passing(), most);
  const auto patient = [&](TaskScope& scope) -> Task<void> {
    for (int i = 0; i < most; ++i) scope.Spawn(asks, 1h);
    co_await io_test::Turn();
    EXPECT_LE(gate->passing(), most);
    gate->Open();
  };
  CO_EXPECT_OK(co_await WithScope(patient));
  EXPECT_EQ(timed_out, 3 * most);
}

TEST(ResolveTest, EndsCleanlyAtEveryPoint) {
  FakeResolver resolver;
  resolver.Knows("host", {"192.0.2.1"});
  const auto scenario = []() -> Task<Result<void>> {
    EDDY_CO_CHECK(co_await Resolve("127.0.0.1", 80));
    EDDY_CO_CHECK(co_await Resolve("host", "80"));
    EDDY_CO_CHECK(co_await Resolve("host", 81));
    co_return Result<void>();
  };
  const SweepReport report = StopAtEveryPoint(scenario);
  EXPECT_EQ(report.failure, "");
  EXPECT_GE(report.points, 3U);
}

}  // namespace
}  // namespace eddy::net
