// Nothing outside of --root is served by file_server, whatever the request and
// whatever lies in the root; and nothing in it can make the server hang.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/examples/file_server_fixture.h"

namespace eddy::testing_examples {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kSecret[] = "the secret";

class FileServerPathTest : public FileServerTest {
 protected:
  FileServerPathTest() {
    std::ofstream(outside() / "secret") << kSecret;
    std::filesystem::create_directory(outside() / "root2");
    std::ofstream(outside() / "root2" / "secret") << kSecret;
    Write("inside/file", "inside");
  }
  void Link(const std::string& to, const std::string& name) {
    std::filesystem::create_symlink(to, root() / name);
  }
};

TEST_F(FileServerPathTest, NoTargetLeadsOut) {
  Start();
  const std::string absolute = (outside() / "secret").string();
  for (const std::string& target : {std::string("/../secret"),
                                    std::string("/inside/../../secret"),
                                    std::string("/inside/../../root2/secret"),
                                    std::string("/../root2/secret"),
                                    std::string("/%2e%2e/secret"),
                                    std::string("/%2E%2E/secret"),
                                    std::string("/.%2e/secret"),
                                    std::string("/%2e./secret"),
                                    std::string("/%2e%2e%2fsecret"),
                                    std::string("/..%2fsecret"),
                                    std::string("/inside%2f..%2f..%2fsecret"),
                                    std::string("/%252e%252e/secret"),
                                    std::string("/..%5csecret"),
                                    std::string("/..\\secret"),
                                    std::string("/..;/secret"),
                                    std::string("/..%00/secret"),
                                    std::string("/inside/file%00.html"),
                                    std::string("/%c0%ae%c0%ae/secret"),
                                    std::string("/%u002e%u002e/secret"),
                                    std::string("/....//secret"),
                                    std::string("/.../secret"),
                                    std::string("//../secret"),
                                    std::string("/./../secret"),
                                    std::string("/inside/..//../secret"),
                                    std::string("/../root/../secret"),
                                    std::string("http://t/../secret"),
                                    std::string("http://t/%2e%2e/secret"),
                                    std::string("../secret"),
                                    std::string("file://") + absolute,
                                    absolute,
                                    "/" + absolute,
                                    "/%2f" + absolute.substr(1),
                                    std::string("/proc/self/root") + absolute,
                                    std::string("/etc/passwd"),
                                    std::string("//etc/passwd"),
                                    std::string("/%2fetc%2fpasswd"),
                                    std::string("/.."),
                                    std::string("/../"),
                                    std::string("/../root2")}) {
    const HttpResponse response = Get(target);
    EXPECT_THAT(response.status, AnyOf(400, 403, 404)) << target;
    EXPECT_THAT(response.body, Not(HasSubstr(kSecret))) << target;
  }
  EXPECT_EQ(Get("/inside/../inside/./file").body, "inside");
}

TEST_F(FileServerPathTest, SymbolicLinksWorkInsideAndNeverLeadOut) {
  Link("inside/file", "to_file");
  Link("inside", "to_folder");
  Link("../inside/file", "inside/up_and_down");
  Link("../secret", "out");
  Link("..", "out_folder");
  Link(outside() / "secret", "absolute");
  Link(outside(), "absolute_folder");
  Link(root() / "inside" / "file", "absolute_inside");
  Link("/", "slash");
  Link("/proc/self/root", "magic");
  Link("out", "twice");
  Link("loop", "loop");
  Link("nowhere", "dangling");
  Start();
  EXPECT_EQ(Get("/to_file").body, "inside");
  EXPECT_EQ(Get("/to_folder/file").body, "inside");
  EXPECT_EQ(Get("/inside/up_and_down").body, "inside");
  EXPECT_EQ(Get("/to_folder").Field("location"), "/to_folder/");
  for (const std::string target :
       {"/out", "/out_folder", "/out_folder/", "/out_folder/secret",
        "/absolute", "/absolute_folder/secret", "/absolute_inside", "/slash/",
        "/slash/etc/passwd", "/magic/etc/passwd", "/twice", "/loop"}) {
    const HttpResponse response = Get(target);
    EXPECT_EQ(response.status, 403) << target;
    EXPECT_THAT(response.body, Not(HasSubstr(kSecret))) << target;
  }
  EXPECT_EQ(Get("/dangling").status, 404);
}

TEST_F(FileServerPathTest, OnlyFilesAndFoldersAreServed) {
  ASSERT_EQ(mkfifo((root() / "fifo").c_str(), 0600), 0);
  ASSERT_EQ(mkfifo((root() / "index.html").c_str(), 0600), 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = root() / "socket";
  ASSERT_LT(path.size(), sizeof address.sun_path);
  std::strcpy(address.sun_path, path.c_str());
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  Start();
  EXPECT_EQ(Get("/fifo").status, 403);
  EXPECT_EQ(Get("/socket").status, 404);
  EXPECT_EQ(Get("/").status, 403);
  EXPECT_EQ(Get("/inside/file").body, "inside");
  close(fd);
}

TEST_F(FileServerPathTest, AFileThatMayNotBeReadIsForbidden) {
  if (geteuid() == 0) GTEST_SKIP() << "root may read everything";
  Write("locked", kSecret);
  chmod((root() / "locked").c_str(), 0);
  Start();
  EXPECT_EQ(Get("/locked").status, 403);
}

}  // namespace
}  // namespace eddy::testing_examples
