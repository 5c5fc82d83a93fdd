"""What eddy aims at, and whether a run has met it.

AIMS is the one place where the aims stand. Each names the rows that it is about
(regular expressions for benchmark, workload, subject, metric) and the bound that
all of them have to keep, as one of

  Ratio(op, bound)            the ratio to the floor of the same run
  Value(op, bound)            the value itself, in the row's unit
  Against(subjects, op, bound)  the value divided by the best of these subjects
                              in the same workload
  Within(bound)               the ratio to the floor of the same run, or its
                              inverse, whichever is larger
  Mean(subject, op, bound)    the geometric mean over the workloads of the value
                              divided by that of this subject

`best` picks, where several subjects fit, the one that does best in a workload:
eddy offers more than one way. `note` is what a reader has to know, such as why
a bound is out of reach. `reason` is why a run may have no row for it; an aim
without one is measured by every run of all benchmarks, a quick one, too.
"""

import dataclasses
import math
import re

from rows import find


@dataclasses.dataclass
class Ratio:
    op: str
    bound: float


@dataclasses.dataclass
class Value:
    op: str
    bound: float


@dataclasses.dataclass
class Against:
    subjects: str
    op: str
    bound: float = 1.0


@dataclasses.dataclass
class Within:
    bound: float
    op: str = "<="


@dataclasses.dataclass
class Mean:
    subject: str
    op: str
    bound: float


@dataclasses.dataclass
class Aim:
    group: str
    text: str
    benchmark: str
    workload: str
    subject: str
    metric: str
    rule: object
    note: str = ""
    best: bool = False
    reason: str = ""


RATES = r"(requests|connections|datagrams|gigabytes|reads|files)_per_second"
ELSEWHERE = (
    "The peer was measured on another machine of this kind; the bound is its "
    "distance to that run's floor."
)

