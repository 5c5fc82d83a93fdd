"""The page: what was aimed at, what came out, on which machine. One file that
loads nothing."""

import re

from aims import figure_text, summary, verdict_text
from charts import bars, escape, lines, number, with_unit
from rows import find
from style import STYLE

# What each benchmark is about, its place on the page, and the metrics that get
# bars: (metric, title, which way is good). Benchmarks that are not here come
# last, with whatever they have.
RATE = ("requests_per_second", "Requests/s", "more")
CPU = ("server_cpu_per_request", "Server CPU per request", "less")
SECTIONS = [
    ("echo", "TCP echo",
     "Servers in turn on one core, the load on another. CPU per request is the "
     "figure that a busy machine disturbs least.",
     [CPU, RATE]),
    ("http", "HTTP",
     "Under wrk. eddy's example file_server and nginx serve a file; canned, "
     "hand-written on liburing, and eddy-hello give every request the same "
     "answer.", [CPU, RATE]),
    ("kv", "Key-value server",
     "eddy's example kv_server and others, one core each side.",
     [CPU, RATE]),
    ("network", "Sockets", "Everything that sockets do, beside hand-written "
     "liburing, epoll, Asio, libuv, Go and threads.",
     [CPU, RATE,
      ("server_cpu_per_gigabyte", "Server CPU per GB", "less"),
      ("gigabytes_per_second", "GB/s", "more"),
      ("server_cpu_per_connection", "Server CPU per connection", "less"),
      ("server_cpu_per_datagram", "Server CPU per datagram", "less"),
      ("datagrams_per_second", "Datagrams/s", "more"),
      ("bytes_per_connection", "Memory per idle connection", "less")]),
    ("files", "Files", "Beside fio, dd, cp, find, blocking calls and "
     "hand-written liburing.",
     [("cpu_per_read", "CPU per read", "less"),
      ("reads_per_second", "Reads/s", "more"),
      ("gigabytes_per_second", "GB/s", "more"),
      ("cpu_per_name", "CPU per name", "less"),
      ("cpu_per_file", "CPU per file", "less"),
      ("records_per_second", "Durable records/s", "more")]),
    ("cores", "Between cores", "Calls from a core to another one and back, and "
     "what a second core is worth.",
     [("time_per_call", "Time per call", "less"),
      ("cpu_per_call", "CPU of both cores per call", "less"),
      ("time_per_value", "Time per value", "less"), CPU, RATE]),
    ("task", "Tasks", "What awaiting costs, beside minimal hand-written types.",
     [("time", "CPU time", "less")]),
    ("task-clang", "Tasks, built with clang++", "The same.",
     [("time", "CPU time", "less")]),
    ("structure", "Scopes, WhenAll, timeouts, streams", "Beside minimal "
     "hand-written types.", [("time", "CPU time", "less")]),
    ("sync", "Locks, channels, threads", "Beside minimal hand-written types, "
     "and what the standard library has, with a thread for each task. CPU of "
     "the whole process.", [("time", "CPU time", "less")]),
    ("timers", "Timers", "While others are pending, beside a binary heap and a "
     "std::multimap.", [("time", "CPU time", "less")]),
    ("memory", "Page faults", "A burst of 20,000 new tasks.",
     [("time", "Stall", "less")]),
    ("porting", "Ported programs", "Programs of threads, and what they were "
     "ported to.",
     [("cpu_per_request", "CPU per request", "less"), RATE,
      ("memory", "Memory", "less"), ("cpu_per_file", "CPU per file", "less")]),
]  # fmt: skip
# What has charts of its own.
DRAWN = {"load", "connections"}


def ordered(values):
    return list(dict.fromkeys(values))


def anchor(text):
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


# --- Charts over what grows ---------------------------------------------------


def grown(rows, benchmark, workload, metric, subject=r".*"):
    """{subject: [(x, value)]}; `workload` has one group, which is x."""
    series = {}
    for row in find(rows, benchmark, workload, subject, metric):
        x = float(re.fullmatch(workload, row["workload"]).group(1))
        if row["value"] > 0:
            series.setdefault(row["subject"], []).append((x, row["value"]))
    return {name: points for name, points in series.items() if len(points) > 1}


def load_charts(rows):
    workload = r"echo of .*, (\d+)/s"
    rate = "requests a second, sent at even distances"
    charts = [
        lines(f"Latency by load, {name}",
              grown(rows, "load", workload, metric), rate, f"{name}, us",
              log_x=False)
        for name, metric in (("median", "latency_p50"),
                             ("99th percentile", "latency_p99"),
                             ("99.9th percentile", "latency_p999"))
    ]  # fmt: skip
    charts.append(
        lines("Server CPU per request by load",
              grown(rows, "load", workload, "server_cpu_per_request"), rate,
              "us", log_x=False, log_y=False)
    )  # fmt: skip
    for work in ordered(
        row["workload"] for row in find(rows, "load", r".*, beside .*")
    ):
        for metric, title, better in (RATE, ("latency_p50", "Median latency",
                                             "less")):  # fmt: skip
            charts.append(
                bars(f"{title}: {work}",
                     find(rows, "load", re.escape(work), metric=metric), better)
            )  # fmt: skip
    return [c for c in charts if c]


