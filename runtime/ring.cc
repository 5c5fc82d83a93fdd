#include <eddy/runtime/ring.h>

#include <eddy/runtime/misuse.h>

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <thread>

namespace eddy {
namespace {

constexpr unsigned kRequiredFeatures =
    IORING_FEAT_SINGLE_MMAP | IORING_FEAT_NODROP | IORING_FEAT_SUBMIT_STABLE |
    IORING_FEAT_EXT_ARG;

// What to ask for, best first; the next is tried where the kernel knows a flag
// not.
constexpr unsigned kFlagSets[] = {
    IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER |
        IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG |
        IORING_SETUP_NO_SQARRAY,
    IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER |
        IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
    IORING_SETUP_SUBMIT_ALL | IORING_SETUP_COOP_TASKRUN |
        IORING_SETUP_TASKRUN_FLAG,
    IORING_SETUP_SUBMIT_ALL,
    0,
};

int ReadSysctlDisabled() {
  int value = 0;
  if (std::FILE* file =
          std::fopen("/proc/sys/kernel/io_uring_disabled", "re")) {
    if (std::fscanf(file, "%d", &value) != 1) value = 0;
    std::fclose(file);
  }
  return value;
}

Error SetupError(int error) {
  switch (error) {
    case EPERM:
    case EACCES:
      return ReadSysctlDisabled() != 0 ? kUringDisabledBySysctl
                                       : kUringForbidden;
    case ENOSYS: {
      // The sysctl file is there exactly if the kernel has io_uring (since
      // Linux 6.6), so a filter answers in the kernel's place.
      const bool present =
          access("/proc/sys/kernel/io_uring_disabled", F_OK) == 0;
      return present ? kUringForbidden : kKernelTooOld;
    }
    case ENOMEM:
      return kUringMemoryLimit;
    default:
      return Error::FromErrno(error);
  }
}

int Register(int fd, unsigned opcode, void* argument, unsigned count) {
  return static_cast<int>(
      syscall(__NR_io_uring_register, fd, opcode, argument, count));
}

// io_uring_setup(2), which waits a little for memory: that of a ring just
// closed comes back late, so a quick restart would fail at the limit.
int Setup(unsigned entries, io_uring_params& params) {
  constexpr int kTries = 10;
  constexpr auto kPause = std::chrono::milliseconds(10);
  const io_uring_params asked = params;
  for (int tried = 1;; ++tried) {
    params = asked;
    const long fd = syscall(__NR_io_uring_setup, entries, &params);
    if (fd >= 0 || errno != ENOMEM || tried == kTries) {
      return static_cast<int>(fd);
    }
    std::this_thread::sleep_for(kPause);
  }
}

template <class T>
T* At(void* base, unsigned offset) {
  return reinterpret_cast<T*>(static_cast<char*>(base) + offset);
}

}  // namespace

Result<std::unique_ptr<Ring>> Ring::Create(const RingOptions& options) {
  std::unique_ptr<Ring> ring(new Ring);
  if (Result<void> opened = ring->Open(options); !opened) {
    return Unexpected(opened.error());
  }
  return ring;
}

Result<void> Ring::Open(const RingOptions& options) {
  if (options.entries == 0 || options.entries > kMostEntries) {
    return Unexpected(std::errc::invalid_argument);
  }
  io_uring_params params;
  for (const unsigned flags : kFlagSets) {
    if ((flags & options.without_flags) != 0) continue;
    std::memset(&params, 0, sizeof params);
    params.flags = flags | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP;
    params.cq_entries = options.completion_entries != 0
                            ? options.completion_entries
                            : std::max(4 * options.entries, 64U);
    const int fd = Setup(options.entries, params);
    if (fd >= 0) {
      ring_fd_ = fd;
      break;
    }
    if (errno != EINVAL) return Unexpected(SetupError(errno));
  }
  if (ring_fd_ < 0) return Unexpected(kKernelTooOld);
  if ((params.features & kRequiredFeatures) != kRequiredFeatures) {
    return Unexpected(kKernelTooOld);
  }
  if (Result<void> mapped = Map(params); !mapped) return mapped;
  RegisterAll(options);
  return {};
}

Result<void> Ring::Map(const io_uring_params& params) {
  setup_flags_ = params.flags;
  features_ = params.features;
  const bool has_array = (params.flags & IORING_SETUP_NO_SQARRAY) == 0;
  std::size_t sq_size = 0;
  if (has_array) {
    sq_size = params.sq_off.array + params.sq_entries * sizeof(unsigned);
  }
  const std::size_t cq_size =
      params.cq_off.cqes + params.cq_entries * sizeof(io_uring_cqe);
  rings_size_ = std::max(sq_size, cq_size);
  sqes_size_ = params.sq_entries * sizeof(io_uring_sqe);

  const auto map = [this](std::size_t size, off_t offset) {
    void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_POPULATE, ring_fd_, offset);
    return memory == MAP_FAILED ? nullptr : memory;
  };
  rings_memory_ = map(rings_size_, IORING_OFF_SQ_RING);
  if (rings_memory_ == nullptr) return Unexpected(SetupError(errno));
  sqes_memory_ = map(sqes_size_, IORING_OFF_SQES);
  if (sqes_memory_ == nullptr) return Unexpected(SetupError(errno));

