#include "examples/grep_tree/grep.h"

#include <eddy/fs/walk.h>
#include <eddy/io/write_all.h>
#include <eddy/runtime/task_scope.h>

#include <sys/stat.h>

#include <cerrno>
#include <deque>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "examples/grep_tree/file_search.h"

namespace grep_tree {
namespace {

using eddy::JoinHandle;
using eddy::Result;
using eddy::Task;
using eddy::TaskScope;
using eddy::Unexpected;
namespace fs = eddy::fs;
namespace io = eddy::io;

class Grepper {
 public:
  Grepper(const Pattern& pattern, std::size_t most_files, const io::Fd& out,
          const struct stat& out_file, const io::Fd& messages)
      : pattern_(pattern),
        most_files_(most_files),
        out_(out),
        out_file_(out_file),
        messages_(messages) {}

  Task<Result<void>> SearchAll(TaskScope& scope,
                               const std::vector<std::string>& roots) {
    for (const std::string& root : roots) {
      EDDY_CO_CHECK(co_await SearchTree(scope, root));
    }
    while (!running_.empty()) EDDY_CO_CHECK(co_await FinishFirst());
    co_return co_await Flush();
  }

  const Found& found() const { return found_; }

 private:
  struct Running {
    std::unique_ptr<FileSearch> search;
    JoinHandle<Result<void>> handle;
  };

  Task<Result<void>> SearchTree(TaskScope& scope, const std::string& root) {
    fs::WalkOptions options;
    options.sorted = true;
    auto walk = fs::Walk(root, std::move(options));
    const std::string prefix = root.ends_with('/') ? root : root + '/';
    while (auto next = co_await walk.Next()) {
      if (!*next && next->error() == std::errc::not_a_directory) {
        EDDY_CO_CHECK(co_await Start(scope, nullptr, root, root));
      } else if (!*next) {
        if (next->error() == eddy::kCanceled) {
          co_return Unexpected(eddy::kCanceled);
        }
        EDDY_CO_CHECK(co_await Fail(root, next->error().message()));
      } else if ((*next)->error) {
        EDDY_CO_CHECK(
            co_await Fail(prefix + (*next)->path, (*next)->error->message()));
      } else if ((*next)->type == fs::FileType::kRegular) {
        fs::WalkEntry& entry = **next;
        EDDY_CO_CHECK(co_await Start(scope, entry.parent, entry.name(),
                                     prefix + entry.path));
      }
    }
    co_return Result<void>();
  }

  Task<Result<void>> Start(TaskScope& scope,
                           std::shared_ptr<const fs::Directory> parent,
                           std::string name, std::string path) {
    if (running_.size() == most_files_) EDDY_CO_CHECK(co_await FinishFirst());
    std::unique_ptr<FileSearch> search;
    if (idle_.empty()) {
      search = std::make_unique<FileSearch>(pattern_, out_file_);
    } else {
      search = std::move(idle_.back());
      idle_.pop_back();
    }
    search->Begin(std::move(parent), std::move(name), std::move(path));
    auto handle = scope.Spawn(search->Continue());
    running_.push_back({std::move(search), std::move(handle)});
    co_return Result<void>();
  }

  // The file whose turn it is. One with more output than is kept has waited
  // for that; it is searched to its end here.
  Task<Result<void>> FinishFirst() {
    Running& first = running_.front();
    FileSearch& search = *first.search;
    EDDY_CO_CHECK(co_await first.handle);
    EDDY_CO_CHECK(co_await Print(search.output()));
    while (!search.ended()) {
      EDDY_CO_CHECK(co_await search.Continue());
      EDDY_CO_CHECK(co_await Print(search.output()));
    }
    found_.matched = found_.matched || search.matched();
    if (search.error()) {
      EDDY_CO_CHECK(co_await Fail(search.path(), search.error()->message()));
    }
    if (search.is_output()) {
      EDDY_CO_CHECK(
          co_await Fail(search.path(), "input file is also the output"));
    }
    if (search.binary_matched()) {
      EDDY_CO_CHECK(co_await Say(search.path(), "binary file matches"));
    }
    idle_.push_back(std::move(first.search));
    running_.pop_front();
    co_return Result<void>();
  }

  Task<Result<void>> Print(std::string& text) {
    output_ += text;
    text.clear();
    if (output_.size() < kFlush) co_return Result<void>();
    co_return co_await Flush();
  }
  Task<Result<void>> Flush() {
    EDDY_CO_CHECK(
        co_await io::WriteAll(out_, std::as_bytes(std::span(output_))));
    output_.clear();
    co_return Result<void>();
  }

  Task<Result<void>> Fail(const std::string& path, std::string what) {
    found_.failed = true;
    co_return co_await Say(path, std::move(what));
  }
  Task<Result<void>> Say(const std::string& path, std::string what) {
    const std::string line = "grep_tree: " + path + ": " + what + '\n';
    co_return co_await io::WriteAll(messages_, std::as_bytes(std::span(line)));
  }

  static constexpr std::size_t kFlush = 64 * 1024;

  const Pattern& pattern_;
  const std::size_t most_files_;
  const io::Fd& out_;
  const struct stat& out_file_;
  const io::Fd& messages_;
  std::deque<Running> running_;
  std::vector<std::unique_ptr<FileSearch>> idle_;
  std::string output_;
  Found found_;
};

}  // namespace

Task<Result<Found>> Grep(const Pattern& pattern,
                         const std::vector<std::string>& roots,
                         std::size_t most_files, const io::Fd& out,
                         const io::Fd& messages) {
  struct stat out_file;
  if (fstat(out.get(), &out_file) != 0) {
    co_return Unexpected(eddy::Error::FromErrno(errno));
  }
  Grepper grepper(pattern, most_files, out, out_file, messages);
  const auto body = [&](TaskScope& scope) {
    return grepper.SearchAll(scope, roots);
  };
  EDDY_CO_CHECK(co_await eddy::WithScope(body));
  co_return grepper.found();
}

}  // namespace grep_tree
