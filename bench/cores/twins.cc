// Calls and values between two pinned threads, written by hand in the style of
// C: the least that a runtime can need for it.

#include <latch>
#include <memory>
#include <thread>

#include "bench/cores/calls.h"
#include "bench/cores/twin_end.h"

namespace eddy::bench {
namespace {

constexpr std::uint64_t kQuit = ~std::uint64_t{0};

struct Counts {
  std::uint64_t system_calls = 0;
  std::uint64_t wake_ups = 0;

  template <class End>
  void Add(const End& end) {
    system_calls += end.system_calls();
    wake_ups += end.wake_ups();
  }
};

// Runs client(own end, other end) and server(own end) on two cores; each makes
// an end by `make` before either runs. Returns what both counted.
template <class Make, class Client, class Server>
Counts OnTwoCores(const Cores& cores, Make make, Client client, Server server) {
  std::latch made(2);
  std::latch ended(2);
  decltype(make()) ends[2];
  const auto run = [&](int cpu, int which, auto& body) {
    return std::thread([&, cpu, which] {
      PinThisThread(cpu);
      ends[which] = make();
      made.arrive_and_wait();
      ends[which]->set_peer(*ends[1 - which]);
      body(*ends[which]);
      // A late wake-up still finds the other one's ring.
      ended.arrive_and_wait();
    });
  };
  std::thread a = run(cores.client, 0, client);
  std::thread b = run(cores.server, 1, server);
  a.join();
  b.join();
  Counts counts;
  for (const auto& end : ends) counts.Add(*end);
  return counts;
}

// --- Calls, over a queue in each direction -----------------------------------

CallOutcome CallByQueues(Waking waking, const Window& window,
                         std::size_t in_flight) {
  // One more, for the end.
  Spsc there(in_flight + 1);
  Spsc back(in_flight + 1);
  Course course(window);
  const auto client = [&](TwinEnd& end) {
    std::uint64_t came = in_flight;
    while (true) {
      for (; came != 0; --came) there.Write(came);
      there.Publish();
      end.Wake();
      end.Wait([&] { return !back.empty(); });
      for (; !back.empty(); ++came) back.Read();
      back.Free();
      if (!course.Count(came)) break;
    }
    there.Write(kQuit);
    there.Publish();
    end.Wake();
    end.Wait([] { return true; });  // which submits
  };
  const auto server = [&](TwinEnd& end) {
    while (true) {
      end.Wait([&] { return !there.empty(); });
      while (!there.empty()) {
        const std::uint64_t value = there.Read();
        if (value == kQuit) return;
        back.Write(value + 1);
      }
      there.Free();
      back.Publish();
      end.Wake();
    }
  };
  const Counts counts = OnTwoCores(
      window.cores, [&] { return std::make_unique<TwinEnd>(waking); }, client,
      server);
  return course.Outcome(counts.system_calls, counts.wake_ups);
}

// --- Calls that are MSG_RING messages themselves -----------------------------

class MessageEnd {
 public:
  explicit MessageEnd(bool spins)
      : spins_(spins), ring_(spins ? kSpinFlags : TwinRing::kReactorFlags) {}

  void set_peer(MessageEnd& peer) { peer_ = &peer; }

  void Send(std::uint64_t value) {
    io_uring_sqe* sqe = ring_.Sqe();
    io_uring_prep_msg_ring(sqe, peer_->ring_.get()->ring_fd, 0, value, 0);
    sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
  }
  // Submits what was sent, waits, and gives each message to handle(value),
  // which says whether to go on.
  template <class Handle>
  bool Turn(Handle handle) {
    if (!spins_ || io_uring_sq_ready(ring_.get()) != 0) {
      ++system_calls_;
      io_uring_submit_and_wait(ring_.get(), spins_ ? 0 : 1);
    }
    bool goes_on = true;
    unsigned head;
    unsigned seen = 0;
    io_uring_cqe* cqe;
    do {
      io_uring_for_each_cqe(ring_.get(), head, cqe) {
        ++seen;
        if (cqe->res < 0) TwinRing::Check(cqe->res, "IORING_OP_MSG_RING");
        goes_on = handle(cqe->user_data) && goes_on;
      }
      if (seen == 0) Pause();
    } while (spins_ && seen == 0);
    io_uring_cq_advance(ring_.get(), seen);
    wake_ups_ += spins_ || seen == 0 ? 0 : 1;
    return goes_on;
  }
  void Submit() {
    ++system_calls_;
    io_uring_submit(ring_.get());
  }