def growth_charts(rows):
    connections = r"64 B x (\d+)"
    charts = [
        lines("Echo: server CPU per request",
              grown(rows, "connections", connections, "server_cpu_per_request",
                    r"(?!.*busy).*"),
              "connections", "us", log_y=False),
        lines("Echo: requests/s",
              grown(rows, "connections", connections, "requests_per_second",
                    r"(?!.*busy).*"),
              "connections", "requests/s", log_y=False),
    ]  # fmt: skip
    for name, title in (("insert", "Add a timer"), ("cancel", "Take one back"),
                        ("fire", "Time goes by until one expires"),
                        ("sleep", "A task that sleeps, to its end")):  # fmt: skip
        charts.append(
            lines(title, grown(rows, "timers", name + r"/(\d+)", "time"),
                  "timers pending", "ns")
        )  # fmt: skip
    tasks = r"tasks/(\d+)"
    charts += [
        lines("Start a task, let it wait, end it",
              grown(rows, "memory", tasks, "time"), "tasks waiting at once",
              "ns each", log_y=False),
        lines("Memory of a task that waits",
              grown(rows, "memory", tasks, "bytes"), "tasks waiting at once",
              "bytes each", log_y=False),
    ]  # fmt: skip
    return [c for c in charts if c]


# --- Bars ---------------------------------------------------------------------


def section_charts(rows, benchmark, metrics):
    """A panel for each workload and metric."""
    charts = []
    for workload in ordered(r["workload"] for r in find(rows, benchmark)):
        for metric, title, better in metrics:
            some = find(rows, benchmark, re.escape(workload), metric=metric)
            # A floor that is shown beside what it is the floor of.
            if not some or {r["subject"] for r in some} == {"floor"}:
                continue
            if len(metrics) > 1:
                title = f"{workload} · {title}"
            else:
                title = workload
            charts.append(bars(title, some, better))
    return charts


def generic_metrics(rows, benchmark):
    """For a benchmark that SECTIONS does not know: what has a ratio."""
    names = ordered(
        r["metric"]
        for r in find(rows, benchmark)
        if r.get("ratio_to_floor") is not None
    )
    names = names or ordered(r["metric"] for r in find(rows, benchmark))[:1]
    return [
        (n, n.replace("_", " "), "more" if n.endswith("per_second") else "less")
        for n in names
    ]


# --- Tables -------------------------------------------------------------------


def aims_table(judged):
    if not judged:
        return ""
    marks = {"met": "✓", "not met": "✗", "not measured": "–"}
    out = []
    for group in ordered(j["group"] for j in judged):
        some = [j for j in judged if j["group"] == group]
        lines_of_table = []
        for j in some:
            span = "–"
            if j["cases"]:
                span = figure_text(j, j["cases"][0])
                best = figure_text(j, j["cases"][-1])
                if best != span:
                    span += " … " + best
            kept = f"{j['kept']} of {j['of']}" if j["of"] else ""
            detail = "".join(
                f"<li>{'✓' if c['met'] else '✗'} {escape(c['workload'])}, "
                f"{escape(c['subject'])}: <b>{escape(figure_text(j, c))}</b>"
                f"{' of ' + escape(c['beside']) if c['beside'] else ''}"
                f"{' (' + escape(with_unit(c['value'], c['unit'])) + ')' if j['is_ratio'] and c['value'] is not None else ''}"
                f"{', within the spread' if c['close'] else ''}"
                f"{', one round' if c['rounds'] == 1 else ''}</li>"
                for c in j["cases"]
            )
            source = j["source"]
            where = (
                f"Rows: {source['benchmark']}, {source['workload']}, "
                f"{source['subject']}, {source['metric']}."
            )
            lines_of_table.append(
                f'<tr class="{anchor(j["verdict"])}">'
                f'<td class="verdict"><span>{marks[j["verdict"]]}</span> '
                f"{escape(verdict_text(j))}</td>"
                f"<td>{escape(j['text'])}"
                f"<details><summary>{escape(kept or 'no row')}</summary>"
                f"<p>{escape(j['note'])} <code>{escape(where)}</code></p>"
                f"<ul>{detail}</ul></details></td>"
                f'<td class="num" data-label="bound">{escape(j["bound"])}</td>'
                f'<td class="num" data-label="worst … best">{escape(span)}</td>'
                "</tr>"
            )
        out.append(
            f"<h3>{escape(group)}</h3><table class='aims'><thead><tr>"
            "<th>Verdict</th><th>Aim</th><th class='num'>Bound</th>"
            "<th class='num'>Worst … best</th></tr></thead><tbody>"
            + "".join(lines_of_table)
            + "</tbody></table>"
        )
    return "".join(out)


