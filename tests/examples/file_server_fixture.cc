#include "tests/examples/file_server_fixture.h"

#include <signal.h>
#include <stdlib.h>

#include <chrono>
#include <fstream>
#include <random>
#include <thread>

namespace eddy::testing_examples {
namespace {

std::filesystem::path MakeFolder() {
  std::string path =
      std::filesystem::temp_directory_path() / "file_server_test_XXXXXX";
  if (mkdtemp(path.data()) == nullptr) ADD_FAILURE() << "no folder: " << path;
  return path;
}

std::string Noise(std::size_t size) {
  std::mt19937_64 random(size);
  std::string noise(size, '\0');
  for (std::size_t i = 0; i < size; i += 8) {
    const std::uint64_t word = random();
    noise.replace(i, std::min<std::size_t>(8, size - i),
                  reinterpret_cast<const char*>(&word),
                  std::min<std::size_t>(8, size - i));
  }
  return noise;
}

}  // namespace

FileServerTest::FileServerTest() : folder_(MakeFolder()) {
  std::filesystem::create_directory(root());
}

FileServerTest::~FileServerTest() {
  if (server_ != nullptr && server_->pid() > 0) {
    server_->Signal(SIGTERM);
    EXPECT_EQ(server_->Wait(), 0) << server_->ReadErrors();
  }
  server_.reset();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

void FileServerTest::Write(const std::string& path, std::string_view content) {
  std::filesystem::create_directories((root() / path).parent_path());
  std::ofstream(root() / path, std::ios::binary) << content;
}

std::string FileServerTest::WriteNoise(const std::string& path,
                                       std::size_t size) {
  std::string noise = Noise(size);
  Write(path, noise);
  return noise;
}

void FileServerTest::WriteSparse(const std::string& path, std::uint64_t size) {
  Write(path, "");
  std::filesystem::resize_file(root() / path, size);
  std::fstream file(root() / path,
                    std::ios::binary | std::ios::in | std::ios::out);
  const std::string block = Noise(std::size_t{64} * 1024 + 7);
  for (std::uint64_t at = 0; at + block.size() < size; at += size / 16 + 1) {
    file.seekp(static_cast<std::streamoff>(at));
    file << block;
  }
}

void FileServerTest::Start(const std::vector<std::string>& flags,
                           const std::string& limits) {
  std::vector<std::string> words = {"bash",
                                    "-c",
                                    limits + " && exec \"$0\" \"$@\"",
                                    Program::Example("file_server"),
                                    "--root",
                                    root(),
                                    "--listen",
                                    "127.0.0.1:0"};
  words.insert(words.end(), flags.begin(), flags.end());
  server_ = std::make_unique<Program>(words);
  address_ = ListeningOn(*server_);
}

HttpResponse FileServerTest::Answer(std::string_view raw) const {
  HttpClient client = Connect();
  client.Send(raw);
  return client.Receive();
}

bool FileServerTest::DescriptorsReturnTo(std::size_t count) {
  for (int tries = 0; tries < 3000; ++tries) {
    if (server_->CountDescriptors() <= count) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

}  // namespace eddy::testing_examples
