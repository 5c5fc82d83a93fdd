"""Reads what a benchmark has written with --json, of either kind, as rows.

A row has benchmark, workload, subject, metric, value, unit, ratio_to_floor,
floor, rounds and spread. The value is the median of the rounds, the spread
their interquartile range divided by it (None for a single round), and the ratio
the median of the rounds' own ratios.

The benchmarks of single awaits write Google Benchmark's format, where a name
says what was done and on what: channel_floor/64 is the workload channel/64 on
hand-written types.
"""

import json
import math
import re
import statistics

# Which subject the end of a name stands for. All others are eddy's.
SUBJECTS = [
    ("_floor", "floor"),
    ("_std_async", "std::async"),
    ("_std_worker", "std worker"),
    ("_std", "std"),
    ("_wheel", "eddy"),
    ("_heap", "heap"),
    ("_map", "multimap"),
    ("_asio", "asio"),
]
# What eddy is divided by, the first that is there.
FLOORS = ["floor", "heap"]
# Workloads of eddy's whose floor has another name.
FLOOR_OF = {
    "semaphore_ping_pong": "ping_pong",
    "timeout": "timeout/1",
    "timeout_nested/outer_nearer": "timeout/2",
    "timeout_nested/inner_nearer": "timeout/2",
    "when_all_range/10": "when_all/10",
    "when_all_range/100": "when_all/100",
    "when_any/2": "when_all/2",
    "when_any/10": "when_all/10",
}
# Parts of a name that say how it was measured, not what.
HOW = {"process_time", "real_time", "manual_time"}
# What Google Benchmark says of each run; the rest are its counters.
NO_COUNTERS = {
    "name", "run_name", "run_type", "family_index",
    "per_family_instance_index", "repetitions", "repetition_index", "threads",
    "iterations", "real_time", "cpu_time", "time_unit", "items_per_second",
    "bytes_per_second", "error_occurred", "error_message", "label",
    "aggregate_name", "aggregate_unit",
}  # fmt: skip
UNIT_OF = {"bytes": "B", "frame_bytes": "B", "await": "s"}
NANOSECONDS = {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}


def quantile(values, fraction):
    values = sorted(values)
    rank = fraction * (len(values) - 1)
    low = math.floor(rank)
    high = min(low + 1, len(values) - 1)
    return values[low] + (rank - low) * (values[high] - values[low])


def spread(values):
    """The interquartile range as a part of the median; None for a single one."""
    if len(values) < 2:
        return None
    median = statistics.median(values)
    if median == 0:
        return 0.0
    return (quantile(values, 0.75) - quantile(values, 0.25)) / median


def split_name(name):
    """Workload, subject and how it was measured, of a Google Benchmark name."""
    parts = name.removeprefix("BM_").split("/")
    how = {p for p in parts if p in HOW}
    parts = [
        p
        for p in parts
        if p not in HOW and not p.startswith(("iterations:", "repeats:"))
    ]
    subject = "eddy"
    for suffix, of in SUBJECTS:
        if parts[0].endswith(suffix):
            parts[0] = parts[0].removesuffix(suffix)
            subject = of
            break
    return "/".join(parts), subject, how


def nanoseconds(run, how):
    """The time of one operation of a run."""
    if run.get("items_per_second"):
        return 1e9 / run["items_per_second"]
    # Where the benchmark itself takes the time, CPU time is that of all it does.
    key = "real_time" if "manual_time" in how else "cpu_time"
    return run[key] * NANOSECONDS[run.get("time_unit", "ns")]


def google_samples(runs):
    """{(workload, subject): {metric: (unit, [value of each round])}}."""
    samples = {}
    for run in runs:
        if run.get("run_type", "iteration") != "iteration":
            continue
        if run.get("error_occurred") or run.get("iterations") == 0:
            continue
        workload, subject, how = split_name(run["name"])
        metrics = samples.setdefault((workload, subject), {})
        values = {"time": ("ns", nanoseconds(run, how))}
        for key, value in run.items():
            if key not in NO_COUNTERS and isinstance(value, (int, float)):
                values[key] = (UNIT_OF.get(key, "1"), value)
        for metric, (unit, value) in values.items():
            metrics.setdefault(metric, (unit, []))[1].append(value)
    return samples


def natural(text):
    """For sorting: chain/10 comes before chain/100, and after chain/9."""
    return [
        (int(part), "") if part.isdigit() else (-1, part)
        for part in re.split(r"(\d+)", text)
    ]


def place(key):
    """Runs come in any order; floors are to come first, then eddy."""
    workload, subject = key
    first = ["floor", "heap", "multimap", "eddy"]
    rank = first.index(subject) if subject in first else len(first)
    return natural(workload), rank, subject


def google_rows(runs, benchmark):
    samples = google_samples(runs)
    # A floor is a subject of each workload that it is the floor of.
    for workload, of in FLOOR_OF.items():
        if (workload, "eddy") in samples and (of, "floor") in samples:
            samples.setdefault((workload, "floor"), samples[of, "floor"])
    rows = []
    for workload, subject in sorted(samples, key=place):
        metrics = samples[workload, subject]
        floor = next((f for f in FLOORS if (workload, f) in samples), None)
        for metric, (unit, values) in metrics.items():
            ratio = None
            if floor and metric == "time":
                base = samples[workload, floor][metric][1]
                if len(base) == len(values):
                    ratio = statistics.median(
                        v / b for v, b in zip(values, base) if b
                    )
                elif statistics.median(base):
                    ratio = statistics.median(values) / statistics.median(base)
            rows.append(
                {
                    "benchmark": benchmark,
                    "workload": workload,
                    "subject": subject,
                    "metric": metric,
                    "value": statistics.median(values),
                    "unit": unit,
                    "ratio_to_floor": ratio,
                    "floor": floor,
                    "rounds": len(values),
                    "spread": spread(values),
                }
            )
    return rows


def report_rows(document, benchmark):
    floor = document.get("context", {}).get("floor") or None
    return [
        {"benchmark": benchmark, "floor": floor, **row}
        for row in document["rows"]
    ]


def parse(document, benchmark):
    """The context and the rows of a document. ValueError for any other."""
    if not isinstance(document, dict):
        raise ValueError("no object")
    context = document.get("context", {})
    if "rows" in document:
        return context, report_rows(document, benchmark)
    if "benchmarks" in document:
        return {}, google_rows(document["benchmarks"], benchmark)
    raise ValueError("it has neither rows nor benchmarks")


def read(path, benchmark):
    with open(path, encoding="utf-8") as file:
        return parse(json.load(file), benchmark)


def find(rows, benchmark, workload=None, subject=None, metric=None):
    """Rows by regular expressions that match the whole of a field."""

    def fits(pattern, value):
        return pattern is None or re.fullmatch(pattern, value)

    return [
        row
        for row in rows
        if fits(benchmark, row["benchmark"])
        and fits(workload, row["workload"])
        and fits(subject, row["subject"])
        and fits(metric, row["metric"])
        and row["value"] is not None
    ]