AIMS = [
    # --- Servers -------------------------------------------------------------
    Aim("Servers", "Echo: requests/s at least 0.97 of hand-written liburing",
        "echo", r".*", "eddy", "requests_per_second", Ratio(">=", 0.97)),
    Aim("Servers", "Echo: CPU per request at most 1.03 of hand-written liburing",
        "echo", r".*", "eddy", "server_cpu_per_request", Ratio("<=", 1.03)),
    Aim("Servers", "Echo: CPU per request at most 0.85 of epoll, geometric mean "
        "of the loads that saturate the server",
        "echo", r"(?!.* x 1$).*", "eddy", "server_cpu_per_request",
        Mean("epoll", "<=", 0.85)),
    Aim("Servers", "Echo: CPU per request at most 1.01 of hand-written liburing, "
        "geometric mean of the same loads",
        "echo", r"(?!.* x 1$).*", "eddy", "server_cpu_per_request",
        Mean("liburing", "<=", 1.01),
        note="Where 0.85 of epoll was made the aim, hand-written liburing took "
        "0.84."),
    Aim("Servers", "Echo on 1000 connections: ahead of condy, which has 1.02 of "
        "liburing's requests/s",
        "connections", r"64 B x 1000", "eddy", "requests_per_second",
        Ratio(">=", 1.02), note=ELSEWHERE),
    Aim("Servers", "Echo on 1000 connections: no more CPU per request than "
        "condy, which takes 1.00 of liburing's",
        "connections", r"64 B x 1000", "eddy", "server_cpu_per_request",
        Ratio("<=", 1), note=ELSEWHERE),
    Aim("Servers", "Echo, 16 requests at once: ahead of condy, which has 0.95 of "
        "liburing's requests/s",
        "echo", r".*, pipeline 16", "eddy", "requests_per_second",
        Ratio(">=", 0.95), note=ELSEWHERE),
    Aim("Servers", "Echo, 16 requests at once: no more CPU per request than "
        "condy, which takes 1.03 of liburing's",
        "echo", r".*, pipeline 16", "eddy", "server_cpu_per_request",
        Ratio("<=", 1.03), note=ELSEWHERE),
    Aim("Servers", "Echo on 1000 connections, and of 16 requests at once: ahead "
        "of Asio on io_uring",
        "network", r"echo .*( x 1000|, pipeline 16)", r"eddy.*",
        "requests_per_second", Against("asio-uring", ">="), best=True),
    Aim("Servers", "Echo on one idle connection with busy polling: under 30 us",
        "echo", r"64 B x 1", "eddy-busy-poll", "latency_p50",
        Value("<=", 30),
        note="30 us is what Seastar took, polling, with both sides on cores of "
        "their own."),
    Aim("Servers", "Sockets: throughput at least 0.97 of the liburing program "
        "that does it the same way",
        "network", r".*", r"eddy.*", RATES, Ratio(">=", 0.97)),
    Aim("Servers", "Sockets: ahead of Asio, on epoll and on io_uring, everywhere",
        "network", r".*", r"eddy.*", RATES,
        Against(r"asio-.*", ">="), best=True),
    Aim("Servers", "Sockets: ahead of libuv everywhere",
        "network", r".*", r"eddy.*", RATES,
        Against("libuv", ">="), best=True),
    Aim("Servers", "Sockets: ahead of Go and of a thread for each connection",
        "network", r"echo .*", r"eddy.*", "requests_per_second",
        Against(r"go|threads", ">="), best=True),
    Aim("Servers", "An idle connection takes at most 1 KiB, its task included",
        "network", r"idle x .*", r"eddy.*", "bytes_per_connection",
        Value("<=", 1024), best=True),
    Aim("Servers", "An idle connection takes at most 512 B, its task included",
        "network", r"idle x .*", r"eddy.*", "bytes_per_connection",
        Value("<=", 512), best=True),
    Aim("Servers", "HTTP: file_server serves more requests/s than nginx",
        "http", r"GET .*", "eddy", "requests_per_second",
        Against(r"nginx.*", ">=")),
    Aim("Servers", "HTTP, one answer to every request: CPU per request at most "
        "1.05 of a hand-written liburing program",
        "http", r"GET .*", "eddy-hello", "server_cpu_per_request",
        Ratio("<=", 1.05),
        note="That program looks for the empty line that ends a request; eddy's "
        "parses it with llhttp."),
    Aim("Servers", "kv_server: more requests/s than redis-server, one core each, "
        "without pipelining and with 16",
        "kv", r"(?!.*shared).*", "kv_server", "requests_per_second",
        Against("redis-server", ">=")),
    Aim("Servers", "kv_server: CPU per request at most that of redis-server",
        "kv", r"(?!.*shared).*", "kv_server", "server_cpu_per_request",
        Against("redis-server", "<=")),
    Aim("Servers", "The load generator: wrk's and redis-benchmark's requests/s "
        "are within 20 % of its own on the same server",
        "load", r".*, beside .*", "load", "requests_per_second", Within(1.2),
        note="A tool that asks for less than the server gives shows its own "
        "limit."),
    # --- Files ---------------------------------------------------------------
    Aim("Files", "Random reads: at least 0.97 of hand-written liburing",
        "files", r"(direct|cached), \d+ .*", "eddy", "reads_per_second",
        Against("liburing", ">=", 0.97)),
    Aim("Files", "Random reads: at least 0.97 of fio's IOPS at each depth",
        "files", r"(direct|cached), \d+ .*", r"eddy(-registered)?",
        "reads_per_second", Against(r"fio", ">=", 0.97), best=True),
    Aim("Files", "Cached reads, one at a time: within 0.9 of pread",
        "files", r"cached, one at a time", "eddy", "reads_per_second",
        Against("pread", ">=", 0.9),
        note="A ring takes a system call to submit and wait, and the completion "
        "on top; pread(2) takes the system call alone."),
    Aim("Files", "Direct reads, one at a time: no more CPU per read than condy, "
        "which takes 0.90 of fio's",
        "files", r"direct, 1 under way", "eddy", "cpu_per_read",
        Against("fio", "<=", 0.9), note=ELSEWHERE),
    Aim("Files", "Direct reads, 32 under way: no more CPU per read than condy, "
        "which takes 0.67 of fio's as it is by default",
        "files", r"direct, 32 under way", "eddy", "cpu_per_read",
        Against("fio-default", "<=", 0.67), note=ELSEWHERE),
    Aim("Files", "Direct reads, 128 under way: no more CPU per read than condy, "
        "which takes 0.61 of fio's as it is by default",
        "files", r"direct, 128 under way", "eddy", "cpu_per_read",
        Against("fio-default", "<=", 0.61), note=ELSEWHERE),
    Aim("Files", "Cached reads, one at a time: no more CPU per read than condy, "
        "which takes 1.38 of pread's",
        "files", r"cached, one at a time", "eddy", "cpu_per_read",
        Against("pread", "<=", 1.38), note=ELSEWHERE),
    # --- Awaiting ------------------------------------------------------------
    Aim("Awaiting", "Create, await and destroy a task: within 1.1 of the floor",
        "task", "task", "eddy", "time", Ratio("<=", 1.1)),
    Aim("Awaiting", "The same, built with clang++",
        "task-clang", "task", "eddy", "time", Ratio("<=", 1.1),
        reason="clang++ is not there"),
    Aim("Awaiting", "A chain of 10 and 100 awaits: within 1.1 of the floor",
        "task", r"chain/\d+", "eddy", "time", Ratio("<=", 1.1)),
    Aim("Awaiting", "Through the ready queue: within 1.2 of the floor",
        "task", "yield", "eddy", "time", Ratio("<=", 1.2)),
    Aim("Awaiting", "A NOP through the ring: within 1.05 of raw io_uring",
        "task", "nop", "eddy", "time", Ratio("<=", 1.05)),
    Aim("Awaiting", "A task, a chain, the ready queue: ahead of Asio",
        "task", r"task|chain/\d+|yield", "eddy", "time", Against("asio", "<=")),
    Aim("Awaiting", "Spawn and join, WhenAll: ahead of Asio",
        "structure", r"spawn_join|when_all/\d+", "eddy", "time",
        Against("asio", "<=")),
    Aim("Awaiting", "Spawn and join: 20 ns",
        "structure", "spawn_join", "eddy", "time", Value("<=", 20)),
    Aim("Awaiting", "Spawn and join: ahead of the best C++ peer, which takes "
        "2.94 of the floor",
        "structure", "spawn_join", "eddy", "time", Ratio("<=", 2.94),
        note="TooManyCooks. " + ELSEWHERE),
    Aim("Awaiting", "WhenAll of 10 and 100: within 1.2 of the floor",
        "structure", r"when_all(_range)?/100?", "eddy", "time",
        Ratio("<=", 1.2)),
    Aim("Awaiting", "WhenAll of 10: ahead of the best C++ peer, which takes 1.62 "
        "of the floor",
        "structure", r"when_all/10", "eddy", "time", Ratio("<=", 1.62),
        note="Seastar. " + ELSEWHERE),
    Aim("Awaiting", "A mutex that is free: 3 ns",
        "sync", "lock", "eddy", "time", Value("<=", 3)),
    Aim("Awaiting", "A mutex that is free: ahead of the best C++ peer, which "
        "takes 1.96 of the floor",
        "sync", "lock", "eddy", "time", Ratio("<=", 1.96),
        note="cppcoro. " + ELSEWHERE),
    Aim("Awaiting", "Send and receive through a channel: 8 ns",
        "sync", r"channel/\d+", "eddy", "time", Value("<=", 8)),
    Aim("Awaiting", "Send and receive through a channel: ahead of the best C++ "
        "peer, which takes 2.53 of the floor",
        "sync", r"channel/\d+", "eddy", "time", Ratio("<=", 2.53),
        note="Seastar. " + ELSEWHERE),
    Aim("Awaiting", "Send and receive through a channel: ahead of Asio",
        "sync", r"channel/\d+", "eddy", "time", Against("asio", "<=")),
    Aim("Awaiting", "Locks, channels and hand-overs: ahead of std's with threads",
        "sync", r"(lock.*|channel/.*|.*ping_pong|oneshot|ask|semaphore)", "eddy",
        "time", Against("std", "<=")),
    Aim("Awaiting", "A task that sleeps, 100,000 others pending: as a "
        "hand-written loop, or better",
        "timers", "sleep/100000", "eddy", "time",
        Against(r"heap|multimap", "<=")),
    Aim("Awaiting", "A task that sleeps, whatever else is pending: ahead of Asio",
        "timers", r"sleep/\d+", "eddy", "time", Against("asio", "<="),
        note="A task each on one side, a callback each on the other."),
    Aim("Awaiting", "No allocation for a task, a spawn, a lock, a value",
        r"task|structure|sync",
        r"task|chain/.*|yield|spawn_join|lock.*|channel/.*|semaphore.*|oneshot",
        "eddy", "allocs", Value("<=", 0.001)),
    # --- Cores ---------------------------------------------------------------
    Aim("Cores", "A call to a sleeping core and back: no worse than the best of "
        "the raw twins",
        "cores", r"sleeping x 1", "eddy", "time_per_call",
        Against(r"msg-ring.*|eventfd", "<=")),
    Aim("Cores", "A call to a sleeping core and back: within 1.2 of the best of "
        "the raw twins",
        "cores", r"sleeping x 1", "eddy", "time_per_call",
        Against(r"msg-ring.*|eventfd", "<=", 1.2)),
    Aim("Cores", "A call to a spinning core and back: within 2 of the raw twin",
        "cores", r"spinning x 1", "eddy", "time_per_call", Ratio("<=", 2)),
    Aim("Cores", "64 calls to a spinning core under way: ahead of Seastar's 170 "
        "ns for each",
        "cores", r"spinning x 64", "eddy", "time_per_call", Value("<=", 170),
        note="Seastar's 85 ns for each of two messages were measured on another "
        "machine of this kind."),
]  # fmt: skip


