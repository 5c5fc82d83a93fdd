"""The figures themselves in one short table: eddy beside its floor and the best
of its peers, a line for each workload that stands for others.

LINES is the one place that says which. What a run has not measured is left out.
"""

import dataclasses

from charts import kind, number
from rows import find


@dataclasses.dataclass
class Line:
    benchmark: str
    workload: str  # regular expressions, as in aims.py
    metric: str
    subject: str = "eddy"
    peers: str = ""  # what counts as one; default: all that is not hand-written


RATE, CPU = "requests_per_second", "server_cpu_per_request"
# Of several ways that eddy offers, the line has the best one.
ANY = r"eddy(?!-busy).*"

# nginx serves a file, which is more than eddy-hello does.
NONE = r"(?!)"

LINES = [
    Line("echo", r"64 B x 1", "latency_p50", peers="epoll"),
    Line("echo", r"64 B x 1", "latency_p50", "eddy-busy-poll", peers="epoll"),
    Line("echo", r"64 B x 64", RATE, peers="epoll"),
    Line("echo", r"64 B x 64", CPU, peers="epoll"),
    Line("echo", r"64 B x 64, pipeline 16", CPU, peers="epoll"),
    Line("connections", r"64 B x 1000", CPU, peers="epoll"),
    Line("network", r"echo 64 B x 64", RATE, ANY),
    Line("network", r"echo 4096 B x 1000", RATE, ANY),
    Line("network", r"server receives x 4", "gigabytes_per_second", ANY),
    Line("network", r"accept and close x 64", "connections_per_second", ANY),
    Line("network", r"udp 64 B", "datagrams_per_second", ANY),
    Line("network", r"proxy, 64 B x 64", RATE, ANY),
    Line("network", r"idle x \d+", "bytes_per_connection", ANY),
    Line("http", r"GET 1024 B x 64", RATE),
    Line("http", r"GET 1024 B x 64", CPU),
    Line("http", r"GET 1024 B x 64", CPU, "eddy-hello", NONE),
    Line("kv", r"GET x 50, pipeline 1", RATE, "kv_server"),
    Line("kv", r"GET x 50, pipeline 16", RATE, "kv_server"),
    Line("files", r"direct, 32 under way", "reads_per_second"),
    Line("files", r"cached, one at a time", "reads_per_second"),
    Line("task", r"task", "time"),
    Line("task", r"chain/100", "time"),
    Line("task", r"yield", "time"),
    Line("structure", r"spawn_join", "time"),
    Line("structure", r"when_all/10", "time"),
    Line("sync", r"lock", "time"),
    Line("sync", r"channel/64", "time"),
    Line("timers", r"sleep/100000", "time"),
    Line("cores", r"sleeping x 1", "time_per_call"),
    Line("cores", r"spinning x 64", "time_per_call"),
]


def best(rows):
    """The row that does best: of a rate the highest, else the lowest."""
    if not rows:
        return None
    pick = max if rows[0]["metric"].endswith("_per_second") else min
    return pick(rows, key=lambda row: row["value"])


def peers_of(line, row, rows):
    some = find(rows, line.benchmark, line.workload, line.peers or None,
                line.metric)  # fmt: skip
    return [
        r
        for r in some
        if r["workload"] == row["workload"]
        and (line.peers or kind(r["subject"]) == "peer")
    ]


def cells(line, row, peer):
    name = row["subject"]
    ratio = row.get("ratio_to_floor")
    unit = row["unit"] if row["unit"] != "1" else ""
    return [
        f"{row['benchmark']}: {row['workload']}"
        + ("" if name == "eddy" else f", {name}"),
        row["metric"].replace("_", " "),
        unit,
        number(row["value"]),
        "-" if ratio is None else f"{number(ratio)} of {row['floor']}",
        f"{peer['subject']}: {number(peer['value'])}" if peer else "-",
    ]


def markdown(rows, lines=None):
    table = [
        "| Workload | Metric | Unit | eddy | Ratio to floor | Best peer |",
        "|---|---|---|---|---|---|",
    ]
    for line in LINES if lines is None else lines:
        mine = find(
            rows, line.benchmark, line.workload, line.subject, line.metric
        )
        row = best(mine)
        if row:
            peer = best(peers_of(line, row, rows))
            table.append("| " + " | ".join(cells(line, row, peer)) + " |")
    return "\n".join(table)
