// ToStatus: the codes and the text at an application's border.
#include <absl/status/status.h>
#include <eddy/runtime/error.h>
#include <eddy/runtime/status.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <string>

namespace eddy {
namespace {

absl::StatusCode CodeOf(Error error) { return ToStatus(error, "x").code(); }

TEST(ToStatusTest, MessageNamesWhatFailedAndWhy) {
  const absl::Status status = ToStatus(kClosed, "reading the header");
  EXPECT_EQ(std::string(status.message()),
            "reading the header: closed on this side");
  EXPECT_EQ(std::string(ToStatus(Error::FromErrno(ENOENT), "open").message()),
            "open: No such file or directory");
}

TEST(ToStatusTest, ErrnoCodesFollowAbseil) {
  for (const int value : {ENOENT, EACCES, ECONNREFUSED, EAGAIN, ENOSPC, EIO}) {
    EXPECT_EQ(CodeOf(Error::FromErrno(value)), absl::ErrnoToStatusCode(value))
        << value;
  }
  EXPECT_EQ(CodeOf(kCanceled), absl::StatusCode::kCancelled);
}

TEST(ToStatusTest, OwnCodesHaveTheDocumentedCode) {
  EXPECT_EQ(CodeOf(kTimedOut), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(CodeOf(kEndOfStream), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(CodeOf(kClosed), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(CodeOf(kUringMemoryLimit), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(CodeOf(kUringForbidden), absl::StatusCode::kUnavailable);
  EXPECT_EQ(CodeOf(kUringDisabledBySysctl), absl::StatusCode::kUnavailable);
  EXPECT_EQ(CodeOf(kKernelTooOld), absl::StatusCode::kUnavailable);
  EXPECT_EQ(CodeOf(kHostNotFound), absl::StatusCode::kNotFound);
  EXPECT_EQ(CodeOf(kServiceNotFound), absl::StatusCode::kNotFound);
  EXPECT_EQ(CodeOf(kMemoryLockLimit), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(CodeOf(kWatchLimit), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(CodeOf(kWatchInstanceLimit), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(CodeOf(kTooFewCores), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(CodeOf(kMisalignedOffset), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(CodeOf(kNameServerUnreachable), absl::StatusCode::kUnavailable);
  EXPECT_EQ(CodeOf(kNameServerFailed), absl::StatusCode::kUnavailable);
}

TEST(ToStatusTest, IsNeverOk) {
  EXPECT_FALSE(ToStatus(kEndOfStream, "").ok());
  EXPECT_FALSE(ToStatus(Error::FromErrno(EINVAL), "").ok());
}

}  // namespace
}  // namespace eddy
