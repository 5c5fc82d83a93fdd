#include "examples/file_server/content_type.h"

#include <cctype>
#include <cstddef>
#include <string_view>

namespace file_server {
namespace {

constexpr char kText[] = "text/plain; charset=utf-8";

struct Row {
  std::string_view extension;
  const char* type;
};

// Sources and scripts are for reading, so they are text and not programs. A
// name without an extension counts as one.
constexpr Row kRows[] = {
    {"7z", "application/x-7z-compressed"},
    {"aac", "audio/aac"},
    {"avif", "image/avif"},
    {"bmp", "image/bmp"},
    {"bz2", "application/x-bzip2"},
    {"c", kText},
    {"cc", kText},
    {"cfg", kText},
    {"cmake", kText},
    {"conf", kText},
    {"cpp", kText},
    {"css", "text/css; charset=utf-8"},
    {"csv", "text/csv; charset=utf-8"},
    {"flac", "audio/flac"},
    {"gif", "image/gif"},
    {"gz", "application/gzip"},
    {"h", kText},
    {"htm", "text/html; charset=utf-8"},
    {"html", "text/html; charset=utf-8"},
    {"ico", "image/x-icon"},
    {"jpeg", "image/jpeg"},
    {"jpg", "image/jpeg"},
    {"js", "text/javascript; charset=utf-8"},
    {"json", "application/json"},
    {"license", kText},
    {"log", kText},
    {"m4a", "audio/mp4"},
    {"makefile", kText},
    {"md", kText},
    {"mjs", "text/javascript; charset=utf-8"},
    {"mkv", "video/x-matroska"},
    {"mov", "video/quicktime"},
    {"mp3", "audio/mpeg"},
    {"mp4", "video/mp4"},
    {"oga", "audio/ogg"},
    {"ogg", "audio/ogg"},
    {"ogv", "video/ogg"},
    {"opus", "audio/ogg"},
    {"otf", "font/otf"},
    {"pdf", "application/pdf"},
    {"png", "image/png"},
    {"py", kText},
    {"readme", kText},
    {"rs", kText},
    {"rst", kText},
    {"sh", kText},
    {"svg", "image/svg+xml"},
    {"tar", "application/x-tar"},
    {"tif", "image/tiff"},
    {"tiff", "image/tiff"},
    {"toml", kText},
    {"ttf", "font/ttf"},
    {"txt", kText},
    {"wasm", "application/wasm"},
    {"wav", "audio/wav"},
    {"webm", "video/webm"},
    {"webmanifest", "application/manifest+json"},
    {"webp", "image/webp"},
    {"woff", "font/woff"},
    {"woff2", "font/woff2"},
    {"xhtml", "application/xhtml+xml"},
    {"xml", "application/xml"},
    {"xz", "application/x-xz"},
    {"yaml", kText},
    {"yml", kText},
    {"zip", "application/zip"},
    {"zst", "application/zstd"},
};

}  // namespace

const char* ContentTypeOf(const std::string& path) {
  // "html" of "a/b.html" and "license" of "a/LICENSE".
  const std::size_t begin = path.find_last_of("./");
  std::string extension = begin == path.npos ? path : path.substr(begin + 1);
  for (char& c : extension) {
    c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  for (const Row& row : kRows) {
    if (row.extension == extension) return row.type;
  }
  return "application/octet-stream";
}

}  // namespace file_server
