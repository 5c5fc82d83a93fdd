// Error: codes, messages, and how it compares with the standard's.
#include <eddy/runtime/error.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <set>
#include <sstream>
#include <string>
#include <system_error>
#include <type_traits>

namespace eddy {
namespace {

static_assert(sizeof(Error) == 4);
static_assert(std::is_trivially_copyable_v<Error>);
static_assert(std::is_convertible_v<std::errc, Error>);
static_assert(!std::is_convertible_v<int, Error>);

constexpr Error kOwn[] = {kEndOfStream,
                          kClosed,
                          kTimedOut,
                          kUringDisabledBySysctl,
                          kUringForbidden,
                          kUringMemoryLimit,
                          kKernelTooOld,
                          kHostNotFound,
                          kNameServerUnreachable,
                          kNameServerFailed,
                          kServiceNotFound,
                          kMemoryLockLimit,
                          kMisalignedOffset,
                          kMisalignedLength,
                          kMisalignedMemory,
                          kWatchLimit,
                          kWatchInstanceLimit,
                          kTooFewCores};

TEST(ErrorTest, ComparesWithErrc) {
  const Error reset = Error::FromErrno(ECONNRESET);
  EXPECT_TRUE(reset == std::errc::connection_reset);
  EXPECT_FALSE(reset == std::errc::connection_refused);
  EXPECT_EQ(reset, Error(std::errc::connection_reset));
  EXPECT_EQ(reset.code(), ECONNRESET);
  EXPECT_TRUE(reset.is_errno());
}

TEST(ErrorTest, CanceledIsErrnosCanceled) {
  EXPECT_TRUE(kCanceled == std::errc::operation_canceled);
  EXPECT_TRUE(kCanceled.is_errno());
  EXPECT_EQ(kCanceled.code(), ECANCELED);
}

TEST(ErrorTest, TimedOutIsNotTcpsTimedOut) {
  EXPECT_FALSE(kTimedOut == std::errc::timed_out);
  EXPECT_NE(kTimedOut, Error::FromErrno(ETIMEDOUT));
  EXPECT_FALSE(kTimedOut.ToErrorCode() == std::errc::timed_out);
}

TEST(ErrorTest, OwnCodesAreDistinctAndNoErrno) {
  std::set<int> codes;
  for (const Error error : kOwn) {
    EXPECT_FALSE(error.is_errno());
    EXPECT_GE(error.code(), Error::kFirstOwnCode);
    codes.insert(error.code());
  }
  EXPECT_EQ(codes.size(), std::size(kOwn));
}

TEST(ErrorTest, EveryOwnCodeHasItsOwnMessage) {
  std::set<std::string> messages;
  for (const Error error : kOwn) {
    EXPECT_NE(error.message(), "unknown eddy error");
    messages.insert(error.message());
  }
  EXPECT_EQ(messages.size(), std::size(kOwn));
}

TEST(ErrorTest, MessagesOfRefusalsSayWhatToChange) {
  const auto says = [](Error error, const char* part) {
    return error.message().find(part) != std::string::npos;
  };
  EXPECT_TRUE(says(kUringDisabledBySysctl, "kernel.io_uring_disabled=0"));
  EXPECT_TRUE(says(kUringDisabledBySysctl, "kernel.io_uring_group"));
  EXPECT_TRUE(says(kUringForbidden, "seccomp"));
  EXPECT_TRUE(says(kUringForbidden, "io_uring_setup"));
  EXPECT_TRUE(says(kUringMemoryLimit, "RLIMIT_MEMLOCK"));
  EXPECT_TRUE(says(kUringMemoryLimit, "ReactorOptions::entries"));
  EXPECT_TRUE(says(kKernelTooOld, "Linux 5."));
  EXPECT_TRUE(says(kEndOfStream, "end of stream"));
  EXPECT_TRUE(says(kClosed, "closed"));
  EXPECT_TRUE(says(kTimedOut, "deadline"));
  EXPECT_TRUE(says(kHostNotFound, "host"));
  EXPECT_TRUE(says(kNameServerUnreachable, "/etc/resolv.conf"));
  EXPECT_TRUE(says(kNameServerFailed, "name server"));
  EXPECT_TRUE(says(kServiceNotFound, "/etc/services"));
  EXPECT_TRUE(says(kMemoryLockLimit, "RLIMIT_MEMLOCK"));
  EXPECT_TRUE(says(kMisalignedOffset, "the offset"));
  EXPECT_TRUE(says(kMisalignedLength, "the length"));
  EXPECT_TRUE(says(kMisalignedMemory, "fs::AlignedBuffer"));
  EXPECT_TRUE(says(kWatchLimit, "fs.inotify.max_user_watches"));
  EXPECT_TRUE(says(kWatchInstanceLimit, "fs.inotify.max_user_instances"));
  EXPECT_TRUE(says(kTooFewCores, "taskset"));
}

TEST(ErrorTest, ErrnoMessageIsTheSystems) {
  EXPECT_EQ(Error::FromErrno(ENOENT).message(),
            std::system_category().message(ENOENT));
}

TEST(ErrorTest, UnknownOwnCodeIsSaidToBeUnknown) {
  EXPECT_EQ(Error::Own(999).message(), "unknown eddy error");
}

TEST(ErrorTest, ErrorCodeOfAnErrnoIsInTheSystemCategory) {
  const std::error_code code = Error::FromErrno(ENOENT).ToErrorCode();
  EXPECT_EQ(code.category(), std::system_category());
  EXPECT_EQ(code.value(), ENOENT);
  EXPECT_TRUE(code == std::errc::no_such_file_or_directory);
}

TEST(ErrorTest, ErrorCodeOfAnOwnCodeIsInEddysCategory) {
  for (const Error error : kOwn) {
    const std::error_code code = error.ToErrorCode();
    EXPECT_EQ(code.category(), ErrorCategory());
    EXPECT_EQ(code.value(), error.code());
    EXPECT_EQ(code.message(), error.message());
  }
  EXPECT_STREQ(ErrorCategory().name(), "eddy");
}

TEST(ErrorTest, PrintsItsMessage) {
  std::ostringstream out;
  out << kClosed << ' ' << Error::FromErrno(EPIPE);
  EXPECT_EQ(out.str(), "closed on this side Broken pipe");
}

}  // namespace
}  // namespace eddy