def keeps(op, value, bound):
    return value >= bound if op == ">=" else value <= bound


def better(op, values):
    """The best of values, where op says in which direction."""
    return max(values) if op == ">=" else min(values)


def case(row, figure, rule, beside=None):
    """One workload's verdict. `close`: the rounds' spread covers the miss. A
    single round has no spread."""
    met = keeps(rule.op, figure, rule.bound)
    both = [row, beside] if beside else [row]
    noise = max(one["spread"] or 0 for one in both)
    rounds = min(one["rounds"] for one in both)
    miss = abs(figure / rule.bound - 1) if rule.bound else math.inf
    return {
        "workload": row["workload"],
        "subject": row["subject"],
        "value": row["value"],
        "unit": row["unit"],
        "beside": beside["subject"] if beside else None,
        "figure": figure,
        "met": met,
        "close": not met and rounds > 1 and miss <= noise,
        "rounds": rounds,
    }


def cases_of(aim, rows):
    mine = find(rows, aim.benchmark, aim.workload, aim.subject, aim.metric)
    rule = aim.rule
    cases = []
    if isinstance(rule, Ratio):
        for row in mine:
            if row.get("ratio_to_floor") is not None:
                cases.append(case(row, row["ratio_to_floor"], rule))
    elif isinstance(rule, Within):
        for row in mine:
            ratio = row.get("ratio_to_floor")
            if ratio:
                cases.append(case(row, max(ratio, 1 / ratio), rule))
    elif isinstance(rule, Value):
        cases = [case(row, row["value"], rule) for row in mine]
    elif isinstance(rule, Against):
        for row in mine:
            others = [
                other
                for other in find(rows, re.escape(row["benchmark"]),
                                  re.escape(row["workload"]), rule.subjects,
                                  re.escape(row["metric"]))
                if other["value"]
            ]  # fmt: skip
            if not others:
                continue
            value = better(rule.op, [other["value"] for other in others])
            other = next(o for o in others if o["value"] == value)
            cases.append(case(row, row["value"] / value, rule, other))
    elif isinstance(rule, Mean):
        logs = []
        for row in mine:
            for other in find(rows, aim.benchmark, re.escape(row["workload"]),
                              rule.subject, aim.metric):  # fmt: skip
                if row["value"] > 0 and other["value"] > 0:
                    log = math.log(row["value"] / other["value"])
                    logs.append((row, other, log))
        if logs:
            mean = math.exp(sum(log for *_, log in logs) / len(logs))
            row, other, _ = logs[0]
            rounds = min(r["rounds"] for *both, _ in logs for r in both)
            whole = {**row, "workload": f"{len(logs)} workloads",
                     "rounds": rounds}  # fmt: skip
            cases = [case(whole, mean, rule, {**other, "rounds": rounds,
                                              "spread": 0})]  # fmt: skip
    if aim.best:
        by_workload = {}
        for c in cases:
            by_workload.setdefault(c["workload"], []).append(c)
        cases = [
            max(some, key=lambda c: c["figure"] * (1 if rule.op == ">=" else -1))
            for some in by_workload.values()
        ]
    return cases


