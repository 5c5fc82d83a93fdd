// A program of threads, one part of which has become tasks: the seams between
// the two (see docs/porting.md, "Step by step").
// Run:  examples/run seams
// See:  what a dashboard hears from three stations, and how many readings of
//       one of them there are.
// Shows: ReactorThread and Remote for calls from threads to tasks,
//       SharedChannel for what flows from threads to tasks, and Blocking for
//       calls from tasks to what is still made of threads. Neither the stations
//       nor the archive nor the dashboard know that there are tasks.
#include <eddy/io/buffered_reader.h>
#include <eddy/net/serve.h>
#include <eddy/net/tcp.h>
#include <eddy/runtime/blocking.h>
#include <eddy/runtime/channel.h>
#include <eddy/runtime/reactor_thread.h>
#include <eddy/runtime/remote.h>
#include <eddy/runtime/shared_channel.h>
#include <eddy/runtime/task_scope.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <functional>
#include <latch>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "examples/blocking_sockets/line_reader.h"
#include "examples/blocking_sockets/socket.h"
#include "examples/usage.h"

ABSL_FLAG(int, readings, 5, "how many readings each station makes");

namespace {

using namespace eddy;                  // NOLINT: an example
using namespace std::chrono_literals;  // NOLINT: an example

// --- Threads: as they were ---------------------------------------------------

// Everything that was ever read, behind a mutex.
class Archive {
 public:
  void Add(const std::string& reading) {
    const std::lock_guard lock(mutex_);
    readings_.push_back(reading);
  }
  std::size_t Count(std::string_view station) {
    const std::lock_guard lock(mutex_);
    return static_cast<std::size_t>(std::count_if(
        readings_.begin(), readings_.end(), [&](const std::string& reading) {
          return reading.starts_with(station);
        }));
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> readings_;
};

// --- Tasks: what was a thread for each who listens ---------------------------

class Publisher {
 public:
  explicit Publisher(Archive& archive) : archive_(archive) {}
  Publisher(const Publisher&) = delete;
  Publisher& operator=(const Publisher&) = delete;

  // What the threads call: Start() first and Stop() at the end, each once; the
  // others at any time in between, and after.

  // The address that it listens on.
  Result<std::string> Start() {
    Result<net::TcpListener> listener =
        net::TcpListener::Bind(net::SocketAddress::LoopbackV4(0));
    if (!listener) return Unexpected(listener.error());
    const Result<net::SocketAddress> address = listener->local_address();
    if (!address) return Unexpected(address.error());
    Result<ReactorThread> network = ReactorThread::Start();
    if (!network) return Unexpected(network.error());
    remote_.emplace(network->remote());
    running_.emplace(remote_->Spawn(std::bind_front(&Publisher::Run, this),
                                    *std::move(listener)));
    network_.emplace(*std::move(network));
    return address->ToString();
  }

  // Waits while too much is under way already. False when it has ended, by
  // Stop() or by itself.
  bool Publish(std::string reading) {
    return readings_.BlockingSend(std::move(reading)).has_value();
  }

  // None when it has ended.
  std::size_t CountFollowers() {
    const auto count = [this]() -> Task<std::size_t> {
      co_return followers_.size();  // without a lock: this is its only thread
    };
    return remote_->Spawn(count).Wait().value_or(0);
  }

  // When everybody has heard everything. The error: why it had ended before.
  Result<void> Stop() {
    readings_.Close();
    const Result<void> ran = running_->Wait();
    const Result<void> stopped = network_->BlockingStop();
    return ran ? stopped : ran;
  }

 private:
  using Line = std::shared_ptr<const std::string>;
  using Lines = Channel<Line>;

  class CloseAtEnd {
   public:
    explicit CloseAtEnd(SharedChannel<std::string>& readings)
        : readings_(readings) {}
    CloseAtEnd(const CloseAtEnd&) = delete;
    CloseAtEnd& operator=(const CloseAtEnd&) = delete;
    ~CloseAtEnd() { readings_.Close(); }

   private:
    SharedChannel<std::string>& readings_;
  };

  // A follower for as long as it lives.
  class Following {
   public:
    Following(std::set<Lines*>& followers, Lines& lines)
        : followers_(followers), lines_(lines) {
      followers_.insert(&lines_);
    }
    Following(const Following&) = delete;
    Following& operator=(const Following&) = delete;
    ~Following() { followers_.erase(&lines_); }

   private:
    std::set<Lines*>& followers_;
    Lines& lines_;
  };

