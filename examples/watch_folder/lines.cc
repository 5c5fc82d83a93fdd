#include "examples/watch_folder/lines.h"

#include <eddy/io/write_all.h>
#include <eddy/runtime/timer.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>

#include "absl/strings/escaping.h"

namespace watch_folder {
namespace {

using eddy::Result;
using eddy::Task;
using eddy::fs::Watch;
using eddy::fs::WatchChange;
using eddy::fs::WatchEvent;

// How many bytes the character has that `text` begins with, where it is one
// beyond ASCII, in UTF-8, and no control (U+0080 to U+009F); else 0.
std::size_t Utf8Size(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return static_cast<unsigned char>(text[i]);
  };
  const unsigned lead = byte(0);
  if (lead < 0xc2 || lead > 0xf4) return 0;
  const std::size_t size = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (text.size() < size) return 0;
  for (std::size_t i = 1; i < size; ++i) {
    if (byte(i) < 0x80 || byte(i) > 0xbf) return 0;
  }
  const unsigned second = byte(1);
  // Controls, what has a shorter form, surrogates, what is beyond Unicode.
  if ((lead == 0xc2 || lead == 0xe0) && second < 0xa0) return 0;
  if (lead == 0xed && second > 0x9f) return 0;
  if (lead == 0xf0 && second < 0x90) return 0;
  if (lead == 0xf4 && second > 0x8f) return 0;
  return size;
}

std::string Escape(std::string_view path, bool is_folder) {
  std::string text = path.empty() ? "." : "";
  while (!path.empty()) {
    const std::size_t size = Utf8Size(path);
    text += size != 0 ? std::string(path.substr(0, size))
                      : absl::CEscape(std::string(1, path[0]));
    path.remove_prefix(std::max<std::size_t>(size, 1));
  }
  if (is_folder) text += '/';
  return text;
}

// Next tries again.
bool MayPass(eddy::Error error) {
  return error == std::errc::resource_unavailable_try_again ||
         error == std::errc::too_many_files_open ||
         error == std::errc::too_many_files_open_in_system ||
         error == std::errc::not_enough_memory;
}
constexpr std::chrono::milliseconds kPause{100};

}  // namespace

std::string LineOf(const WatchEvent& event) {
  const std::string path = Escape(event.path, event.is_directory);
  switch (event.change) {
    case WatchChange::kCreated:
      return "created " + path + '\n';
    case WatchChange::kModified:
      return "modified " + path + '\n';
    case WatchChange::kWritten:
      return "written " + path + '\n';
    case WatchChange::kAttributes:
      return "attributes " + path + '\n';
    case WatchChange::kRemoved:
      return "removed " + path + '\n';
    case WatchChange::kMoved:
      return "moved " + Escape(event.from, event.is_directory) + " to " + path +
             '\n';
    case WatchChange::kOverflow:
      return "overflow: events were lost, look at everything again\n";
    case WatchChange::kNotWatched:
      return "not watched " + path + ": " + event.error.message() + '\n';
    case WatchChange::kRootGone:
      return "gone: the folder was removed, moved or unmounted\n";
  }
  return "";
}

Task<Result<void>> WriteChanges(std::string path,
                                eddy::fs::WatchOptions options,
                                const eddy::io::Fd& out) {
  EDDY_CO_TRY(Watch watch, co_await Watch::Open(path, options));
  std::string line = "watching " + Escape(path, false) + '\n';
  while (true) {
    EDDY_CO_CHECK(
        co_await eddy::io::WriteAll(out, std::as_bytes(std::span(line))));
    Result<WatchEvent> event = co_await watch.Next();
    while (!event && MayPass(event.error())) {
      EDDY_CO_CHECK(co_await eddy::Sleep(kPause));
      event = co_await watch.Next();
    }
    if (!event && event.error() == eddy::kEndOfStream) break;
    if (!event) co_return eddy::Unexpected(event.error());
    line = LineOf(*event);
  }
  co_return Result<void>();
}

}  // namespace watch_folder
