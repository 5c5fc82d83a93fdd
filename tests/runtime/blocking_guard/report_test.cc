// What the guard reports and what it leaves out, and its modes.

#include <eddy/runtime/allow_blocking.h>
#include <eddy/runtime/blocking.h>
#include <eddy/runtime/reactor.h>
#include <eddy/runtime/sync_wait.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/testing/co_test.h>
#include <eddy/runtime/timer.h>
#include <eddy/runtime/yield.h>
#include <gmock/gmock.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <future>
#include <iostream>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/runtime/blocking_guard/guard_test.h"

namespace eddy::guard_test {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;
using namespace std::chrono_literals;  // NOLINT: literals

class ReportTest : public GuardTest {};
using ReportDeathTest = ReportTest;

class Pipe {
 public:
  Pipe() {
    EXPECT_EQ(::pipe(ends_), 0);
    EXPECT_EQ(::write(ends_[1], "12345678", 8), 8);
  }
  ~Pipe() {
    ::close(ends_[0]);
    ::close(ends_[1]);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  int reader() const { return ends_[0]; }
  void Read() const {
    char c = 0;
    EXPECT_EQ(::read(ends_[0], &c, 1), 1);
  }

 private:
  int ends_[2];
};

[[gnu::noinline]] void ReadsTheOldWay(const Pipe& pipe) {
  pipe.Read();
  asm volatile("");  // no tail call
}

Task<void> Reads(const Pipe* pipe) {
  co_await Yield();
  ReadsTheOldWay(*pipe);
}
Task<void> AwaitsReader(const Pipe* pipe) { co_await Reads(pipe); }

TEST_F(ReportTest, NamesTheCallItsArgumentAndWhatToDo) {
  const Pipe pipe;
  SyncWait(AwaitsReader(&pipe));
  ASSERT_THAT(reports(), SizeIs(1));
  const Reported& report = reports().front();
  EXPECT_EQ(report.name, "read");
  EXPECT_THAT(report.argument,
              HasSubstr("fd " + std::to_string(pipe.reader()) + " (pipe:["));
  EXPECT_EQ(report.instead, "co_await io::Read");
  EXPECT_THAT(report.text,
              AllOf(HasSubstr("eddy: read() blocked the loop"),
                    HasSubstr(report.argument), HasSubstr(report.instead)));
}

TEST_F(ReportTest, ShowsTheStackWithTheFunctionsOfTheProgram) {
  const Pipe pipe;
  SyncWait(AwaitsReader(&pipe));
  ASSERT_THAT(reports(), SizeIs(1));
  const std::string stack =
      reports().front().text.substr(reports().front().text.find("stack:"));
  EXPECT_THAT(stack, HasSubstr("ReadsTheOldWay"));
  EXPECT_THAT(stack, HasSubstr("Reads(eddy::guard_test::(anonymous "
                               "namespace)::Pipe const*) (coroutine)"));
  // Not the loop, which is the same for all.
  EXPECT_THAT(stack, Not(HasSubstr("Reactor")));
}

TEST_F(ReportTest, ShowsWhereTheTaskWasResumedAndWhoAwaitsIt) {
  const Pipe pipe;
  SyncWait(AwaitsReader(&pipe));
  ASSERT_THAT(reports(), SizeIs(1));
  EXPECT_THAT(reports().front().text,
              ::testing::ContainsRegex(
                  "task: *resumed at [^\n]*report_test.cc:[0-9]+ in [^\n]*"
                  "Reads[^\n]*\n *awaited at [^\n]*report_test.cc:[0-9]+ in "
                  "[^\n]*AwaitsReader"));
}

TEST_F(ReportTest, TellsHowLongItTook) {
  InTask([] { std::this_thread::sleep_for(2ms); });
  ASSERT_THAT(reports(), SizeIs(1));
  EXPECT_GE(reports().front().duration, 2ms);
}

TEST_F(ReportTest, IsMadeOncePerPlace) {
  const Pipe pipe;
  InTask([&] {
    for (int i = 0; i < 3; ++i) pipe.Read();
  });
  EXPECT_THAT(names(), ElementsAre("read"));
  BlockingGuard::ForgetPlaces();
  InTask([&] { pipe.Read(); });
  EXPECT_THAT(names(), ElementsAre("read", "read"));
}

TEST_F(ReportTest, IsMadeForEachLineThatCallsTheSameFunctionOfALibrary) {
#ifdef __clang__
  GTEST_SKIP() << "clang inlines the function, and its line tables alone do "
                  "not tell";
#endif
  InTask([] {
    std::this_thread::sleep_for(1us);
    std::this_thread::sleep_for(1us);
  });
  EXPECT_THAT(reports(), SizeIs(2));
}

TEST_F(ReportTest, IsNotMadeOfWhatIsShorterThanAtLeast) {
  BlockingGuardOptions options = Options();
  options.at_least = 1h;
  BlockingGuard::SetOptions(options);
  const Pipe pipe;
  InTask([&] { pipe.Read(); });
  EXPECT_THAT(names(), IsEmpty());
  // It is a place still to be reported.
  options.at_least = 0s;
  BlockingGuard::SetOptions(options);
  InTask([&] { pipe.Read(); });
  EXPECT_THAT(names(), ElementsAre("read"));
}

TEST_F(ReportTest, LeavesErrnoAndResultAsTheyAre) {
  InTask([] {
    errno = 0;
    EXPECT_EQ(::open("/no such folder/file", O_RDONLY), -1);
    EXPECT_EQ(errno, ENOENT);
    errno = 12;
    ::usleep(1);
    EXPECT_EQ(errno, 12);
  });
  EXPECT_THAT(names(), ElementsAre("open", "usleep"));
}

// Calls that succeed leave errno as it is, with a guard as without.
void CallsThatSucceed() {
  char* text = nullptr;
  std::size_t size = 0;
  const int fd = ::dup(STDERR_FILENO);
  const int socket = ::socket(AF_INET, SOCK_DGRAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(9);
  FILE* written = ::open_memstream(&text, &size);
  errno = 12;
  EXPECT_EQ(std::fprintf(written, "%d", 1), 1);
  EXPECT_EQ(std::fputc('2', written), '2');
  EXPECT_EQ(std::fflush(written), 0);
  EXPECT_EQ(errno, 12);
  EXPECT_EQ(std::fclose(written), 0);
  EXPECT_EQ(errno, 12);
  FILE* read = ::fmemopen(text, size, "r");
  int number = 0;
  errno = 12;
  EXPECT_EQ(std::fscanf(read, "%d", &number), 1);
  EXPECT_EQ(std::fclose(read), 0);
  EXPECT_EQ(errno, 12);
  EXPECT_EQ(number, 12);
  std::free(text);
  errno = 12;
  EXPECT_EQ(
      ::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address),
      0);
  EXPECT_EQ(::close(socket), 0);
  EXPECT_EQ(::close(fd), 0);
  EXPECT_EQ(errno, 12);
}

TEST_F(ReportTest, LeavesErrnoOfCallsThatSucceed) {
  CallsThatSucceed();
  InTask(CallsThatSucceed);
  EXPECT_THAT(names(), IsEmpty());
}

// Cases that do not block.

TEST_F(ReportTest, IsNotMadeOfDescriptorsThatDoNotBlock) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_NONBLOCK), 0);
  int pair[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  InTask([&] {
    char c = 0;
    EXPECT_EQ(::read(ends[0], &c, 1), -1);
    EXPECT_EQ(::write(ends[1], &c, 1), 1);
    EXPECT_EQ(::recv(pair[0], &c, 1, MSG_DONTWAIT), -1);
    EXPECT_EQ(::send(pair[0], &c, 1, MSG_DONTWAIT), 1);
    EXPECT_EQ(::read(-1, &c, 1), -1);
  });
  for (int fd : {ends[0], ends[1], pair[0], pair[1]}) ::close(fd);
  EXPECT_THAT(names(), IsEmpty());
}