  Task<Result<void>> Run(net::TcpListener listener) {
    // Whatever ends it: who publishes does not wait for it then.
    const CloseAtEnd close_at_end(readings_);
    net::ServeOptions options;
    options.most_connections = 1000;
    options.idle_timeout = 1h;
    options.drain = 1s;
    // One client's end is no failure of the others.
    options.on_failure = [](const auto&, const auto&) {};
    const auto talk = [this](net::TcpStream& client) { return Talk(client); };
    const auto body = [&](TaskScope& scope) -> Task<Result<void>> {
      const JoinHandle<Result<void>> serving =
          scope.Spawn(net::Serve(listener, talk, options));
      while (auto reading = co_await readings_.Receive()) {
        const auto line = std::make_shared<const std::string>(*reading + '\n');
        // Who does not keep up misses some.
        for (Lines* lines : followers_) {
          static_cast<void>(lines->TrySend(line));
        }
      }
      for (Lines* lines : followers_) lines->Close();
      scope.RequestStop();
      co_return Result<void>();
    };
    co_return co_await WithScope(body);
  }

  Task<Result<void>> Talk(net::TcpStream& client) {
    io::BufferedReader reader(client, 256);
    EDDY_CO_TRY(const std::string_view line, co_await reader.ReadLine());
    if (line == "FOLLOW") co_return co_await Follow(client);
    // The archive waits for a mutex that threads have: not on this thread.
    EDDY_CO_TRY(const std::size_t count,
                co_await Blocking([&] { return archive_.Count(line); }));
    const std::string answer = std::to_string(count) + '\n';
    co_return co_await client.Write(std::as_bytes(std::span(answer)));
  }

  Task<Result<void>> Follow(net::TcpStream& client) {
    Lines lines(64);
    const Following following(followers_, lines);
    co_return co_await Write(client, lines);
  }

  static Task<Result<void>> Write(net::TcpStream& client, Lines& lines) {
    const std::string_view hello = "following\n";
    EDDY_CO_CHECK(co_await client.Write(std::as_bytes(std::span(hello))));
    while (auto line = co_await lines.Receive()) {
      EDDY_CO_CHECK(co_await client.Write(std::as_bytes(std::span(**line))));
    }
    co_return co_await client.Shutdown();
  }

  Archive& archive_;
  // From the threads to the reactor.
  SharedChannel<std::string> readings_{64};
  // Of the reactor's thread alone.
  std::set<Lines*> followers_;
  // Outlives the reactor, and answers then that it has ended.
  std::optional<Remote> remote_;
  std::optional<RemoteHandle<Result<void>>> running_;
  // Goes first, and with it all that runs there.
  std::optional<ReactorThread> network_;
};

// --- Threads, again ----------------------------------------------------------

void RunStation(const std::string& name, Archive& archive,
                Publisher& publisher) {
  for (int i = 0; i < absl::GetFlag(FLAGS_readings); ++i) {
    const std::string reading = name + " " + std::to_string(i);
    archive.Add(reading);
    if (!publisher.Publish(reading)) return;
  }
}

// Prints what it hears, sorted, at the end of it.
void RunDashboard(const std::string& address, std::latch& following) {
  blocking_sockets::Socket socket = blocking_sockets::Socket::Connect(address);
  socket.SendAll("FOLLOW\n");
  blocking_sockets::LineReader reader(socket, 256, 1min);
  std::vector<std::string> heard;
  while (reader.Next() == blocking_sockets::LineReader::Status::kLine) {
    if (heard.empty()) following.count_down();
    heard.emplace_back(reader.line());
  }
  if (heard.empty()) following.count_down();
  std::sort(heard.begin(), heard.end());
  for (const std::string& line : heard) std::printf("%s\n", line.c_str());
}

std::string Ask(const std::string& address, const std::string& station) {
  blocking_sockets::Socket socket = blocking_sockets::Socket::Connect(address);
  socket.SendAll(station + "\n");
  blocking_sockets::LineReader reader(socket, 256, 1min);
  static_cast<void>(reader.Next());
  return std::string(reader.line());
}

}  // namespace

int main(int argc, char** argv) {
  examples::SetUsage("Threads and tasks in one program.");
  const std::vector<char*> words = absl::ParseCommandLine(argc, argv);
  if (words.size() > 1) {
    std::fprintf(stderr, "seams: it takes no words; see --help\n");
    return 2;
  }
  Archive archive;
  Publisher publisher(archive);
  const Result<std::string> address = publisher.Start();
  if (!address) {
    std::fprintf(stderr, "seams: %s\n", address.error().message().c_str());
    return 1;
  }
  std::latch following(1);
  std::thread dashboard(RunDashboard, *address, std::ref(following));
  following.wait();
  std::printf("followers: %zu\n", publisher.CountFollowers());
  {
    std::vector<std::jthread> stations;
    for (const char* const name : {"harbour", "hill", "wood"}) {
      stations.emplace_back(RunStation, name, std::ref(archive),
                            std::ref(publisher));
    }
  }
  std::printf("readings of the hill: %s\n", Ask(*address, "hill").c_str());
  std::fflush(stdout);
  const Result<void> published = publisher.Stop();
  dashboard.join();
  std::printf("followers: %zu\n", publisher.CountFollowers());
  if (!published) {
    std::fprintf(stderr, "seams: %s\n", published.error().message().c_str());
  }
  return published ? 0 : 1;
}
