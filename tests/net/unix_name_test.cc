// What binding makes of the path: permissions, stale files, and what is left at
// the end. The same for every type of socket.
#include <eddy/net/unix_name.h>

#include "tests/io/io_test_util.h"
#include "tests/net/abstract_name.h"

#include <eddy/net/unix.h>
#include <eddy/net/unix_datagram.h>
#include <eddy/net/unix_seq_packet.h>

#include <sys/stat.h>
#include <sys/wait.h>

#include <cstdio>
#include <optional>
#include <string>
#include <utility>

namespace eddy::net {
namespace {

using io_test::Check;
using io_test::TempDir;

SocketAddress At(const std::string& path) {
  return SocketAddress::Parse("unix:" + path).value();
}

bool Exists(const std::string& path) {
  struct stat status;
  return lstat(path.c_str(), &status) == 0;
}

mode_t ModeOf(const std::string& path) {
  struct stat status;
  IO_TEST_CHECK(lstat(path.c_str(), &status));
  return status.st_mode & 07777;
}

ino_t InodeOf(const std::string& path) {
  struct stat status;
  IO_TEST_CHECK(lstat(path.c_str(), &status));
  return status.st_ino;
}

// The umask while it lives.
class Umask {
 public:
  explicit Umask(mode_t mask) : before_(umask(mask)) {}
  ~Umask() { umask(before_); }

 private:
  const mode_t before_;
};

UnixBindOptions Replacing() {
  UnixBindOptions options;
  options.replace_stale = true;
  return options;
}

UnixBindOptions Unlinking() {
  UnixBindOptions options;
  options.unlink_at_close = true;
  return options;
}

template <class Socket>
class UnixNameTest : public ::testing::Test {
 protected:
  // A file on which nobody answers.
  void LeaveStale() { ASSERT_OK(Socket::Bind(At(path_))); }

