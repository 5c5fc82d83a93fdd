// What file_server sends: files of every size with the right bytes and fields,
// parts of them, folders, and nothing to those who have it already. The large
// ones go through curl, so that the judge is not our own client.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <thread>

#include "tests/examples/file_server_fixture.h"

namespace eddy::testing_examples {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class FileServerContentTest : public FileServerTest {
 protected:
  // The SHA-256 of what a shell command prints. (Python's is several times
  // faster than sha256sum.)
  static std::string Sha256Of(const std::string& command) {
    const auto [code, output] =
        Shell(command +
              " | python3 -c 'import hashlib, sys\n"
              "h = hashlib.sha256()\n"
              "while b := sys.stdin.buffer.read(1 << 20): h.update(b)\n"
              "print(h.hexdigest())'");
    EXPECT_EQ(code, 0) << command;
    return output;
  }
  std::string Curl(const std::string& options, const std::string& path) {
    return "curl --fail --silent --show-error " + options + " " + Url(path);
  }
};

class FileServerSizeTest : public FileServerContentTest,
                           public ::testing::WithParamInterface<std::uint64_t> {
};

TEST_P(FileServerSizeTest, CurlGetsEveryByte) {
  const std::uint64_t size = GetParam();
  if (size > (1U << 30)) {
    WriteSparse("file", size);
  } else {
    WriteNoise("file", size);
  }
  Start();
  const std::string file = root() / "file";
  EXPECT_EQ(Sha256Of(Curl("", "/file")), Sha256Of("cat " + file));
}

INSTANTIATE_TEST_SUITE_P(Sizes, FileServerSizeTest,
                         ::testing::Values(0, 1, 4096, 64 * 1024 - 300,
                                           64 * 1024, 128 * 1024 + 1, 10U << 20,
                                           std::uint64_t{2} << 30),
                         ::testing::PrintToStringParamName());

TEST_F(FileServerContentTest, CurlGetsRangesOfALargeFile) {
  WriteSparse("file", std::uint64_t{2} << 30);
  Start();
  const std::string file = root() / "file";
  struct Case {
    const char* range;
    const char* part;
  };
  for (const Case c :
       {Case{"0-0", "head -c 1"}, Case{"0-99999", "head -c 100000"},
        Case{"2147483600-", "tail -c 48"}, Case{"-1000000", "tail -c 1000000"},
        Case{"2147000000-9999999999", "tail -c 483648"}}) {
    EXPECT_EQ(Sha256Of(Curl(std::string("-r ") + c.range, "/file")),
              Sha256Of(std::string(c.part) + " " + file))
        << c.range;
  }
  // Two halves make the whole, as a download that goes on does it.
  EXPECT_EQ(Sha256Of("(" + Curl("-r 0-1048575", "/file") + "; " +
                     Curl("-r 1048576-3145727", "/file") + ")"),
            Sha256Of("head -c 3145728 " + file));
}

TEST_F(FileServerContentTest, RangesAreAnsweredAsTheStandardSays) {
  Write("f", "0123456789");
  Write("empty", "");
  Start();
  struct Case {
    const char* range;
    int status;
    const char* body;
    const char* content_range;
  };
  for (const Case c : {
           Case{"bytes=0-3", 206, "0123", "bytes 0-3/10"},
           Case{"bytes=4-", 206, "456789", "bytes 4-9/10"},
           Case{"bytes=-3", 206, "789", "bytes 7-9/10"},
           Case{"bytes=-99", 206, "0123456789", "bytes 0-9/10"},
           Case{"bytes=9-9", 206, "9", "bytes 9-9/10"},
           Case{"bytes=5-99999999999999999999999", 206, "56789",
                "bytes 5-9/10"},
           Case{"BYTES=0-0", 206, "0", "bytes 0-0/10"},
           Case{"bytes=10-", 416, nullptr, "bytes */10"},
           Case{"bytes=99999999999999999999999-", 416, nullptr, "bytes */10"},
           Case{"bytes=-0", 416, nullptr, "bytes */10"},
           Case{"bytes=0-1,3-4", 200, "0123456789", ""},
           Case{"bytes=4-2", 200, "0123456789", ""},
           Case{"bytes=", 200, "0123456789", ""},
           Case{"bytes=-", 200, "0123456789", ""},
           Case{"bytes=a-b", 200, "0123456789", ""},
           Case{"bytes=+1-2", 200, "0123456789", ""},
           Case{"lines=0-3", 200, "0123456789", ""},
       }) {
    const HttpResponse response =
        Get("/f", std::string("Range: ") + c.range + "\r\n");
    EXPECT_EQ(response.status, c.status) << c.range;
    EXPECT_EQ(response.Field("content-range"), c.content_range) << c.range;
    if (c.body != nullptr) {
      EXPECT_EQ(response.body, c.body) << c.range;
    }
  }
  EXPECT_EQ(Get("/empty", "Range: bytes=0-\r\n").status, 416);
  EXPECT_EQ(Get("/f", "Range: bytes=0-1\r\nRange: bytes=2-3\r\n").body,
            "0123456789");
}

TEST_F(FileServerContentTest, IfRangeSelectsThePartOnlyOfTheSameFile) {
  Write("f", "0123456789");
  Start();
  const HttpResponse whole = Get("/f");
  for (const std::string& same :
       {whole.Field("etag"), whole.Field("last-modified")}) {
    EXPECT_EQ(Get("/f", "Range: bytes=0-1\r\nIf-Range: " + same + "\r\n").body,
              "01");
  }
  for (const std::string other :
       {"\"other\"", "W/\"x\"", "Sun, 06 Nov 1994 08:49:37 GMT", "nonsense"}) {
    EXPECT_EQ(Get("/f", "Range: bytes=0-1\r\nIf-Range: " + other + "\r\n").body,
              "0123456789");
  }
}

TEST_F(FileServerContentTest, HeadTellsWhatGetWouldAndSendsNothing) {
  const std::string content = WriteNoise("f.txt", 5000);
  Start();
  HttpClient client = Connect();
  const HttpResponse got = client.Get("/f.txt");
  client.Send("HEAD /f.txt HTTP/1.1\r\nHost: t\r\nRange: bytes=0-1\r\n\r\n");
  HttpResponse head = client.Receive(true);
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(got.body, content);
  EXPECT_EQ(head.fields, got.fields);
  client.Send("HEAD /none HTTP/1.1\r\nHost: t\r\n\r\n");
  EXPECT_EQ(client.Receive(true).status, 404);
  // Nothing is left over from the two.
  EXPECT_EQ(client.Get("/f.txt").body, content);
}

TEST_F(FileServerContentTest, FieldsDescribeTheFile) {
  Write("page.HTML", "<p>");
  Write("a.tar.gz", "x");
  Write("unknown", "x");
  Start();
  const HttpResponse page = Get("/page.HTML");
  EXPECT_EQ(page.Field("content-type"), "text/html; charset=utf-8");
  EXPECT_EQ(page.Field("content-length"), "3");
  EXPECT_EQ(page.Field("accept-ranges"), "bytes");
  EXPECT_EQ(page.Field("x-content-type-options"), "nosniff");
  EXPECT_EQ(page.Field("server"), "eddy");
  EXPECT_THAT(page.Field("date"), EndsWith(" GMT"));
  EXPECT_THAT(page.Field("last-modified"), EndsWith(" GMT"));
  EXPECT_THAT(page.Field("etag"), StartsWith("\""));
  EXPECT_EQ(Get("/a.tar.gz").Field("content-type"), "application/gzip");
  EXPECT_EQ(Get("/unknown").Field("content-type"), "application/octet-stream");
}

TEST_F(FileServerContentTest, NothingIsSentToThoseWhoHaveIt) {
  Write("f", "content");
  Start();
  const HttpResponse first = Get("/f");
  const std::string etag = first.Field("etag");
  const std::string date = first.Field("last-modified");
  for (const std::string& lines :
       {"If-None-Match: " + etag, "If-None-Match: W/" + etag,
        "If-None-Match: \"a\", " + etag + ", \"b\"",
        std::string("If-None-Match: *"), "If-Modified-Since: " + date,
        std::string("If-Modified-Since: Fri, 31 Dec 2100 23:59:59 GMT"),
        std::string("If-Modified-Since: Friday, 31-Dec-60 23:59:59 GMT"),
        std::string("If-Modified-Since: Fri Dec 31 23:59:59 2100"),
        "If-None-Match: " + etag + "\r\nRange: bytes=0-1"}) {
    HttpClient client = Connect();
    const HttpResponse response = client.Get("/f", lines + "\r\n");
    EXPECT_EQ(response.status, 304) << lines;
    EXPECT_EQ(response.Field("etag"), etag);
    EXPECT_EQ(response.Field("content-length"), "");
    EXPECT_EQ(client.Get("/f").body, "content") << lines;
  }
  for (const std::string& lines :
       {std::string("If-None-Match: \"other\""),
        "If-None-Match: \"other\"\r\nIf-Modified-Since: " + date,
        std::string("If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT"),
        std::string("If-Modified-Since: yesterday")}) {
    EXPECT_EQ(Get("/f", lines + "\r\n").status, 200) << lines;
  }
}

TEST_F(FileServerContentTest, AChangeShowsAfterTheCachesValidity) {
  Write("f", "old");
  Start({"--cache-validity", "50ms"});
  const HttpResponse before = Get("/f");
  EXPECT_EQ(before.body, "old");
  std::filesystem::remove(root() / "f");
  Write("f", "newer");
  std::this_thread::sleep_for(std::chrono::milliseconds(60));
  HttpResponse after = Get("/f");
  EXPECT_EQ(after.body, "newer");
  EXPECT_NE(after.Field("etag"), before.Field("etag"));
  std::filesystem::remove(root() / "f");
  std::this_thread::sleep_for(std::chrono::milliseconds(60));
  EXPECT_EQ(Get("/f").status, 404);
}

TEST_F(FileServerContentTest, ATruncatedFileIsNotSentWithItsOldLength) {
  WriteNoise("f", 5000);
  Start({"--cache-validity", "1h"});
  EXPECT_EQ(Get("/f").body.size(), 5000U);
  std::filesystem::resize_file(root() / "f", 1000);
  const HttpResponse after = Get("/f");
  EXPECT_EQ(after.status, 200);
  EXPECT_EQ(after.body.size(), 1000U);
}

TEST_F(FileServerContentTest, AFileThatIsCutOffWhileItIsSentEndsTheConnection) {
  WriteSparse("f", 256U << 20);
  Start();
  HttpClient client = Connect();
  client.SendGet("/f");
  EXPECT_GT(client.Skip(1000), 0U);
  std::filesystem::resize_file(root() / "f", 1000);
  EXPECT_LT(client.Skip(256U << 20), 256U << 20);
  EXPECT_TRUE(client.AtEnd());
}

// Reads that have to wait for the disk.
TEST_F(FileServerContentTest, AFileThatIsNotInMemoryIsReadFromTheDisk) {
  const std::string content = WriteNoise("f", 3U << 20);
  const int fd = open((root() / "f").c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_GE(fd, 0);
  fsync(fd);
  posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
  Start();
  EXPECT_EQ(Get("/f").body, content);
  posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
  EXPECT_EQ(Get("/f", "Range: bytes=1000000-1000009\r\n").body,
            content.substr(1000000, 10));
  close(fd);
}

TEST_F(FileServerContentTest, AFolderIsItsIndexOrAPage) {
  Write("with/index.html", "the index");
  Write("without/b.txt", "");
  Write("without/sub/x", "");
  Write("odd/index.html/x", "");
  Start();
  EXPECT_EQ(Get("/with/").body, "the index");
  EXPECT_EQ(Get("/with/").Field("content-type"), "text/html; charset=utf-8");
  const HttpResponse page = Get("/without/");
  EXPECT_EQ(page.status, 200);
  EXPECT_THAT(page.body, HasSubstr("<a href=\"./b.txt\">b.txt</a>"));
  EXPECT_THAT(page.body, HasSubstr("<a href=\"./sub/\">sub/</a>"));
  EXPECT_THAT(page.body, HasSubstr("<a href=\"../\">"));
  EXPECT_THAT(Get("/").body, Not(HasSubstr("../")));
  EXPECT_THAT(Get("/odd/").body, HasSubstr("index.html/"));
  // Made and removed while the server runs.
  std::filesystem::remove(root() / "without" / "b.txt");
  EXPECT_THAT(Get("/without/").body, Not(HasSubstr("b.txt")));
}

TEST_F(FileServerContentTest, AFolderWithoutItsSlashIsRedirected) {
  Write("a b/c/x", "");
  Start();
  HttpResponse response = Get("/a%20b/c");
  EXPECT_EQ(response.status, 301);
  EXPECT_EQ(response.Field("location"), "/a%20b/c/");
  EXPECT_EQ(Get("/a%20b/c?q=1").Field("location"), "/a%20b/c/?q=1");
  // Never a host that somebody smuggled in.
  EXPECT_EQ(Get("//a%20b//c").Field("location"), "/a%20b/c/");
}

TEST_F(FileServerContentTest, NamesOfAnyBytesAreListedAndCanBeFollowed) {
  const std::string names[] = {"<b>&\"'.txt", "latin\xe9.txt", "a:b",  "sp ace",
                               "new\nline",   "per%41cent",    "q?h#", "ü"};
  for (const std::string& name : names) Write(name, "content of " + name);
  Start();
  const std::string page = Get("/").body;
  EXPECT_THAT(page, Not(HasSubstr("<b>")));
  EXPECT_THAT(page, HasSubstr("&lt;b&gt;&amp;&quot;&#39;.txt"));
  EXPECT_THAT(page, HasSubstr("latin%E9.txt"));
  std::size_t followed = 0;
  for (std::size_t at = 0; (at = page.find("href=\"./", at)) != page.npos;) {
    at += 8;
    const std::string link = page.substr(at, page.find('"', at) - at);
    EXPECT_THAT(Get("/" + link).body, StartsWith("content of ")) << link;
    ++followed;
  }
  EXPECT_EQ(followed, std::size(names));
}

}  // namespace
}  // namespace eddy::testing_examples
