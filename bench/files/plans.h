// The command lines of the subjects, which are the same for eddy, liburing and
// the blocking calls.

#ifndef EDDY_BENCH_FILES_PLANS_H_
#define EDDY_BENCH_FILES_PLANS_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string_view>

namespace eddy::bench {

// A mode's arguments, of which the first `count` have to be there.
class Arguments {
 public:
  Arguments(int argc, char** argv, int count) : words_(argv, argv + argc) {
    if (argc > count) return;
    std::fprintf(stderr, "%s takes %d arguments\n", argv[0], count);
    std::exit(2);
  }

  // Counted from 1.
  const char* Text(std::size_t i) const { return words_[i]; }
  std::size_t Number(std::size_t i) const {
    return std::strtoull(words_[i], nullptr, 10);
  }
  double Seconds(std::size_t i) const {
    return std::strtod(words_[i], nullptr);
  }
  bool Has(std::string_view flag) const {
    return std::find(words_.begin(), words_.end(), flag) != words_.end();
  }

 private:
  const std::span<char*> words_;
};

// read FILE DEPTH SECONDS [direct] [buffers] [files] [patient]: random reads of
// a block of 4 KiB, DEPTH of them under way; `buffers` and `files` are
// registered with the ring; `patient` goes on when half of the reads are there.
struct ReadPlan {
  ReadPlan(int argc, char** argv) : ReadPlan(Arguments(argc, argv, 3)) {}
  explicit ReadPlan(const Arguments& a)
      : path(a.Text(1)),
        depth(a.Number(2)),
        seconds(a.Seconds(3)),
        direct(a.Has("direct")),
        buffers(a.Has("buffers")),
        files(a.Has("files")),
        patient(a.Has("patient")) {}

  const char* path;
  std::size_t depth;
  double seconds;
  bool direct;
  bool buffers;
  bool files;
  bool patient;
};

// load FILE [direct] reads a file from one end to the other; store FILE BYTES
// [direct] [allocated] writes one that is not there yet, and makes it durable,
// if it says so into space that it has allocated, with larger transfers.
struct StreamPlan {
  StreamPlan(int argc, char** argv, int count)
      : StreamPlan(Arguments(argc, argv, count), count) {}
  StreamPlan(const Arguments& a, int count)
      : path(a.Text(1)),
        bytes(count > 1 ? a.Number(2) : 0),
        direct(a.Has("direct")),
        allocated(a.Has("allocated")) {}

  // What a caller has to write at a time.
  static constexpr std::size_t kPiece = std::size_t{64} * 1024;
  // What goes to the kernel at a time, and how often at once: as fs::Reader and
  // fs::Writer do it usually.
  static constexpr std::size_t kTransfer = std::size_t{256} * 1024;
  static constexpr std::size_t kLargeTransfer = std::size_t{1} << 20;
  static constexpr std::size_t kDepth = 4;

  const char* path;
  std::uint64_t bytes;
  bool direct;
  bool allocated;
};

// copy FROM TO
struct CopyPlan {
  CopyPlan(int argc, char** argv) : CopyPlan(Arguments(argc, argv, 2)) {}
  explicit CopyPlan(const Arguments& a) : from(a.Text(1)), to(a.Text(2)) {}

  const char* from;
  const char* to;
};

// create FOLDER FILES WRITERS: makes files of 1 KiB, WRITERS at a time.
struct CreatePlan {
  CreatePlan(int argc, char** argv) : CreatePlan(Arguments(argc, argv, 3)) {}
  explicit CreatePlan(const Arguments& a)
      : folder(a.Text(1)), files(a.Number(2)), writers(a.Number(3)) {}

  static constexpr std::size_t kSize = 1024;

  const char* folder;
  std::size_t files;
  std::size_t writers;
};

// walk FOLDER [sizes]: everything below it, with each size or without.
struct WalkPlan {
  WalkPlan(int argc, char** argv) : WalkPlan(Arguments(argc, argv, 1)) {}
  explicit WalkPlan(const Arguments& a)
      : folder(a.Text(1)), sizes(a.Has("sizes")) {}

  const char* folder;
  bool sizes;
};

// sync FILE WRITERS BATCH SECONDS: each of the writers appends a batch of
// records with one write and makes it durable, over and over.
struct SyncPlan {
  SyncPlan(int argc, char** argv) : SyncPlan(Arguments(argc, argv, 4)) {}
  explicit SyncPlan(const Arguments& a)
      : path(a.Text(1)),
        writers(a.Number(2)),
        batch(a.Number(3)),
        seconds(a.Seconds(4)) {}

  static constexpr std::size_t kRecord = 256;
  std::size_t size() const { return batch * kRecord; }

  const char* path;
  std::size_t writers;
  std::size_t batch;
  double seconds;
};

}  // namespace eddy::bench

#endif  // EDDY_BENCH_FILES_PLANS_H_