  const TempDir dir_;
  const std::string path_ = dir_ / "socket";
};

using Sockets =
    ::testing::Types<UnixListener, UnixSeqPacketListener, UnixDatagram>;
TYPED_TEST_SUITE(UnixNameTest, Sockets);

TYPED_TEST(UnixNameTest, MakesASocketFileThatStays) {
  {
    const auto bound = TypeParam::Bind(At(this->path_));
    ASSERT_OK(bound);
    EXPECT_EQ(bound->local_address().value(), At(this->path_));
    EXPECT_EQ(fcntl(bound->fd().get(), F_GETFD), FD_CLOEXEC);
  }
  struct stat status;
  IO_TEST_CHECK(lstat(this->path_.c_str(), &status));
  EXPECT_TRUE(S_ISSOCK(status.st_mode));
}

TYPED_TEST(UnixNameTest, TellsTheErrorsOfBinding) {
  CO_EXPECT_ERROR(TypeParam::Bind(SocketAddress::LoopbackV4(0)),
                  std::errc::address_family_not_supported);
  CO_EXPECT_ERROR(TypeParam::Bind(SocketAddress()),
                  std::errc::address_family_not_supported);
  CO_EXPECT_ERROR(TypeParam::Bind(At("/no/such/folder/socket")),
                  std::errc::no_such_file_or_directory);
  CO_EXPECT_ERROR(TypeParam::Bind(At("/proc/self/socket")),
                  std::errc::no_such_file_or_directory);
  io_test::Store(this->path_, "a file");
  CO_EXPECT_ERROR(TypeParam::Bind(At(this->path_ + "/socket")),
                  std::errc::not_a_directory);
}

TYPED_TEST(UnixNameTest, TakesTheLongestPathAndNoLongerOne) {
  const std::string folder = this->dir_.path() + "/";
  const std::string longest = folder + std::string(107 - folder.size(), 'x');
  const auto bound = TypeParam::Bind(At(longest), Unlinking());
  ASSERT_OK(bound);
  EXPECT_EQ(bound->local_address().value().ToString(), "unix:" + longest);
  EXPECT_TRUE(Exists(longest));
  CO_EXPECT_ERROR(SocketAddress::Parse("unix:" + longest + "x"),
                  std::errc::invalid_argument);
}

TYPED_TEST(UnixNameTest, RefusesAPathThatExists) {
  this->LeaveStale();
  CO_EXPECT_ERROR(TypeParam::Bind(At(this->path_)), std::errc::address_in_use);
  EXPECT_TRUE(Exists(this->path_));
}

TYPED_TEST(UnixNameTest, ReplacesAStaleFile) {
  this->LeaveStale();
  const auto bound = TypeParam::Bind(At(this->path_), Replacing());
  ASSERT_OK(bound);
  // And one that was not there.
  ASSERT_OK(TypeParam::Bind(At(this->dir_ / "new"), Replacing()));
}

TYPED_TEST(UnixNameTest, ReplacesTheFileOfAProcessThatWasKilled) {
  const pid_t child = IO_TEST_CHECK(fork());
  if (child == 0) {
    const auto bound = TypeParam::Bind(At(this->path_), Unlinking());
    raise(SIGKILL);
    _exit(bound ? 0 : 1);
  }
  int status = 0;
  IO_TEST_CHECK(waitpid(child, &status, 0));
  ASSERT_TRUE(Exists(this->path_));
  ASSERT_OK(TypeParam::Bind(At(this->path_), Replacing()));
}

TYPED_TEST(UnixNameTest, ReplacesNoSocketThatIsOpen) {
  const auto alive = TypeParam::Bind(At(this->path_));
  ASSERT_OK(alive);
  const ino_t inode = InodeOf(this->path_);
  CO_EXPECT_ERROR(TypeParam::Bind(At(this->path_), Replacing()),
                  std::errc::address_in_use);
  // Nor one of another type.
  CO_EXPECT_ERROR(UnixListener::Bind(At(this->path_), Replacing()),
                  std::errc::address_in_use);
  CO_EXPECT_ERROR(UnixDatagram::Bind(At(this->path_), Replacing()),
                  std::errc::address_in_use);
  EXPECT_EQ(InodeOf(this->path_), inode);
}

// What is bound and does not listen yet is about to.
TYPED_TEST(UnixNameTest, ReplacesNoSocketThatDoesNotListenYet) {
  const SocketAddress address = At(this->path_);
  const io::Fd early(
      IO_TEST_CHECK(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)));
  IO_TEST_CHECK(bind(early.get(), address.native(), address.size()));
  CO_EXPECT_ERROR(TypeParam::Bind(address, Replacing()),
                  std::errc::address_in_use);
  EXPECT_TRUE(Exists(this->path_));
}

TYPED_TEST(UnixNameTest, ReplacesNothingThatIsNoSocket) {
  io_test::Store(this->path_, "precious");
  CO_EXPECT_ERROR(TypeParam::Bind(At(this->path_), Replacing()),
                  std::errc::address_in_use);
  EXPECT_EQ(io_test::Load(this->path_), "precious");
  // A link is not followed to what it names.
  const std::string link = this->dir_ / "link";
  IO_TEST_CHECK(symlink(this->path_.c_str(), link.c_str()));
  CO_EXPECT_ERROR(TypeParam::Bind(At(link), Replacing()),
                  std::errc::address_in_use);
  EXPECT_TRUE(Exists(link));
  const std::string folder = this->dir_ / "folder";
  IO_TEST_CHECK(mkdir(folder.c_str(), 0700));
  CO_EXPECT_ERROR(TypeParam::Bind(At(folder), Replacing()),
                  std::errc::address_in_use);
}

TYPED_TEST(UnixNameTest, GivesTheFileItsModeWhateverTheUmask) {
  const Umask umask(0077);
  for (const mode_t mode : {0600U, 0660U, 0666U, 0777U, 0000U}) {
    UnixBindOptions options = Unlinking();
    options.mode = mode;
    const auto bound = TypeParam::Bind(At(this->path_), options);
    ASSERT_OK(bound);
    EXPECT_EQ(ModeOf(this->path_), mode);
  }
  // Without a mode, the umask.
  ASSERT_OK(TypeParam::Bind(At(this->path_)));
  EXPECT_EQ(ModeOf(this->path_), 0700U);
}

TYPED_TEST(UnixNameTest, RemovesTheFileAtTheEnd) {
  {
    auto bound = TypeParam::Bind(At(this->path_), Unlinking());
    ASSERT_OK(bound);
    // It goes with the socket.
    TypeParam moved = *std::move(bound);
    bound = Unexpected(kClosed);
    EXPECT_TRUE(Exists(this->path_));
  }
  EXPECT_FALSE(Exists(this->path_));
}

TYPED_TEST(UnixNameTest, RemovesTheFileWhereAnotherSocketTakesItsPlace) {
  auto bound = TypeParam::Bind(At(this->path_), Unlinking());
  ASSERT_OK(bound);
  const std::string other = this->dir_ / "other";
  auto second = TypeParam::Bind(At(other), Unlinking());
  ASSERT_OK(second);
  *bound = *std::move(second);
  EXPECT_FALSE(Exists(this->path_));
  EXPECT_TRUE(Exists(other));
}

TYPED_TEST(UnixNameTest, LeavesTheFileOfAnotherSocket) {
  {
    const auto bound = TypeParam::Bind(At(this->path_), Unlinking());
    ASSERT_OK(bound);
    IO_TEST_CHECK(unlink(this->path_.c_str()));
    ASSERT_OK(TypeParam::Bind(At(this->path_)));
  }
  EXPECT_TRUE(Exists(this->path_));
}

TYPED_TEST(UnixNameTest, AFileThatIsGoneAlreadyIsNoMatter) {
  const auto bound = TypeParam::Bind(At(this->path_), Unlinking());
  ASSERT_OK(bound);
  IO_TEST_CHECK(unlink(this->path_.c_str()));
}

template <class Socket>
Task<void> ClosesAndLooks(const std::string& path) {
  auto bound = Socket::Bind(At(path), Unlinking());
  CO_ASSERT_OK(bound);
  // By the call, before it is awaited.
  io::Close close = bound->Close();
  EXPECT_FALSE(Exists(path));
  CO_EXPECT_OK(co_await std::move(close));
  // What takes its name now is not removed by the closed one.
  auto other = Socket::Bind(At(path));
  CO_ASSERT_OK(other);
  bound = Unexpected(kClosed);
  EXPECT_TRUE(Exists(path));
}

TYPED_TEST(UnixNameTest, RemovesTheFileWhenClosed) {
  SyncWait(ClosesAndLooks<TypeParam>(this->path_));
}

TYPED_TEST(UnixNameTest, AnAbstractNameEndsWithItsSocket) {
  const SocketAddress name = net_test::AbstractName("unix_name");
  UnixBindOptions options = Unlinking();
  options.replace_stale = true;
  options.mode = 0600;
  {
    const auto bound = TypeParam::Bind(name, options);
    ASSERT_OK(bound);
    EXPECT_EQ(bound->local_address().value(), name);
    CO_EXPECT_ERROR(TypeParam::Bind(name, options), std::errc::address_in_use);
  }
  CO_EXPECT_OK(TypeParam::Bind(name, options));
}

TEST(UnixListenerNameTest, KeepsTheFileWhenToldTo) {
  const TempDir dir;
  const std::string path = dir / "socket";
  {
    auto bound = UnixListener::Bind(At(path), Unlinking());
    ASSERT_OK(bound);
    bound->KeepName();
  }
  EXPECT_TRUE(Exists(path));
}

}  // namespace
}  // namespace eddy::net