def bound_text(rule):
    sign = {">=": "≥", "<=": "≤"}[rule.op]
    return f"{sign} {rule.bound:g}"


def judge(rows, aims=None):
    """Each aim with its cases and a verdict: met, not met, or not measured. The
    worst case comes first."""
    judged = []
    for aim in AIMS if aims is None else aims:
        cases = cases_of(aim, rows)
        sign = 1 if aim.rule.op == ">=" else -1
        cases.sort(key=lambda c: sign * c["figure"])
        if not cases:
            verdict = "not measured"
        elif all(c["met"] for c in cases):
            verdict = "met"
        else:
            verdict = "not met"
        judged.append(
            {
                "group": aim.group,
                "text": aim.text,
                "verdict": verdict,
                "close": verdict == "not met"
                and all(c["met"] or c["close"] for c in cases),
                "kept": sum(c["met"] for c in cases),
                "of": len(cases),
                "bound": bound_text(aim.rule),
                "is_ratio": not isinstance(aim.rule, Value),
                "one_round": any(c["rounds"] == 1 for c in cases),
                "cases": cases,
                "note": aim.note,
                "reason": aim.reason,
                "source": {
                    "benchmark": aim.benchmark,
                    "workload": aim.workload,
                    "subject": aim.subject,
                    "metric": aim.metric,
                },
            }
        )
    return judged


