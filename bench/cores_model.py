#!/usr/bin/env python3
"""A model of a runtime with many cores: what messages between them cost when
there are more cores than the machine at hand has.

  bench/cores_model.py              the tables of docs/cores.md
  bench/cores_model.py --wake 5000  with another number

Each core serves requests of its own, which come at random; a request belongs to
a key, and the key to a core. That of another core is a call: a message there
and one back (SubmitTo). As in core_port.h and inbox.h: a core takes all
messages that have come once a turn; a sender pushes with a compare-and-swap on
a line of the receiver, and where that sleeps, the first one pays for a system
call, and the receiver for its wake-up. The numbers below are times of one CPU,
in nanoseconds, such as `bench/run cores` measures on two cores; what is modelled
is how they add up.
"""

import argparse
import heapq
import random

PARAMETERS = {
    "request": (5000, "a request's own work, its share of system calls included"),
    "local": (60, "a key's work on its core"),
    "send": (60, "to make a message and push it"),
    "line": (80, "until a line that another core has written is here"),
    "deliver": (60, "to take a message and let its task go on"),
    "turn": (600, "a turn's system call"),
    "wake_call": (700, "the sender's system call to wake a core"),
    "wake": (20000, "until a core that slept is running"),
}
# Of a core to each other one: see CorePort::Way; and an inbox for each.
BYTES_OF_A_PAIR = 136
BYTES_OF_A_CORE = 128


class Core:
    def __init__(self):
        self.inbox = []  # (time, kind, core, since), in the order of pushing
        self.requests = []  # arrival times, the next one last
        self.asleep = False
        self.line_busy = 0.0


class Model:
    def __init__(self, args, cores, load, hot=0.0, polls=False):
        self.args = args
        self.hot = hot
        self.polls = polls
        self.random = random.Random(cores * 1000 + int(load * 100))
        self.end = args.milliseconds * 1e6
        self.cores = [Core() for _ in range(cores)]
        self.events = []  # (time, number, what, core)
        self.number = 0
        self.busy = 0.0
        self.done = 0
        self.messages = 0
        self.batches = 0
        self.wakes = 0
        self.latencies = []
        mean = args.request / load
        for core in self.cores:
            time = self.random.expovariate(1 / mean)
            times = []
            while time < self.end:
                times.append(time)
                time += self.random.expovariate(1 / mean)
            core.requests = times[::-1]

    def at(self, time, what, core):
        self.number += 1
        heapq.heappush(self.events, (time, self.number, what, core))

    def core_of_key(self):
        if self.hot and self.random.random() < self.hot:
            return 0
        return self.random.randrange(len(self.cores))

    def push(self, now, to, message):
        """Returns when the sender goes on."""
        core = self.cores[to]
        # (Senders do not wait for each other in here: how busy a line is tells
        # whether they would.)
        core.line_busy += self.args.line
        now += self.args.line + self.args.send
        core.inbox.append((now, *message))
        self.messages += 1
        if core.asleep:
            core.asleep = False
            self.wakes += 1
            now += self.args.wake_call
            self.at(now + self.args.wake, "turn", to)
        return now

    def turn(self, now, index):
        core = self.cores[index]
        begin = now
        core.asleep = False
        taken = [m for m in core.inbox if m[0] <= now]
        core.inbox = core.inbox[len(taken):]
        self.batches += bool(taken)
        while core.requests and core.requests[-1] <= begin:
            core.requests.pop()
            now += self.args.request
            to = self.core_of_key()
            if to == index:
                now += self.args.local
                self.done += 1
            else:
                now = self.push(now, to, ("call", index, now))
        for _, kind, origin, since in taken:
            now += self.args.deliver
            if kind == "call":
                now += self.args.local
                now = self.push(now, origin, ("reply", index, since))
            else:
                self.done += 1
                self.latencies.append(now - since)
        now += self.args.turn
        self.busy += now - begin
        self.at(now, "rest", index)

    def rest(self, now, index):
        """After a turn: the next one, or sleep until something comes."""
        core = self.cores[index]
        if core.inbox or (core.requests and core.requests[-1] <= now):
            self.at(max(now, core.inbox[0][0] if core.inbox else now), "turn", index)
        elif self.polls:
            self.at(now + 100, "rest", index)
        else:
            core.asleep = True
            if core.requests:
                self.at(core.requests[-1], "packet", index)

    def packet(self, now, index):
        core = self.cores[index]
        if core.asleep:
            core.asleep = False
            self.at(now + self.args.wake, "turn", index)

    def run(self):
        for index in range(len(self.cores)):
            self.at(0.0, "turn", index)
        while self.events:
            time, _, what, index = heapq.heappop(self.events)
            if time > self.end:
                break
            getattr(self, what)(time, index)
        self.latencies.sort()
        return self

    def quantile(self, q):
        if not self.latencies:
            return "-"
        return f"{self.latencies[int(q * (len(self.latencies) - 1))] / 1000:.1f}"

    def row(self):
        count = len(self.cores)
        line = max(core.line_busy for core in self.cores) / self.end
        return [
            str(count),
            f"{self.busy / max(self.done, 1) / 1000:.2f}",
            f"{self.messages / max(self.batches, 1):.1f}" if self.messages else "-",
            f"{self.wakes / self.messages:.2f}" if self.messages else "-",
            self.quantile(0.5),
            self.quantile(0.99),
            f"{100 * line:.1f}",
        ]


def kib(size):
    return f"{size / 1024:.1f}"


def table(title, models):
    print(f"{title}\n")
    print(
        "| Cores | CPU us/request | messages/batch | wake-ups/message "
        "| call p50 us | p99 us | busiest line, % |"
    )
    print("|---|---|---|---|---|---|---|")
    for model in models:
        print("| " + " | ".join(model.run().row()) + " |")
    print()


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name, (value, meaning) in PARAMETERS.items():
        parser.add_argument(
            "--" + name.replace("_", "-"), type=float, default=value, help=meaning
        )
    parser.add_argument("--milliseconds", type=float, default=20)
    args = parser.parse_args()
    counts = [1, 2, 4, 8, 16, 32, 64]
    table(
        "Keys on all cores alike, each core 60 % busy with its requests:",
        [Model(args, n, 0.6) for n in counts],
    )
    table(
        "The same, 5 % busy: cores sleep most of the time:",
        [Model(args, n, 0.05) for n in counts],
    )
    table(
        "The same, 5 % busy, with busy polling:",
        [Model(args, n, 0.05, polls=True) for n in counts],
    )
    table(
        "A fifth of all requests for keys of one core, each core 60 % busy:",
        [Model(args, n, 0.6, hot=0.2) for n in counts],
    )
    print("Memory, KiB: what cores keep for each other; with a ring of 128 "
          "pointers each way instead:\n")
    print("| Cores | here | with rings |")
    print("|---|---|---|")
    for n in counts:
        pairs = n * (n - 1)
        here = pairs * BYTES_OF_A_PAIR + n * BYTES_OF_A_CORE
        print(f"| {n} | {kib(here)} | {kib(pairs * 2 * 128 * 8)} |")


if __name__ == "__main__":
    main()