  using Shared = std::atomic<unsigned>;
  static_assert(sizeof(Shared) == sizeof(unsigned) &&
                Shared::is_always_lock_free);
  queues_.sqes = static_cast<io_uring_sqe*>(sqes_memory_);
  queues_.sq_khead = At<Shared>(rings_memory_, params.sq_off.head);
  queues_.sq_ktail = At<Shared>(rings_memory_, params.sq_off.tail);
  queues_.sq_kflags = At<Shared>(rings_memory_, params.sq_off.flags);
  queues_.sq_entries = params.sq_entries;
  queues_.sq_mask = params.sq_entries - 1;
  queues_.cq_khead = At<Shared>(rings_memory_, params.cq_off.head);
  queues_.cq_ktail = At<Shared>(rings_memory_, params.cq_off.tail);
  queues_.cqes = At<io_uring_cqe>(rings_memory_, params.cq_off.cqes);
  queues_.cq_mask = params.cq_entries - 1;
  if (has_array) {
    // Entries are submitted in the order they are taken: the array that maps
    // positions to entries never changes.
    unsigned* array = At<unsigned>(rings_memory_, params.sq_off.array);
    for (unsigned i = 0; i < params.sq_entries; ++i) array[i] = i;
  }
  return {};
}

// Each of these makes the ring better and none is needed: a kernel without it
// is used as it is.
int Ring::Register(unsigned opcode, void* argument, unsigned count) noexcept {
  const int result = eddy::Register(ring_fd_, opcode, argument, count);
  return result < 0 ? -errno : result;
}

void Ring::RegisterAll(const RingOptions& options) noexcept {
  enter_fd_ = ring_fd_;
  enter_flags_ = IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG;
  io_uring_rsrc_update update{};
  update.offset = ~0U;
  update.data = static_cast<std::uint64_t>(ring_fd_);
  if (eddy::Register(ring_fd_, IORING_REGISTER_RING_FDS, &update, 1) == 1) {
    enter_fd_ = static_cast<int>(update.offset);
    enter_flags_ |= IORING_ENTER_REGISTERED_RING;
  }

  unsigned workers[2] = {options.file_workers, options.unbounded_workers};
  eddy::Register(ring_fd_, IORING_REGISTER_IOWQ_MAX_WORKERS, workers, 2);

  constexpr unsigned kOps = 256;
  const auto probe_memory = std::make_unique<std::byte[]>(
      sizeof(io_uring_probe) + kOps * sizeof(io_uring_probe_op));
  auto* probe = reinterpret_cast<io_uring_probe*>(probe_memory.get());
  if (Register(IORING_REGISTER_PROBE, probe, kOps) == 0) {
    for (unsigned i = 0; i < probe->ops_len; ++i) {
      opcodes_[i] = (probe->ops[i].flags & IO_URING_OP_SUPPORTED) != 0;
    }
  }
}

Ring::~Ring() {
  if ((enter_flags_ & IORING_ENTER_REGISTERED_RING) != 0) {
    io_uring_rsrc_update update{};
    update.offset = static_cast<unsigned>(enter_fd_);
    eddy::Register(ring_fd_, IORING_UNREGISTER_RING_FDS, &update, 1);
  }
  if (sqes_memory_ != nullptr) munmap(sqes_memory_, sqes_size_);
  if (rings_memory_ != nullptr) munmap(rings_memory_, rings_size_);
  if (ring_fd_ >= 0) close(ring_fd_);
}

int Ring::EnterKernel(unsigned submit, unsigned min_complete, unsigned flags,
                      io_uring_getevents_arg& arg) noexcept {
  // A wait without an end needs no argument, which the kernel would copy.
  const bool bare = arg.ts == 0;
  const long result =
      syscall(__NR_io_uring_enter, enter_fd_, submit, min_complete,
              bare ? flags & ~IORING_ENTER_EXT_ARG : flags,
              bare ? nullptr : &arg, bare ? std::size_t{0} : sizeof arg);
  return result < 0 ? -errno : static_cast<int>(result);
}

void Ring::Enter(const TimePoint* wait_until) noexcept {
  queues_.Publish();
  if ((queues_.flags() & IORING_SQ_CQ_OVERFLOW) != 0) ++overflows_;

  io_uring_getevents_arg arg{};
  __kernel_timespec timeout{};
  unsigned min_complete = 0;
  if (wait_until != nullptr && !HasCompletions()) {
    min_complete = 1;
    if (*wait_until != kNoDeadline) {
      const auto wait = std::max(*wait_until - Clock::now(), Duration::zero());
      timeout.tv_sec = wait / std::chrono::seconds(1);
      timeout.tv_nsec = (wait % std::chrono::seconds(1)).count();
      arg.ts = reinterpret_cast<std::uint64_t>(&timeout);
    }
  }
  const int result = EnterKernel(pending(), min_complete, enter_flags_, arg);
  if (result >= 0) return;
  switch (-result) {
    case EINTR:
    case ETIME:
    case EAGAIN:
    case EBUSY:
      return;
    case EBADR:
      internal::Misuse(
          "the kernel had no memory for a completion and dropped it (EBADR); "
          "an operation would wait for ever");
    case EEXIST:
      internal::Misuse(
          "a reactor was entered from another thread or after fork(); a "
          "reactor belongs to the thread that made it");
    default:
      internal::Misuse("io_uring_enter failed: %s", std::strerror(-result));
  }
}

}  // namespace eddy