  std::uint64_t system_calls() const { return system_calls_; }
  std::uint64_t wake_ups() const { return wake_ups_; }

 private:
  // Into such a ring others post by themselves: its owner need not enter the
  // kernel to see it.
  static constexpr unsigned kSpinFlags =
      IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_SUBMIT_ALL;

  const bool spins_;
  TwinRing ring_;
  MessageEnd* peer_ = nullptr;
  std::uint64_t system_calls_ = 0;
  std::uint64_t wake_ups_ = 0;
};

CallOutcome CallByMessages(bool spins, const Window& window,
                           std::size_t in_flight) {
  Course course(window);
  const auto client = [&](MessageEnd& end) {
    std::uint64_t came = in_flight;
    while (true) {
      for (; came != 0; --came) end.Send(came);
      end.Turn([&](std::uint64_t) {
        ++came;
        return true;
      });
      if (!course.Count(came)) break;
    }
    end.Send(kQuit);
    end.Submit();
  };
  const auto server = [&](MessageEnd& end) {
    const auto answer = [&](std::uint64_t value) {
      if (value == kQuit) return false;
      end.Send(value + 1);
      return true;
    };
    while (end.Turn(answer)) {
    }
  };
  const Counts counts = OnTwoCores(
      window.cores, [&] { return std::make_unique<MessageEnd>(spins); }, client,
      server);
  return course.Outcome(counts.system_calls, counts.wake_ups);
}

// --- Values in one direction -------------------------------------------------

CallOutcome SendByQueue(Waking waking, const Window& window,
                        std::size_t capacity) {
  Spsc queue(capacity);
  Course course(window);
  const auto sender = [&](TwinEnd& end) {
    bool over = false;
    while (!over) {
      end.Wait([&] { return !queue.full(); });
      std::uint64_t sent = 0;
      for (; !queue.full(); ++sent) queue.Write(sent);
      queue.Publish();
      end.Wake();
      over = !course.Count(sent);
    }
    end.Wait([&] { return !queue.full(); });
    queue.Write(kQuit);
    queue.Publish();
    end.Wake();
    end.Wait([] { return true; });  // which submits
  };
  const auto receiver = [&](TwinEnd& end) {
    while (true) {
      end.Wait([&] { return !queue.empty(); });
      while (!queue.empty()) {
        if (queue.Read() == kQuit) return;
      }
      queue.Free();
      end.Wake();
    }
  };
  const Counts counts = OnTwoCores(
      window.cores, [&] { return std::make_unique<TwinEnd>(waking); }, sender,
      receiver);
  return course.Outcome(counts.system_calls, counts.wake_ups);
}

CallSubject ByQueues(const char* name, Waking waking) {
  return {name, [waking](const Window& window, std::size_t in_flight) {
            return CallByQueues(waking, window, in_flight);
          }};
}
CallSubject ByMessages(const char* name, bool spins) {
  return {name, [spins](const Window& window, std::size_t in_flight) {
            return CallByMessages(spins, window, in_flight);
          }};
}

}  // namespace

std::vector<CallSubject> SleepingTwins() {
  return {ByQueues("msg-ring", Waking::kMsgRing),
          ByQueues("msg-ring-now", Waking::kMsgRingNow),
          ByQueues("eventfd", Waking::kEventfd),
          ByMessages("msg-ring-data", false)};
}

std::vector<CallSubject> SpinningTwins() {
  return {ByQueues("atomic", Waking::kSpin), ByMessages("msg-ring-data", true)};
}

std::vector<CallSubject> ChannelTwins(bool spins) {
  const Waking waking = spins ? Waking::kSpin : Waking::kEventfd;
  return {{spins ? "atomic" : "eventfd",
           [waking](const Window& window, std::size_t capacity) {
             return SendByQueue(waking, window, capacity);
           }}};
}

}  // namespace eddy::bench
