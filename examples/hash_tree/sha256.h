// Sha256: SHA-256 by OpenSSL. ReportOf: what sha256sum prints.
#ifndef EDDY_EXAMPLES_HASH_TREE_SHA256_H_
#define EDDY_EXAMPLES_HASH_TREE_SHA256_H_

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

struct evp_md_ctx_st;

namespace hash_tree {

class Sha256 {
 public:
  // Throws std::runtime_error where OpenSSL has no SHA-256.
  Sha256();

  void Update(std::span<const std::byte> data);
  // In hexadecimal; the next Update() begins a new one.
  std::string Finish();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const noexcept;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

struct HashedFile {
  std::string path;
  std::string hash;
};

struct TreeHashes {
  std::vector<HashedFile> files;
  // What could not be read, and why: "a/b: Permission denied".
  std::vector<std::string> problems;
};

// Sorts both by the bytes of their paths.
void Sort(TreeHashes& hashes);

// A line for each file, as sha256sum prints it, also for names with line ends.
std::string ReportOf(const TreeHashes& hashes);

}  // namespace hash_tree

#endif  // EDDY_EXAMPLES_HASH_TREE_SHA256_H_
