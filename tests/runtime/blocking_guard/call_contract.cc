#include "tests/runtime/blocking_guard/call_contract.h"

#include <eddy/runtime/allow_blocking.h>
#include <eddy/runtime/blocking.h>
#include <eddy/runtime/sync_wait.h>
#include <gmock/gmock.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace eddy::guard_test {
namespace {

using ::testing::Contains;
using ::testing::IsEmpty;

// Not in /tmp, which may be in memory.
std::string MakeFolder() {
  std::string name = "/var/tmp/guard_test.XXXXXX";
  return ::mkdtemp(name.data()) == nullptr ? std::string() : name;
}

}  // namespace

World::World() : folder(MakeFolder()), path(folder + "/file") {
  std::ofstream(path) << "some bytes\nin lines\n";
  file = ::open(path.c_str(), O_RDWR | O_CREAT, 0600);
  Use(::pipe(pipe));
  Use(::write(pipe[1], "12345678", 8));
  Use(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
  for (int i = 0; i < 8; ++i) Use(::send(pair[1], "12345678", 8, 0));
  listener = ::socket(AF_INET, SOCK_STREAM, 0);
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address);
  socklen_t size = sizeof address;
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  ::listen(listener, 8);
  client = ::socket(AF_INET, SOCK_STREAM, 0);
  waiting = ::socket(AF_INET, SOCK_STREAM, 0);
  ::connect(waiting, reinterpret_cast<sockaddr*>(&address), sizeof address);
  epoll = ::epoll_create1(0);
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK);
  pthread_mutex_init(&mutex, &attributes);
  pthread_rwlock_init(&rwlock, nullptr);
  sem_init(&semaphore, 0, 0);
}

World::~World() {
  for (int fd : {file, pipe[0], pipe[1], pair[0], pair[1], listener, client,
                 waiting, epoll}) {
    ::close(fd);
  }
  std::filesystem::remove_all(folder);
}

Ticks::Ticks() {
  struct sigaction action {};
  action.sa_handler = [](int) {};
  sigaction(SIGALRM, &action, &before_);
  const itimerval every{{0, 2000}, {0, 2000}};
  setitimer(ITIMER_REAL, &every, nullptr);
}

Ticks::~Ticks() {
  const itimerval never{};
  setitimer(ITIMER_REAL, &never, nullptr);
  sigaction(SIGALRM, &before_, nullptr);
}

void PrintTo(const Case& c, std::ostream* out) { *out << c.name << c.variant; }

std::string NameOf(const ::testing::TestParamInfo<Case>& info) {
  return std::string(info.param.name) + info.param.variant;
}

namespace {

// Each with a world of its own: calls take what they find.
void Call(const Case& c) {
  World world;
  c.call(world);
}

Task<void> CallInPool(const Case* c) {
  const Result<void> done = co_await Blocking(Call, *c);
  EXPECT_TRUE(done);
}

TEST_P(CallTest, IsReportedWithItsNameInATask) {
  World world;
  InTask([&] { GetParam().call(world); });
  // It may do others too, such as the end of a stream.
  EXPECT_THAT(names(), Contains(GetParam().name));
  for (const Reported& report : reports()) {
    EXPECT_FALSE(report.instead.empty());
    EXPECT_GE(report.duration.count(), 0);
  }
}

TEST_P(CallTest, IsNotReportedElsewhereNorWhereItIsAllowed) {
  Call(GetParam());
  EXPECT_THAT(names(), IsEmpty());
  if (!GetParam().by_signal) SyncWait(CallInPool(&GetParam()));
  EXPECT_THAT(names(), IsEmpty());
  World world;
  InTask([&] {
    const AllowBlocking allow("this is its test");
    GetParam().call(world);
  });
  EXPECT_THAT(names(), IsEmpty());
}

}  // namespace
}  // namespace eddy::guard_test
