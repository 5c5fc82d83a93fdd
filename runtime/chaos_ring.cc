#include <eddy/runtime/chaos_ring.h>

#include <eddy/runtime/misuse.h>

#include <fcntl.h>
#include <limits.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>

namespace eddy {
namespace {

// How often, as one in so many.
constexpr std::uint64_t kSmallQueues = 2;
constexpr std::uint64_t kOlderKernel = 4;
constexpr std::uint64_t kEnterFails = 8;
constexpr std::uint64_t kTakenInPart = 4;
constexpr std::uint64_t kShort = 3;
constexpr std::uint64_t kNoBuffers = 8;
constexpr std::uint64_t kMultishotEnds = 6;
constexpr std::uint64_t kLate = 2;
// For how many turns a completion is late.
constexpr std::uint64_t kLatest = 4;

// user_data up to here is no operation of the program's (see Reactor).
constexpr std::uint64_t kNoOperation = 1;
// user_data of what this ring submits itself; no address either.
constexpr std::uint64_t kOwn = 2;

// What makes the numbers of a seed's rings, turns and completions differ from
// those of its operations.
constexpr std::uint64_t kOfTheRing = 0x52494e47;
constexpr std::uint64_t kOfTurns = 0x5455524e;
constexpr std::uint64_t kOfTheRest = 0x52455354;

bool BeginsChain(const io_uring_sqe& sqe) {
  return (sqe.flags & (IOSQE_IO_LINK | IOSQE_IO_HARDLINK)) != 0;
}

// Whether it is a multishot receive that ends after a number of bytes.
bool LimitsReceive(const io_uring_sqe& sqe) {
  return sqe.opcode == IORING_OP_RECV &&
         (sqe.ioprio & IORING_RECV_MULTISHOT) != 0 && sqe.file_index != 0;
}

bool IsMultishot(std::uint8_t opcode) {
  switch (opcode) {
    case IORING_OP_ACCEPT:
    case IORING_OP_RECV:
    case IORING_OP_RECVMSG:
    case IORING_OP_POLL_ADD:
    case internal::kOpReadMultishot:
      return true;
    default:
      return false;
  }
}

bool IsEventFd(int fd) {
  char path[64];
  char target[64];
  std::snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  const ssize_t n = readlink(path, target, sizeof target);
  return n > 0 && std::string_view(target, static_cast<std::size_t>(n)) ==
                      "anon_inode:[eventfd]";
}

int LikelyError(std::uint8_t opcode) {
  switch (opcode) {
    case IORING_OP_ACCEPT:
    case IORING_OP_OPENAT:
    case IORING_OP_OPENAT2:
    case IORING_OP_SOCKET:
      return EMFILE;
    case IORING_OP_CONNECT:
      return ECONNREFUSED;
    case IORING_OP_RECV:
    case IORING_OP_RECVMSG:
    case IORING_OP_SEND:
    case IORING_OP_SENDMSG:
    case IORING_OP_SEND_ZC:
    case IORING_OP_SENDMSG_ZC:
      return ECONNRESET;
    case IORING_OP_WRITE:
    case IORING_OP_WRITEV:
    case IORING_OP_WRITE_FIXED:
    case IORING_OP_FALLOCATE:
      return ENOSPC;
    default:
      return EIO;
  }
}

// In what steps a transfer on the descriptor may be cut short; 0 where it may
// not: a message is taken whole, an eventfd's counter too.
unsigned ShortTransferUnit(const io_uring_sqe& sqe, bool writes) {
  constexpr unsigned kDirectUnit = 4096;
  if ((sqe.flags & IOSQE_FIXED_FILE) != 0) return 0;
  struct stat status;
  if (fstat(sqe.fd, &status) != 0) return 0;
  if (S_ISREG(status.st_mode)) {
    const int flags = fcntl(sqe.fd, F_GETFL);
    return (flags & O_DIRECT) != 0 ? kDirectUnit : 1;
  }
  if (S_ISFIFO(status.st_mode)) {
    // pipe(7): a write of up to PIPE_BUF bytes is atomic.
    const int flags = fcntl(sqe.fd, F_GETFL);
    const bool whole =
        (flags & O_DIRECT) != 0 || (writes && sqe.len <= PIPE_BUF);
    return whole ? 0 : 1;
  }
  if (S_ISSOCK(status.st_mode)) {
    int type = 0;
    socklen_t size = sizeof type;
    getsockopt(sqe.fd, SOL_SOCKET, SO_TYPE, &type, &size);
    return type == SOCK_STREAM ? 1 : 0;
  }
  return 0;
}

}  // namespace

Result<std::unique_ptr<ChaosRing>> ChaosRing::Create(
    const RingOptions& ring_options, const ChaosOptions& options) {
  internal::Random random = internal::Random::For(options.seed ^ kOfTheRing, 0);
  RingOptions used = ring_options;
  bool older_kernel = false;
  if (options.seed != 0) {
    constexpr unsigned kFew = 4;
    if (used.entries > kFew && random.OneIn(kSmallQueues)) {
      // (What is out of range is for Open to refuse.)
      if (used.entries <= kMostEntries) used.entries = kFew;
      used.completion_entries = 2 * used.entries;
    }
    older_kernel = random.OneIn(kOlderKernel);
    if (older_kernel) {
      used.without_flags |= IORING_SETUP_DEFER_TASKRUN;
      if (random.OneIn(2)) used.without_flags |= IORING_SETUP_SUBMIT_ALL;
    }
  }
  std::unique_ptr<ChaosRing> ring(new ChaosRing(options));
  ring->older_kernel_ = older_kernel;
  if (Result<void> opened = ring->Open(used); !opened) {
    return Unexpected(opened.error());
  }
  ring->UseOwnQueues(ring->entries());
  return ring;
}

void ChaosRing::UseOwnQueues(unsigned entries) {
  kernel_ = queues_;
  const unsigned completions = std::max(4 * entries, 8U);
  sqes_.resize(entries);
  cqes_.resize(completions);
  queues_ = internal::RingQueues();
  queues_.sqes = sqes_.data();
  queues_.sq_mask = entries - 1;
  queues_.sq_entries = entries;
  queues_.cqes = cqes_.data();
  queues_.cq_mask = completions - 1;
  queues_.sq_khead = &sq_head_;
  queues_.sq_ktail = &sq_tail_;
  queues_.sq_kflags = &sq_flags_;
  queues_.cq_khead = &cq_head_;
  queues_.cq_ktail = &cq_tail_;
  // There may always be something that only entering brings.
  sq_flags_ = IORING_SQ_TASKRUN;
}

int ChaosRing::Register(unsigned opcode, void* argument,
                        unsigned count) noexcept {
  if (older_kernel_ && opcode == IORING_REGISTER_PBUF_RING) {
    // Half of the older kernels have such rings, without what came later.
    const auto& ring = *static_cast<const io_uring_buf_reg*>(argument);
    internal::Random random =
        internal::Random::For(options_.seed ^ kOfTheRing, 1);
    if (random.OneIn(2) || ring.pad != 0) return -EINVAL;
  }
  return Ring::Register(opcode, argument, count);
}

int ChaosRing::EnterKernel(unsigned submit, unsigned min_complete,
                           unsigned flags,
                           io_uring_getevents_arg& arg) noexcept {
  ++turn_;
  internal::Random random =
      internal::Random::For(options_.seed ^ kOfTurns, turn_);
  if (disturbs() && random.OneIn(kEnterFails)) {
    constexpr int kErrors[] = {EINTR, EAGAIN, EBUSY};
    return -kErrors[random.Below(std::size(kErrors))];
  }
  unsigned most = submit;
  if (disturbs() && submit > 0 && random.OneIn(kTakenInPart)) {
    most = static_cast<unsigned>(random.Below(submit));
  }
  // First: later entries may be about another operation at that address.
  EndMultishots();
  const unsigned taken = Take(most, submit);

  // The kernel does not wait where it has not taken all; and what is held back
  // here need not be waited for.
  const bool waits =
      min_complete != 0 && taken == submit && held_.empty() && to_end_.empty();
  io_uring_getevents_arg own = arg;
  __kernel_timespec longest{};
  if (waits && options_.longest_wait) {
    using std::chrono::nanoseconds;
    using std::chrono::seconds;
    const auto* asked = reinterpret_cast<const __kernel_timespec*>(arg.ts);
    const Duration wait = *options_.longest_wait;
    if (asked == nullptr ||
        seconds(asked->tv_sec) + nanoseconds(asked->tv_nsec) > wait) {
      longest.tv_sec = wait / seconds(1);
      longest.tv_nsec = nanoseconds(wait % seconds(1)).count();
      own.ts = reinterpret_cast<std::uint64_t>(&longest);
    }
  }
  kernel_.Publish();
  const int result =
      Ring::EnterKernel(kernel_.pending(), waits ? 1 : 0, flags, own);
  Collect();
  Release(min_complete != 0);
  const bool try_again = result == -EINTR || result == -ETIME ||
                         result == -EAGAIN || result == -EBUSY;
  if (result < 0 && (taken == 0 || !try_again)) return result;
  return static_cast<int>(taken);
}

// Moves entries to the kernel's queue, in their order and chains as a whole, of
// those that are `published`. Returns how many.
unsigned ChaosRing::Take(unsigned most, unsigned published) {
  const unsigned head = queues_.SqHead();
  const auto at = [&](unsigned i) -> const io_uring_sqe& {
    return sqes_[(head + i) & queues_.sq_mask];
  };
  unsigned taken = 0;
  while (taken < most) {
    unsigned length = 1;
    while (BeginsChain(at(taken + length - 1)) && taken + length < published) {
      ++length;
    }
    if (length > kernel_.sq_entries - kernel_.pending()) break;
    for (unsigned i = 0; i < length; ++i) TakeOne(at(taken + i), length > 1);
    taken += length;
  }
  sq_head_.store(head + taken, std::memory_order_release);
  return taken;
}

void ChaosRing::TakeOne(const io_uring_sqe& sqe, bool in_chain) {
  internal::Random random = internal::Random::For(options_.seed, ++submitted_);
  InFlight operation;
  operation.number = submitted_;
  operation.opcode = sqe.opcode;
  // What is answered here; 0: the kernel does it.
  int error = 0;
  if (options_.fail_operation != 0 && !in_chain && IsOperation(sqe) &&
      ++operations_ == options_.fail_operation) {
    error = options_.fail_with ? options_.fail_with->code()
                               : LikelyError(sqe.opcode);
    if (sqe.opcode == IORING_OP_CLOSE) {
      // close(2): the descriptor is released even then.
      operation.fails_with = -std::exchange(error, 0);
    }
  }
  io_uring_sqe changed = sqe;
  if (disturbs() && !in_chain && error == 0) {
    if ((sqe.flags & IOSQE_BUFFER_SELECT) != 0 && random.OneIn(kNoBuffers)) {
      error = ENOBUFS;
    }
    if (older_kernel_ && LimitsReceive(sqe)) error = EINVAL;
    if (random.OneIn(kShort)) Shorten(changed, operation, random);
  }
  if (error != 0) {
    Hold({sqe.user_data, -error, 0}, random);
    return;
  }
  if (sqe.user_data > kNoOperation) {
    in_flight_.insert_or_assign(sqe.user_data, std::move(operation));
  }
  *kernel_.TryGetSqe() = changed;
}

bool ChaosRing::IsOperation(const io_uring_sqe& sqe) const {
  if (sqe.user_data <= kNoOperation || sqe.opcode == IORING_OP_ASYNC_CANCEL) {
    return false;
  }
  return sqe.opcode != IORING_OP_READ || !IsEventFd(sqe.fd);
}

void ChaosRing::Shorten(io_uring_sqe& sqe, InFlight& operation,
                        internal::Random& random) const {
  bool writes = false;
  switch (sqe.opcode) {
    case IORING_OP_SENDMSG:
    case IORING_OP_RECVMSG:
      // The buffers of a multishot one are the kernel's choice.
      if ((sqe.flags & IOSQE_BUFFER_SELECT) == 0 &&
          ShortTransferUnit(sqe, sqe.opcode == IORING_OP_SENDMSG) != 0) {
        operation.message = ShortenMessage(sqe, random);
      }
      return;
    case IORING_OP_WRITE:
    case IORING_OP_WRITE_FIXED:
    // (Of several buffers, less of them.)
    case IORING_OP_WRITEV:
    case IORING_OP_SEND:
    case IORING_OP_SEND_ZC:
      writes = true;
      break;
    case IORING_OP_READ:
    case IORING_OP_READV:
    case IORING_OP_READ_FIXED:
    case IORING_OP_RECV:
      break;
    default:
      return;
  }
  const unsigned unit = ShortTransferUnit(sqe, writes);
  if (unit == 0 || sqe.len <= unit) return;
  const unsigned units = (sqe.len - 1) / unit;
  sqe.len = unit * static_cast<unsigned>(1 + random.Below(units));
}

// Lets the entry point to a copy of its msghdr that has fewer bytes; null where
// it has none to spare.
std::unique_ptr<ChaosRing::ShortMessage> ChaosRing::ShortenMessage(
    io_uring_sqe& sqe, internal::Random& random) {
  auto message = std::make_unique<ShortMessage>();
  message->original = reinterpret_cast<msghdr*>(sqe.addr);
  message->header = *message->original;
  const std::span buffers(message->header.msg_iov, message->header.msg_iovlen);
  std::size_t size = 0;
  for (const iovec& buffer : buffers) size += buffer.iov_len;
  if (size <= 1) return nullptr;
  std::size_t left = 1 + random.Below(size - 1);
  message->buffers.assign(buffers.begin(), buffers.end());
  for (iovec& buffer : message->buffers) {
    buffer.iov_len = std::min(buffer.iov_len, left);
    left -= buffer.iov_len;
  }
  message->header.msg_iov = message->buffers.data();
  sqe.addr = reinterpret_cast<std::uint64_t>(&message->header);
  return message;
}

void ChaosRing::EndMultishots() {
  while (!to_end_.empty()) {
    io_uring_sqe* sqe = kernel_.TryGetSqe();
    if (sqe == nullptr) return;
    io_uring_prep_cancel64(sqe, to_end_.back(), 0);
    sqe->user_data = kOwn;
    to_end_.pop_back();
  }
}

void ChaosRing::Collect() {
  kernel_.ForEachCompletion([this](const io_uring_cqe& cqe) {
    if (cqe.user_data == kOwn) return;
    CollectOne({cqe.user_data, cqe.res, cqe.flags});
  });
}

void ChaosRing::CollectOne(Completion completion) {
  const auto found = in_flight_.find(completion.user_data);
  if (found == in_flight_.end()) {
    internal::Random random =
        internal::Random::For(options_.seed ^ kOfTheRest, ++completed_);
    Hold(completion, random);
    return;
  }
  InFlight& operation = found->second;
  internal::Random random = internal::Random::For(
      options_.seed ^ operation.number, ++operation.completions);
  const bool more = (completion.flags & IORING_CQE_F_MORE) != 0;
  const bool ending = operation.last.has_value();
  if (operation.fails_with != 0) completion.result = operation.fails_with;
  if (operation.message != nullptr && !more) {
    const ShortMessage& message = *operation.message;
    message.original->msg_namelen = message.header.msg_namelen;
    message.original->msg_controllen = message.header.msg_controllen;
    message.original->msg_flags = message.header.msg_flags;
  }
  if (ending) {
    // Its end was asked for. What came before becomes the last one, in the
    // place of the cancel's answer.
    Completion before = *std::exchange(operation.last, {});
    const bool cut_short = !more && completion.result == -ECANCELED;
    if (cut_short) before.flags &= ~static_cast<unsigned>(IORING_CQE_F_MORE);
    Hold(before, random);
    if (cut_short) {
      Forget(completion.user_data);
      return;
    }
  }
  const bool ends_early = !ending && !operation.ends_without_buffers &&
                          disturbs() && IsMultishot(operation.opcode) &&
                          random.OneIn(kMultishotEnds);
  if (more && (ending || ends_early)) {
    if (!ending) to_end_.push_back(completion.user_data);
    if ((completion.flags & IORING_CQE_F_BUFFER) == 0) {
      operation.last = completion;
      return;
    }
    operation.ends_without_buffers = true;
  }
  if (!more && operation.ends_without_buffers &&
      completion.result == -ECANCELED) {
    completion.result = -ENOBUFS;
  }
  if (!more) Forget(completion.user_data);
  Hold(completion, random);
}

// The operation has ended; its address may become another one's.
void ChaosRing::Forget(std::uint64_t user_data) {
  in_flight_.erase(user_data);
  std::erase(to_end_, user_data);
}

void ChaosRing::Hold(const Completion& completion, internal::Random& random) {
  Held held{completion, 0, turn_, ++completed_};
  if (disturbs()) {
    held.rank = random.Next();
    if (random.OneIn(kLate)) held.turn += 1 + random.Below(kLatest);
  }
  // The completions of one operation keep their order, and so do those that
  // name a buffer, which may be parts of one.
  if (completion.user_data > kNoOperation) {
    const auto names_buffer = [](const Completion& c) {
      return (c.flags & IORING_CQE_F_BUFFER) != 0;
    };
    for (const Held& earlier : held_) {
      if (earlier.completion.user_data != completion.user_data &&
          !(names_buffer(completion) && names_buffer(earlier.completion))) {
        continue;
      }
      held.rank = std::max(held.rank, earlier.rank);
      held.turn = std::max(held.turn, earlier.turn);
    }
  }
  held_.push_back(held);
}

// Passes on the completions whose time has come, and one whose time has not
// where the program waits and nothing else is there.
void ChaosRing::Release(bool at_least_one) {
  std::sort(held_.begin(), held_.end(), [](const Held& a, const Held& b) {
    return std::pair(a.rank, a.number) < std::pair(b.rank, b.number);
  });
  unsigned tail = cq_tail_.load(std::memory_order_relaxed);
  const auto room = [&] {
    return cqes_.size() - (tail - cq_head_.load(std::memory_order_acquire));
  };
  bool any = queues_.HasCompletions();
  std::size_t kept = 0;
  for (Held& held : held_) {
    const bool due = held.turn <= turn_ || (at_least_one && !any);
    if (due && room() != 0) {
      io_uring_cqe& cqe = cqes_[tail++ & queues_.cq_mask];
      cqe.user_data = held.completion.user_data;
      cqe.res = held.completion.result;
      cqe.flags = held.completion.flags;
      any = true;
    } else {
      held_[kept++] = held;
    }
  }
  held_.resize(kept);
  cq_tail_.store(tail, std::memory_order_release);
  const bool overflown =
      room() == 0 || (kernel_.flags() & IORING_SQ_CQ_OVERFLOW) != 0;
  sq_flags_ = IORING_SQ_TASKRUN | (overflown ? IORING_SQ_CQ_OVERFLOW : 0U);
}

namespace internal {
namespace {

std::atomic<std::uint64_t> reactors = 0;

std::uint64_t SeedFromEnvironment() {
  const char* text = secure_getenv("EDDY_CHAOS_SEED");
  if (text == nullptr || *text == '\0') return 0;
  std::uint64_t seed = 0;
  const char* end = text + std::strlen(text);
  const auto [parsed, error] = std::from_chars(text, end, seed);
  if (error != std::errc() || parsed != end || seed == 0) {
    Misuse("EDDY_CHAOS_SEED is \"%s\"; it has to be a number from 1 on", text);
  }
  return seed;
}

}  // namespace

std::uint64_t NextChaosSeed() {
  const std::uint64_t seed = SeedFromEnvironment();
  if (seed == 0) return 0;
  return Random::For(seed, reactors++).Next() | 1;
}

void RestartChaosSeeds() { reactors = 0; }

}  // namespace internal
}  // namespace eddy