TEST_F(ReportTest, IsNotMadeOfWhatNeverWaits) {
  const int event = ::eventfd(0, 0);
  InTask([&] {
    EXPECT_EQ(::poll(nullptr, 0, 0), 0);
    const timespec now{};
    sigset_t none;
    sigemptyset(&none);
    EXPECT_EQ(sigtimedwait(&none, nullptr, &now), -1);
    const std::uint64_t one = 1;
    EXPECT_EQ(::write(event, &one, sizeof one), 8);
    std::mutex mutex;
    const std::lock_guard lock(mutex);
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
    const int file = ::open("/proc/self/status", O_RDONLY);
    char c = 0;
    EXPECT_EQ(::read(file, &c, 1), 1);
    EXPECT_EQ(::close(file), 0);
    // An open file's attributes are in memory.
    const int program = ::open("/proc/self/exe", O_RDONLY);
    struct stat info;
    EXPECT_EQ(::fstat(program, &info), 0);
    EXPECT_EQ(::fstatat(program, "", &info, AT_EMPTY_PATH), 0);
    struct statx more;
    EXPECT_EQ(::statx(program, "", AT_EMPTY_PATH, STATX_SIZE, &more), 0);
    EXPECT_EQ(::close(program), 0);
  });
  ::close(event);
  EXPECT_THAT(names(), IsEmpty());
}

