// Several cores: a reactor on each, nothing shared, and what goes between them.
// Run:  examples/run cores           (on two cores; `cores 4` takes four)
// See:  one line for each part, within a second.
// The listings of docs/cores.md are from here.
#include <eddy/net/hand_over.h>
#include <eddy/net/serve_on_all_cores.h>
#include <eddy/net/tcp.h>
#include <eddy/runtime/event.h>
#include <eddy/runtime/for_each_core.h>
#include <eddy/runtime/owned_by.h>
#include <eddy/runtime/runtime.h>
#include <eddy/runtime/scheduling_group.h>
#include <eddy/runtime/sharded.h>
#include <eddy/runtime/shared_channel.h>
#include <eddy/runtime/submit_to.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/timer.h>
#include <eddy/runtime/yield.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

using namespace eddy;                  // NOLINT: an example
using namespace std::chrono_literals;  // NOLINT: an example

// --- A call to another core --------------------------------------------------

// A function runs there between two tasks, a coroutine as a task. What it
// returns, or throws, comes back.
Task<Result<unsigned>> AskTheLastCore() {
  const unsigned last = Runtime::OfTask().cores() - 1;
  EDDY_CO_TRY(const unsigned core,
              co_await SubmitTo(last, [] { return Runtime::CurrentCore(); }));
  const auto sleeps = [&]() -> Task<Result<unsigned>> {
    EDDY_CO_CHECK(co_await Sleep(1ms));  // on that core, which goes on
    co_return core;
  };
  co_return co_await SubmitTo(last, sleeps);
}

// --- Work on all of them -----------------------------------------------------

bool IsPrime(int n) {
  for (int d = 2; d * d <= n; ++d) {
    if (n % d == 0) return false;
  }
  return n > 1;
}

// Each core takes every cores-th number; their counts are added here.
Task<Result<int>> CountPrimes(int below) {
  const unsigned cores = Runtime::OfTask().cores();
  const auto count = [=](unsigned core) -> Task<int> {
    int primes = 0;
    int n = static_cast<int>(core);
    for (int i = 1; n < below; ++i, n += static_cast<int>(cores)) {
      primes += IsPrime(n);
      if (i % 256 == 0) co_await Yield();  // others have their turn
    }
    co_return primes;
  };
  co_return co_await MapReduce(count, 0, std::plus<>());
}

// --- Objects that are split up by key ----------------------------------------

class Counters {
 public:
  int Add(const std::string& key) { return ++counts_[key]; }
  std::size_t size() const { return counts_.size(); }

 private:
  std::unordered_map<std::string, int> counts_;  // without a lock
};

// A key has one core, which is the only one to touch it.
unsigned CoreOf(std::string_view key) {
  return static_cast<unsigned>(std::hash<std::string_view>()(key) %
                               Runtime::OfTask().cores());
}

Task<Result<int>> Count(Sharded<Counters>& counters, std::string key) {
  co_return co_await counters.InvokeOn(
      CoreOf(key), [&key](Counters& mine) { return mine.Add(key); });
}

Task<Result<std::size_t>> CountWords() {
  const auto body =
      [](Sharded<Counters>& counters) -> Task<Result<std::size_t>> {
    for (const char* word : {"to", "be", "or", "not", "to", "be"}) {
      EDDY_CO_CHECK(co_await Count(counters, word));
    }
    const auto size = [&](unsigned) { return counters.Local().size(); };
    co_return co_await MapReduce(size, std::size_t{0}, std::plus<>());
  };
  co_return co_await WithSharded<Counters>(body);
}

// --- An object of another core -----------------------------------------------

struct Session {
  ~Session() {
    std::printf("session: ended on core %u\n", Runtime::CurrentCore());
  }
  unsigned Core() const { return Runtime::CurrentCore(); }
};

// Held here, used there, and sent home to be destroyed.
Task<Result<void>> HoldASession() {
  const unsigned last = Runtime::OfTask().cores() - 1;
  EDDY_CO_TRY(const OwnedBy<Session> session,
              co_await SubmitTo(last, [] { return OwnedBy<Session>::Make(); }));
  EDDY_CO_TRY(const unsigned core, co_await SubmitTo(session.core(), [&] {
                return session->Core();
              }));
  std::printf("session: used on core %u\n", core);
  co_return Result<void>();
}

// --- A queue from all cores to one -------------------------------------------

// Each core sends, and waits where 8 values are on their way; this one
// receives.
Task<Result<int>> SumFromAllCores(int each) {
  SharedChannel<int> values(8);
  int sum = 0;
  const auto receive = [&]() -> Task<> {
    while (const auto value = co_await values.Receive()) sum += *value;
  };
  const auto body = [&](TaskScope& scope) -> Task<Result<void>> {
    scope.Spawn(receive);
    const auto send = [&values, each](unsigned) -> Task<Result<void>> {
      for (int i = 1; i <= each; ++i) {
        EDDY_CO_CHECK(co_await values.Send(int{i}));
      }
      co_return Result<void>();
    };
    const Result<void> sent = co_await ForEachCore(send);
    values.Close();
    co_return sent;
  };
  EDDY_CO_CHECK(co_await WithScope(body));
  co_return sum;
}

