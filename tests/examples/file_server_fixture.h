// FileServerTest: a folder of its own for each test, and the real file_server
// on it.
#ifndef EDDY_TESTS_EXAMPLES_FILE_SERVER_FIXTURE_H_
#define EDDY_TESTS_EXAMPLES_FILE_SERVER_FIXTURE_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/examples/http_client.h"
#include "tests/examples/program.h"

namespace eddy::testing_examples {

class FileServerTest : public ::testing::Test {
 protected:
  FileServerTest();
  // Ends the server, if a test has not, and expects that it ends well.
  ~FileServerTest() override;

  // The served folder; outside() is beside it.
  std::filesystem::path root() const { return folder_ / "root"; }
  std::filesystem::path outside() const { return folder_; }

  // Files below the root; folders are made as needed.
  void Write(const std::string& path, std::string_view content);
  // `size` bytes that differ everywhere.
  std::string WriteNoise(const std::string& path, std::size_t size);
  // A file that takes no room but for some blocks of noise.
  void WriteSparse(const std::string& path, std::uint64_t size);

  // Starts the server with these flags and waits until it listens. `limits` is
  // a shell command that comes before it, such as "ulimit -n 32".
  void Start(const std::vector<std::string>& flags = {},
             const std::string& limits = ":");

  Program& server() { return *server_; }
  const std::string& address() const { return address_; }
  std::string Url(const std::string& path) const {
    return "http://" + address_ + path;
  }
  HttpClient Connect() const { return HttpClient(address_); }
  // One request on a connection of its own.
  HttpResponse Get(std::string_view target, std::string_view lines = {}) const {
    return Connect().Get(target, lines);
  }
  // The answer to raw bytes on a connection of their own.
  HttpResponse Answer(std::string_view raw) const;

  // Waits until the server has as few open descriptors again.
  bool DescriptorsReturnTo(std::size_t count);

 private:
  const std::filesystem::path folder_;
  std::unique_ptr<Program> server_;
  std::string address_;
};

}  // namespace eddy::testing_examples

#endif  // EDDY_TESTS_EXAMPLES_FILE_SERVER_FIXTURE_H_
