#include "examples/hash_tree/sha256.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <stdexcept>

namespace hash_tree {
namespace {

void Check(int success) {
  if (success != 1) throw std::runtime_error("OpenSSL has no SHA-256");
}

}  // namespace

void Sha256::Free::operator()(evp_md_ctx_st* context) const noexcept {
  EVP_MD_CTX_free(context);
}

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  Check(EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr));
}

void Sha256::Update(std::span<const std::byte> data) {
  Check(EVP_DigestUpdate(context_.get(), data.data(), data.size()));
}

std::string Sha256::Finish() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned size = 0;
  Check(EVP_DigestFinal_ex(context_.get(), digest.data(), &size));
  Check(EVP_DigestInit_ex(context_.get(), nullptr, nullptr));
  constexpr char kDigits[] = "0123456789abcdef";
  std::string hash;
  for (const unsigned char byte : std::span(digest).first(size)) {
    hash += kDigits[byte >> 4];
    hash += kDigits[byte & 15];
  }
  return hash;
}

void Sort(TreeHashes& hashes) {
  std::sort(
      hashes.files.begin(), hashes.files.end(),
      [](const HashedFile& a, const HashedFile& b) { return a.path < b.path; });
  std::sort(hashes.problems.begin(), hashes.problems.end());
}

std::string ReportOf(const TreeHashes& hashes) {
  std::string report;
  for (const HashedFile& file : hashes.files) {
    if (file.path.find_first_of("\\\n\r") == file.path.npos) {
      report += file.hash + "  " + file.path + "\n";
      continue;
    }
    report += "\\" + file.hash + "  ";
    for (const char c : file.path) {
      switch (c) {
        case '\\':
          report += "\\\\";
          break;
        case '\n':
          report += "\\n";
          break;
        case '\r':
          report += "\\r";
          break;
        default:
          report += c;
      }
    }
    report += "\n";
  }
  return report;
}

}  // namespace hash_tree