// --- Shares of a core --------------------------------------------------------

// Both compute all the time; the foreground gets five times as much of the
// core, and all of it while the other has nothing to do.
Task<double> ShareOfTheBackground(Duration time) {
  const SchedulingGroup background = SchedulingGroup::Get("background", 20);
  const SchedulingGroup foreground = SchedulingGroup::Current();  // 100 shares
  const TimePoint end = Clock::now() + time;
  const auto compute = [end]() -> Task<> {
    volatile unsigned sum = 0;
    while (Clock::now() < end) {
      for (unsigned i = 0; i < 10000; ++i) sum = sum + i;
      co_await Yield();
    }
  };
  const Duration before = foreground.time();
  const auto body = [&](TaskScope& scope) -> Task<> {
    scope.Spawn(compute);
    const auto in_background = [&]() -> Task<> {
      co_await background.Run(compute());
    };
    scope.Spawn(in_background);
    co_return;
  };
  static_cast<void>(co_await WithScope(body));
  const double others =
      std::chrono::duration<double>(foreground.time() - before).count();
  const double own = std::chrono::duration<double>(background.time()).count();
  co_return own / (own + others);
}

// --- A server on all cores ---------------------------------------------------

Task<Result<void>> Echo(net::TcpStream& client) {
  while (true) {
    EDDY_CO_TRY(const io::Buffer data, co_await client.Receive());
    if (data.empty()) co_return Result<void>();
    EDDY_CO_CHECK(co_await client.Write(data.bytes()));
  }
}

// A connection whose first byte says which core is to have it: the handler
// gives it away, and that core goes on.
Task<Result<void>> Route(net::TcpStream& client) {
  std::byte first{};
  EDDY_CO_TRY(const std::size_t n, co_await client.Read({&first, 1}));
  if (n == 0) co_return Result<void>();
  const unsigned core =
      static_cast<unsigned>(first) % Runtime::OfTask().cores();
  co_return co_await net::HandOver(core, std::move(client), Echo);
}

Task<Result<std::string>> Ask(net::SocketAddress server, std::string question) {
  EDDY_CO_TRY(net::TcpStream stream, co_await net::TcpStream::Connect(server));
  EDDY_CO_CHECK(co_await stream.Write(std::as_bytes(std::span(question))));
  EDDY_CO_TRY(const io::Buffer data, co_await stream.Receive());
  co_return std::string(reinterpret_cast<const char*>(data.bytes().data()),
                        data.size());
}

Task<Result<void>> ServeAndAsk() {
  net::ServeStatsByCore stats;
  net::ServeOnAllCoresOptions options;
  options.stats = &stats;
  net::SocketAddress address;
  Event listening;
  options.on_listening = [&](const net::SocketAddress& where) {
    address = where;
    listening.Set();
  };
  const auto body = [&](TaskScope& scope) -> Task<Result<void>> {
    scope.Spawn(net::ServeOnAllCores(net::SocketAddress::LoopbackV4(0), Route,
                                     options));
    EDDY_CO_CHECK(co_await listening.Wait());
    for (char core = '0'; core < '9'; ++core) {
      EDDY_CO_TRY(const std::string answer,
                  co_await Ask(address, core + std::string("hello")));
      if (answer != "hello") co_return Unexpected(std::errc::bad_message);
    }
    EDDY_CO_TRY(const net::ServeStats sum, co_await stats.Sum());
    std::printf("server: %llu connections\n",
                static_cast<unsigned long long>(sum.incoming.accepted));
    scope.RequestStop();
    co_return Result<void>();
  };
  co_return co_await WithScope(body);
}

Task<Result<void>> Main() {
  std::printf("cores: %u\n", Runtime::OfTask().cores());
  EDDY_CO_TRY(const unsigned last, co_await AskTheLastCore());
  std::printf("call: answered by core %u\n", last);
  EDDY_CO_TRY(const int primes, co_await CountPrimes(100'000));
  std::printf("primes: %d\n", primes);
  EDDY_CO_TRY(const std::size_t distinct, co_await CountWords());
  std::printf("words: %zu\n", distinct);
  EDDY_CO_CHECK(co_await HoldASession());
  EDDY_CO_TRY(const int sum, co_await SumFromAllCores(100));
  std::printf("queue: %d\n", sum);
  const double share = co_await ShareOfTheBackground(100ms);
  std::printf("background: %.0f %% of the core\n", 100 * share);
  co_return co_await ServeAndAsk();
}

int main(int argc, char** argv) {
  RuntimeOptions options;
  options.cores = argc > 1 ? static_cast<unsigned>(std::atoi(argv[1])) : 2;
  options.oversubscribe = true;  // so that it runs on any machine
  auto runtime = Runtime::Create(options);
  if (!runtime) {
    std::fprintf(stderr, "%s\n", runtime.error().message().c_str());
    return 1;
  }
  const Result<void> ended = (*runtime)->Run(Main());
  if (!ended) std::fprintf(stderr, "%s\n", ended.error().message().c_str());
  return ended ? 0 : 1;
}