def figure_text(judged, c):
    if judged["is_ratio"]:
        return f"{c['figure']:.2f}"
    unit = "" if c["unit"] == "1" else " " + c["unit"]
    return f"{c['figure']:,.4g}{unit}" if c["figure"] < 1e4 else (
        f"{c['figure']:,.0f}{unit}"
    )


def verdict_text(judged):
    text = judged["verdict"]
    if not judged["of"] and judged["reason"]:
        text += ": " + judged["reason"]
    if judged["close"]:
        text += ", by less than the spread"
    if judged["one_round"]:
        text += ", one round"
    return text


def summary(judged):
    counts = {"met": 0, "not met": 0, "not measured": 0}
    for j in judged:
        counts[j["verdict"]] += 1
    return counts


def markdown(judged):
    """The table for people, and for the README."""
    lines = [
        "| Aim | Bound | Worst, best | Kept in | Verdict |",
        "|---|---|---|---|---|",
    ]
    for j in judged:
        span = "-"
        if j["cases"]:
            ends = [figure_text(j, j["cases"][i]) for i in (0, -1)]
            span = ends[0] if ends[0] == ends[1] else ", ".join(ends)
        kept = f"{j['kept']} of {j['of']}" if j["of"] else "-"
        lines.append(
            f"| {j['text']} | {j['bound']} | {span} | {kept} "
            f"| {verdict_text(j)} |"
        )
    counts = summary(judged)
    lines.append("")
    lines.append(", ".join(f"{n} {what}" for what, n in counts.items()))
    return "\n".join(lines)
