#include "examples/kv_server/log_set.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <eddy/fs/file.h>
#include <eddy/fs/read_directory.h>

#include <cstddef>
#include <map>
#include <span>
#include <string_view>
#include <system_error>

#include "examples/kv_server/append_log.h"
#include "examples/kv_server/log_format.h"

namespace kv_server {
namespace {

using eddy::Result;
using eddy::Task;
using eddy::Unexpected;

struct Head {
  std::optional<LogOwner> owner;
  std::uint64_t size = 0;  // of the file
};

std::optional<unsigned> CoreOfName(std::string_view name) {
  constexpr std::string_view kBegin = "core-";
  constexpr std::string_view kEnd = ".log";
  if (!name.starts_with(kBegin) || !name.ends_with(kEnd)) return {};
  if (name.size() <= kBegin.size() + kEnd.size()) return {};
  name.remove_prefix(kBegin.size());
  name.remove_suffix(kEnd.size());
  unsigned core = 0;
  if (!absl::SimpleAtoi(std::string(name), &core)) return {};
  return core;
}

Task<Result<Head>> ReadHeadOf(std::string path) {
  EDDY_CO_TRY(const auto file, co_await eddy::fs::File::Open(path));
  std::string bytes(kLogHead, '\0');
  EDDY_CO_TRY(
      const std::size_t read,
      co_await file.ReadAllAt(0, std::as_writable_bytes(std::span(bytes))));
  bytes.resize(read);
  Head head;
  EDDY_CO_TRY(head.size, co_await file.Size());
  head.owner = ParseLogHead(bytes);
  co_return head;
}

Task<Result<std::map<unsigned, Head>>> ReadHeads(std::string folder,
                                                 std::string& problem) {
  problem = absl::StrCat(folder, " cannot be opened");
  std::map<unsigned, Head> heads;
  auto entries = eddy::fs::ReadDirectory(folder);
  while (true) {
    auto entry = co_await entries.Next();
    if (!entry) break;
    if (!*entry) co_return Unexpected(entry->error());
    const auto core = CoreOfName((*entry)->name);
    if (!core) continue;
    const std::string path = LogPath(folder, *core);
    const auto head = co_await ReadHeadOf(path);
    if (!head) {
      problem = absl::StrCat(path, " cannot be read");
      co_return Unexpected(head.error());
    }
    heads[*core] = *head;
  }
  co_return heads;
}

}  // namespace

std::string LogPath(const std::string& folder, unsigned core) {
  return absl::StrCat(folder, "/core-", core, ".log");
}

Task<Result<std::optional<std::uint64_t>>> CheckLogs(std::string folder,
                                                     unsigned cores,
                                                     std::string& problem) {
  EDDY_CO_TRY(const auto heads, co_await ReadHeads(folder, problem));
  constexpr std::errc kWrong = std::errc::bad_message;
  std::optional<std::uint64_t> seed;
  std::optional<unsigned> with_changes;
  for (const auto& [core, head] : heads) {
    const std::string path = LogPath(folder, core);
    if (!head.owner) {
      // One that was torn when it was made is made again.
      if (head.size < kLogHead) continue;
      problem =
          absl::StrCat(path, " is no log of kv_server, or damaged at byte 0");
      co_return Unexpected(kWrong);
    }
    const LogOwner expected = {core, cores, seed.value_or(head.owner->seed)};
    if (*head.owner != expected) {
      problem = absl::StrCat(path, WrongOwner(*head.owner, expected));
      co_return Unexpected(kWrong);
    }
    seed = head.owner->seed;
    if (head.size > kLogHead) with_changes = core;
  }
  for (unsigned core = 0; with_changes && core < cores; ++core) {
    const auto found = heads.find(core);
    if (found != heads.end() && found->second.owner) continue;
    problem = absl::StrCat(LogPath(folder, core), " is missing, and ",
                           LogPath(folder, *with_changes), " has changes");
    co_return Unexpected(kWrong);
  }
  problem.clear();
  co_return seed;
}

}  // namespace kv_server