TEST_F(ReportTest, IsNotMadeOfAFutexThatIsAnsweredAtOnce) {
  InTask([] {
    int word = 1;
    EXPECT_EQ(::syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 2, nullptr), -1);
    EXPECT_EQ(errno, EAGAIN);
    const timespec none{};
    EXPECT_EQ(::syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 1, &none), -1);
    EXPECT_EQ(errno, ETIMEDOUT);
    EXPECT_EQ(::syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1), 0);
  });
  EXPECT_THAT(names(), IsEmpty());
}

TEST_F(ReportTest, CountsStandardErrorOnlyWhereAsked) {
  const auto log = [] {
    std::cerr << "";
    EXPECT_EQ(::write(STDERR_FILENO, "", 0), 0);
    EXPECT_EQ(std::fprintf(stderr, "%s", " "), 1);
  };
  InTask(log);
  EXPECT_THAT(names(), IsEmpty());
  BlockingGuardOptions options = Options();
  options.standard_streams = true;
  BlockingGuard::SetOptions(options);
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const int before = ::dup(STDERR_FILENO);
  ::dup2(ends[1], STDERR_FILENO);
  InTask(log);
  ::dup2(before, STDERR_FILENO);
  for (int fd : {before, ends[0], ends[1]}) ::close(fd);
  EXPECT_THAT(names(), ElementsAre("write", "fprintf"));
}

TEST_F(ReportTest, IsNotMadeInAForkedChild) {
  const Pipe pipe;
  InTask([&] {
    const pid_t child = ::fork();
    if (child == 0) {
      pipe.Read();
      ::_exit(static_cast<int>(reports().size()));
    }
    const AllowBlocking allow("the child is about to end");
    int status = -1;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
  });
  EXPECT_THAT(names(), IsEmpty());
}

TEST_F(ReportTest, IsMadeOfAReactorInAForkedChild) {
  const Pipe pipe;
  const pid_t child = ::fork();
  if (child == 0) {
    InTask([&] { pipe.Read(); });
    ::_exit(static_cast<int>(reports().size()));
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 1);
}

TEST_F(ReportTest, IsMadeOnEachThreadWithAReactor) {
  const Pipe pipe;
  for (int i = 0; i < 2; ++i) {
    std::thread([&] { InTask([&] { pipe.Read(); }); }).join();
  }
  EXPECT_THAT(names(), ElementsAre("read"));  // one place
}

TEST_F(ReportTest, IsNotMadeWhenOff) {
  BlockingGuardOptions options = Options();
  options.mode = BlockingGuardMode::kOff;
  BlockingGuard::SetOptions(options);
  EXPECT_EQ(BlockingGuard::options().mode, BlockingGuardMode::kOff);
  const Pipe pipe;
  InTask([&] { pipe.Read(); });
  EXPECT_THAT(names(), IsEmpty());
}

// AllowBlocking.

TEST_F(ReportTest, AllowBlockingMayBeNested) {
  const Pipe pipe;
  InTask([&] {
    const AllowBlocking outer("outer");
    {
      const AllowBlocking inner("inner");
      pipe.Read();
    }
    pipe.Read();
  });
  EXPECT_THAT(names(), IsEmpty());
  InTask([&] {
    { const AllowBlocking allow("over"); }
    pipe.Read();
  });
  EXPECT_THAT(names(), ElementsAre("read"));
}