def row_table(rows):
    body = "".join(
        f"<tr><td>{escape(r['workload'])}</td><td>{escape(r['subject'])}</td>"
        f"<td>{escape(r['metric'].replace('_', ' '))}</td>"
        f"<td class='num'>{escape(with_unit(r['value'], r['unit']))}</td>"
        f"<td class='num'>{number(r.get('ratio_to_floor'))}</td>"
        f"<td>{escape(r.get('floor') or '')}</td>"
        f"<td class='num'>{r['rounds']}</td>"
        f"<td class='num'>{number(100 * r['spread']) + ' %' if r['spread'] is not None else '–'}</td></tr>"
        for r in rows
    )
    return (
        "<div class='scroll'><table><thead><tr><th>Workload</th><th>Subject</th>"
        "<th>Metric</th><th class='num'>Median</th><th class='num'>Ratio</th>"
        "<th>to</th><th class='num'>Rounds</th><th class='num'>Spread</th></tr>"
        f"</thead><tbody>{body}</tbody></table></div>"
    )


def numbers(document):
    rows = document["rows"]
    out = []
    for benchmark in ordered(r["benchmark"] for r in rows):
        some = [r for r in rows if r["benchmark"] == benchmark]
        seconds = document.get("seconds", {}).get(benchmark)
        took = f", {seconds:.0f} s" if seconds is not None else ""
        out.append(
            f"<details><summary>{escape(benchmark)}: {len(some)} rows{took}"
            f"</summary>{row_table(some)}</details>"
        )
    return "".join(out)


def facts_table(context):
    return (
        "<table class='facts'><tbody>"
        + "".join(
            f"<tr><th>{escape(key)}</th><td>{escape(value)}</td></tr>"
            for key, value in context.items()
        )
        + "</tbody></table>"
    )


def failures(failed):
    if not failed:
        return ""
    return "<h2 id='failed'>What failed</h2>" + "".join(
        f"<p><b>{escape(f['benchmark'])}</b>: {escape(f['what'])}</p>"
        f"<pre>{escape(f['log'])}</pre>"
        for f in failed
    )


# --- The whole ----------------------------------------------------------------


def sections_of(document):
    """(title, text, charts) of each section that has any chart."""
    rows = document["rows"]
    known = {name for name, *_ in SECTIONS} | DRAWN
    sections = [
        ("Latency by load",
         "Open loops: requests are sent at a constant rate whatever the server "
         "does, and latency counts from the time at which a request was due. "
         "64 connections. Below, the load generator beside wrk and "
         "redis-benchmark on the same server, as a check.",
         load_charts(rows)),
        ("Cost as work grows",
         "Connections from 1 to 10,000, timers and tasks to a million.",
         growth_charts(rows)),
    ]  # fmt: skip
    for name, title, text, metrics in SECTIONS:
        sections.append((title, text, section_charts(rows, name, metrics)))
    for name in ordered(r["benchmark"] for r in rows):
        if name not in known:
            metrics = generic_metrics(rows, name)
            sections.append(
                (name, f"bench/run {name}", section_charts(rows, name, metrics))
            )
    return [s for s in sections if s[2]]


def grid(charts):
    # Three in a row where all of them are small.
    large = any(
        "<svg" in c or c.count('class="bar ') > 3 for c in charts
    )
    small = "" if large else " small"
    return f"<div class='charts{small}'>{''.join(charts)}</div>"


def render(document, judged):
    counts = summary(judged)
    context = document["context"]
    sections = sections_of(document)
    links = ["<li><a href='#aims'>Aims</a></li>"]
    if document.get("failed"):
        links.append("<li><a href='#failed'>What failed</a></li>")
    links += [
        f"<li><a href='#{anchor(title)}'>{escape(title)}</a></li>"
        for title, _, _ in sections
    ]
    links += [
        "<li><a href='#machine'>Machine</a></li>",
        "<li><a href='#numbers'>All numbers</a></li>",
    ]
    tally = "".join(
        f'<li class="{anchor(what)}"><b>{n}</b> {what}</li>'
        for what, n in counts.items()
    )
    body = "".join(
        f"<section><h2 id='{anchor(title)}'>{escape(title)}</h2>"
        f"<p>{escape(text)}</p>{grid(charts)}</section>"
        for title, text, charts in sections
    )
    line = ", ".join(
        str(context[key])
        for key in ("cpu", "kernel", "compiler")
        if key in context
    )
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>eddy side by side</title><style>{STYLE}</style></head><body>
<header><h1>eddy side by side</h1>
<p>{escape(context.get("command", "bench/run compare"))}, {escape(context.get("date", ""))}, source {escape(context.get("source", ""))}. {escape(line)}.</p>
<p>Bars and points are medians of rounds in which all subjects took turns; the
line across a bar's end is the interquartile range. A number with × is the ratio
to the floor, the hand-written program of the same run.
<span class="key ours">eddy</span> <span class="key floor">hand-written</span>
<span class="key peer">others</span></p></header>
<nav><ul>{"".join(links)}</ul></nav>
<main><section><h2 id="aims">Aims</h2><ul class="tally">{tally}</ul>
<p>An aim is met if every workload that it is about keeps the bound. Open a row
for each of them.</p>{aims_table(judged)}</section>
{failures(document.get("failed"))}{body}
<section><h2 id="machine">Machine</h2>{facts_table(context)}</section>
<section><h2 id="numbers">All numbers</h2>{numbers(document)}</section>
</main></body></html>
"""