TEST_F(ReportTest, AllowBlockingAroundALoopCoversIt) {
  const Pipe pipe;
  {
    const AllowBlocking allow("all of it");
    SyncWait(AwaitsReader(&pipe));
  }
  EXPECT_THAT(names(), IsEmpty());
  SyncWait(AwaitsReader(&pipe));
  EXPECT_THAT(names(), ElementsAre("read"));
}

Task<void> HoldsAcrossAwait(const Pipe* pipe) {
  const AllowBlocking allow("held across an await");
  pipe->Read();
  co_await Yield();
  ::usleep(1);
}

TEST_F(ReportTest, AllowBlockingEndsWhereItsTaskSuspendsWhichIsReported) {
  const Pipe pipe;
  SyncWait(HoldsAcrossAwait(&pipe));
  EXPECT_THAT(names(), ElementsAre("AllowBlocking", "usleep"));
  EXPECT_EQ(reports().front().argument, "held across an await");
}

Task<void> HoldsTwoAcrossAwait() {
  const AllowBlocking outer("the outer one");
  { const AllowBlocking over("one that is over"); }
  co_await Yield();
}

Task<void> HoldsAcrossBlocking() {
  const AllowBlocking allow("the user's own");
  const Result<void> done = co_await Blocking([] {});
  EXPECT_TRUE(done);
}

Task<void> HoldsManyAcrossAwait(int depth) {
  const AllowBlocking allow("one of many");
  if (depth == 0) {
    co_await Yield();
  } else {
    co_await HoldsManyAcrossAwait(depth - 1);
  }
}

TEST_F(ReportTest, AllowBlockingIsReportedWithTheReasonOfOneThatIsOpen) {
  SyncWait(HoldsTwoAcrossAwait());
  SyncWait(HoldsAcrossBlocking());
  SyncWait(HoldsManyAcrossAwait(20));
  ASSERT_THAT(names(),
              ElementsAre("AllowBlocking", "AllowBlocking", "AllowBlocking"));
  EXPECT_EQ(reports()[0].argument, "the outer one");
  EXPECT_EQ(reports()[1].argument, "the user's own");
  EXPECT_EQ(reports()[2].argument, "one of many");
}

Task<void> OthersAreWatched(const Pipe* pipe) {
  Reactor::Current()->scope().Spawn(HoldsAcrossAwait(pipe));
  co_await Yield();
  pipe->Read();
  // The other one's scope is destroyed meanwhile, and ends no other.
  const AllowBlocking allow("of this task");
  pipe->Read();
}

TEST_F(ReportTest, AllowBlockingOfATaskCoversNoOther) {
  const Pipe pipe;
  SyncWait(OthersAreWatched(&pipe));
  EXPECT_THAT(names(), UnorderedElementsAre("AllowBlocking", "read", "usleep"));
}

// Abort mode.

void AbortInTask(const std::function<void()>& f) {
  BlockingGuardOptions options;
  options.mode = BlockingGuardMode::kAbort;
  BlockingGuard::SetOptions(options);
  InTask(f);
}

TEST_F(ReportDeathTest, AbortModeAbortsBeforeACallThatWouldNeverReturn) {
  EXPECT_DEATH(AbortInTask([] { std::promise<void>().get_future().wait(); }),
               "futex\\(\\) would block the loop of a reactor");
}

TEST_F(ReportDeathTest, AbortModeWithADurationAbortsAfterTheCall) {
  const auto sleep = [] {
    BlockingGuardOptions options;
    options.mode = BlockingGuardMode::kAbort;
    options.at_least = 1ms;
    BlockingGuard::SetOptions(options);
    InTask([] { std::this_thread::sleep_for(2ms); });
  };
  EXPECT_DEATH(sleep(), "nanosleep\\(\\) blocked the loop of a reactor for");
}

TEST_F(ReportDeathTest, AbortModeAbortsWhereAScopeIsHeldAcrossAnAwait) {
  const auto hold = [] {
    BlockingGuardOptions options;
    options.mode = BlockingGuardMode::kAbort;
    BlockingGuard::SetOptions(options);
    const Pipe pipe;
    SyncWait(HoldsAcrossAwait(&pipe));
  };
  EXPECT_DEATH(hold(), "held across an await.* was open where its task");
}

}  // namespace
}  // namespace eddy::guard_test
