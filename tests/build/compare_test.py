"""Tests what bench/compare makes of the benchmarks' rows: how both formats are
merged, how aims are judged, and that the page has all of it, whatever is
missing.

  compare_test.py ROOT
"""

import html.parser
import importlib
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
ROOT = pathlib.Path(sys.argv.pop(1)).resolve()
sys.path.insert(0, str(ROOT / "bench/compare"))
aims, beside, charts, facts, page, rows = map(
    importlib.import_module,
    ["aims", "beside", "charts", "facts", "page", "rows"],
)
sys.path.insert(0, str(ROOT / "tests/build"))
compare_rows = importlib.import_module("compare_rows")
# A real run. Where a test finds too little in it: compare_rows.py says how to
# make it anew.
RUN = compare_rows.read()
NO_ROW = "no row in compare_rows.json (compare_rows.py makes it anew): "


def row(workload, subject, value, metric="requests_per_second", **more):
    return {
        "benchmark": "echo",
        "workload": workload,
        "subject": subject,
        "metric": metric,
        "value": value,
        "unit": "1/s",
        "ratio_to_floor": None,
        "floor": "liburing",
        "rounds": 3,
        "spread": 0.02,
        **more,
    }


def run(name, time, **more):
    return {
        "name": name,
        "run_type": "iteration",
        "iterations": 100,
        "real_time": 10 * time,
        "cpu_time": time,
        "time_unit": "ns",
        **more,
    }


def aim(rule, **more):
    fields = {
        "group": "Group",
        "text": "Text",
        "benchmark": "echo",
        "workload": ".*",
        "subject": "eddy",
        "metric": "requests_per_second",
        "rule": rule,
        **more,
    }
    return aims.Aim(**fields)


def judge(some_rows, *some_aims):
    return aims.judge(some_rows, list(some_aims))


class RowsTest(unittest.TestCase):
    def test_report_rows_keep_what_they_say_and_gain_their_benchmark(self):
        document = {
            "context": {"floor": "liburing", "cpu": "x"},
            "rows": [
                {"workload": "w", "subject": "eddy", "metric": "m", "value": 2,
                 "unit": "us", "ratio_to_floor": 0.5, "rounds": 3,
                 "spread": 0.1},
                {"workload": "w", "subject": "other", "metric": "m", "value": 4,
                 "unit": "us", "ratio_to_floor": None, "rounds": 3,
                 "spread": 0.1, "floor": "twin"},
            ],
        }  # fmt: skip
        context, got = rows.parse(document, "echo")
        self.assertEqual(context["cpu"], "x")
        self.assertEqual([r["benchmark"] for r in got], ["echo", "echo"])
        self.assertEqual([r["floor"] for r in got], ["liburing", "twin"])
        self.assertEqual([r["value"] for r in got], [2, 4])

    def test_names_say_workload_and_subject(self):
        for name, want in {
            "task": ("task", "eddy"),
            "task_floor": ("task", "floor"),
            "chain_floor/10": ("chain/10", "floor"),
            "lock_std/process_time/real_time": ("lock", "std"),
            "blocking_std_async": ("blocking", "std::async"),
            "insert_wheel/1000/manual_time": ("insert/1000", "eddy"),
            "insert_map/1000/manual_time": ("insert/1000", "multimap"),
            "fire_heap/1000/iterations:512": ("fire/1000", "heap"),
            "BM_Burst/plain/manual_time": ("Burst/plain", "eddy"),
        }.items():
            self.assertEqual(rows.split_name(name)[:2], want)

    def test_rounds_become_median_spread_and_ratio(self):
        runs = [run("task", t) for t in (10, 12, 30)]
        runs += [run("task_floor", t) for t in (5, 6, 10)]
        got = rows.google_rows(runs, "task")
        mine = rows.find(got, "task", "task", "eddy", "time")[0]
        self.assertEqual(mine["value"], 12)
        self.assertEqual(mine["rounds"], 3)
        # Of 2, 2 and 3, round by round.
        self.assertEqual(mine["ratio_to_floor"], 2)
        self.assertAlmostEqual(mine["spread"], (21 - 11) / 12)
        floor = rows.find(got, "task", "task", "floor", "time")[0]
        self.assertEqual(floor["ratio_to_floor"], 1)

    def test_one_round_has_no_spread(self):
        (one,) = rows.google_rows([run("a", 5)], "x")
        self.assertEqual((one["rounds"], one["spread"]), (1, None))
        self.assertEqual(rows.spread([0, 0]), 0)

    def test_failed_runs_and_aggregates_are_left_out(self):
        runs = [
            run("task", 10),
            run("task", 99, run_type="aggregate", aggregate_name="mean"),
            run("swap", 0, error_occurred=True, error_message="no swap"),
        ]
        got = rows.google_rows(runs, "task")
        self.assertEqual({r["workload"] for r in got}, {"task"})
        self.assertEqual(got[0]["rounds"], 1)

    def test_time_is_that_of_one_item_in_nanoseconds(self):
        for name, more, want in (
            ("a", {}, 5),
            ("a", {"time_unit": "us"}, 5000),
            ("a/manual_time", {}, 50),
            ("a", {"items_per_second": 1e8}, 10),
        ):
            got = rows.google_rows([run(name, 5, **more)], "x")
            self.assertEqual(got[0]["value"], want)

    def test_counters_become_metrics(self):
        got = rows.google_rows([run("a", 5, allocs=0.5, bytes=64)], "x")
        values = {r["metric"]: (r["value"], r["unit"]) for r in got}
        self.assertEqual(values["allocs"], (0.5, "1"))
        self.assertEqual(values["bytes"], (64, "B"))

    def test_floor_with_another_name_is_found(self):
        runs = [run("when_any/10", 30), run("when_all_floor/10", 10)]
        got = rows.google_rows(runs, "structure")
        mine = rows.find(got, "structure", "when_any/10", "eddy")[0]
        self.assertEqual(mine["ratio_to_floor"], 3)
        self.assertTrue(rows.find(got, "structure", "when_any/10", "floor"))

    def test_rows_are_in_order_however_the_runs_came(self):
        runs = [run(n, 1) for n in ("c/100", "c_std/9", "c/9", "c_floor/9")]
        got = [(r["workload"], r["subject"])
               for r in rows.google_rows(runs, "x")]  # fmt: skip
        self.assertEqual(got, [("c/9", "floor"), ("c/9", "eddy"),
                               ("c/9", "std"), ("c/100", "eddy")])

    def test_anything_else_is_refused(self):
        for document in ([], 1, {}, {"context": {}}):
            with self.assertRaises(ValueError):
                rows.parse(document, "x")


class AimsTest(unittest.TestCase):
    def test_ratio_holds_in_each_workload(self):
        rule = aims.Ratio(">=", 0.97)
        some = [row("a", "eddy", 1, ratio_to_floor=0.99),
                row("b", "eddy", 1, ratio_to_floor=0.97)]  # fmt: skip
        self.assertEqual(judge(some, aim(rule))[0]["verdict"], "met")
        some.append(row("c", "eddy", 1, ratio_to_floor=0.5))
        (judged,) = judge(some, aim(rule))
        self.assertEqual(judged["verdict"], "not met")
        self.assertEqual((judged["kept"], judged["of"]), (2, 3))
        self.assertEqual(judged["cases"][0]["workload"], "c")

    def test_upper_bounds_have_their_worst_case_first(self):
        some = [row("a", "eddy", 10), row("b", "eddy", 30)]
        (judged,) = judge(some, aim(aims.Value("<=", 20)))
        self.assertEqual(judged["verdict"], "not met")
        self.assertEqual(judged["cases"][0]["workload"], "b")

    def test_nothing_measured_is_said_and_no_verdict(self):
        for rule in (aims.Ratio(">=", 1), aims.Value("<=", 1),
                     aims.Against("libuv", ">="),
                     aims.Mean("epoll", "<=", 1)):  # fmt: skip
            for some in (
                [],
                [row("a", "other", 1)],
                [row("a", "eddy", None, ratio_to_floor=None)],
            ):
                (judged,) = judge(some, aim(rule))
                self.assertEqual(judged["verdict"], "not measured")
                self.assertEqual(judged["of"], 0)

    def test_peer_that_is_missing_leaves_an_aim_unmeasured(self):
        some = [row("a", "eddy", 5), row("a", "epoll", 3)]
        (judged,) = judge(some, aim(aims.Against("libuv", ">=")))
        self.assertEqual(judged["verdict"], "not measured")

    def test_best_of_the_peers_is_what_counts(self):
        some = [row("a", "eddy", 5), row("a", "asio-epoll", 3),
                row("a", "asio-uring", 6)]  # fmt: skip
        (judged,) = judge(some, aim(aims.Against("asio-.*", ">=")))
        self.assertEqual(judged["verdict"], "not met")
        self.assertEqual(judged["cases"][0]["beside"], "asio-uring")
        self.assertAlmostEqual(judged["cases"][0]["figure"], 5 / 6)
        (judged,) = judge(some, aim(aims.Against("asio-.*", "<=")))
        self.assertEqual(judged["cases"][0]["beside"], "asio-epoll")

    def test_best_of_ours_counts_where_an_aim_says_so(self):
        some = [row("a", "eddy", 5), row("a", "eddy-leases", 7),
                row("a", "libuv", 6)]  # fmt: skip
        rule = aims.Against("libuv", ">=")
        (judged,) = judge(some, aim(rule, subject="eddy.*"))
        self.assertEqual(judged["verdict"], "not met")
        (judged,) = judge(some, aim(rule, subject="eddy.*", best=True))
        self.assertEqual(judged["verdict"], "met")
        self.assertEqual(judged["of"], 1)

    def test_mean_is_over_the_workloads(self):
        some = [row("a", "eddy", 2), row("a", "epoll", 1),
                row("b", "eddy", 1), row("b", "epoll", 8)]  # fmt: skip
        (judged,) = judge(some, aim(aims.Mean("epoll", "<=", 0.5)))
        self.assertAlmostEqual(judged["cases"][0]["figure"], 0.5)
        self.assertEqual(judged["of"], 1)

    def test_miss_within_the_spread_is_a_miss_that_says_so(self):
        some = [row("a", "eddy", 1, ratio_to_floor=0.96, spread=0.05)]
        (judged,) = judge(some, aim(aims.Ratio(">=", 0.97)))
        self.assertEqual(judged["verdict"], "not met")
        self.assertTrue(judged["close"])
        some[0]["spread"] = 0.001
        (judged,) = judge(some, aim(aims.Ratio(">=", 0.97)))
        self.assertFalse(judged["close"])

    def test_single_round_is_said_and_no_spread_excuses_it(self):
        some = [row("a", "eddy", 1, ratio_to_floor=0.96, spread=None, rounds=1)]
        for bound, want in ((0.97, "not met, one round"),
                            (0.96, "met, one round")):  # fmt: skip
            (judged,) = judge(some, aim(aims.Ratio(">=", bound)))
            self.assertEqual(aims.verdict_text(judged), want)
        some += [row("a", "libuv", 2)]
        (judged,) = judge(some, aim(aims.Against("libuv", ">=")))
        self.assertEqual(aims.verdict_text(judged), "not met, one round")

    def test_within_looks_both_ways(self):
        for ratio, want in ((0.9, "met"), (1.19, "met"), (0.8, "not met"),
                            (1.3, "not met")):  # fmt: skip
            some = [row("a", "eddy", 1, ratio_to_floor=ratio)]
            (judged,) = judge(some, aim(aims.Within(1.2)))
            self.assertEqual(judged["verdict"], want)

    def test_reason_is_shown_where_nothing_was_measured(self):
        why = aim(aims.Ratio(">=", 1), reason="no clang++")
        (judged,) = judge([], why)
        self.assertEqual(
            aims.verdict_text(judged), "not measured: no clang++"
        )
        (judged,) = judge([row("a", "eddy", 1, ratio_to_floor=1)], why)
        self.assertEqual(aims.verdict_text(judged), "met")

    def test_markdown_has_each_aim_once(self):
        text = aims.markdown(aims.judge([]))
        for a in aims.AIMS:
            self.assertEqual(text.count(f"| {a.text} |"), 1, a.text)
        self.assertIn(f"{len(aims.AIMS)} not measured", text)

    def test_aims_name_benchmarks_that_exist(self):
        folder = ROOT / "bench"
        known = {p.parent.name for p in folder.glob("*/main.cc")}
        known |= {"connections", "task-clang"}  # runs of the script's own
        for a in aims.AIMS:
            for name in a.benchmark.split("|"):
                self.assertIn(name, known, a.text)

    def test_each_aim_finds_rows_in_a_run(self):
        for judged in aims.judge(RUN):
            if not judged["reason"]:
                self.assertGreater(judged["of"], 0, NO_ROW + judged["text"])

    def test_patterns_are_regular_expressions(self):
        for a in aims.AIMS:
            for pattern in (a.benchmark, a.workload, a.subject, a.metric):
                re.compile(pattern)


class BesideTest(unittest.TestCase):
    def lines(self, some, **fields):
        line = beside.Line("echo", "a", "requests_per_second", **fields)
        return beside.markdown(some, [line]).splitlines()[2:]

    def test_line_has_the_best_of_ours_and_of_the_peers(self):
        some = [row("a", "liburing", 8, ratio_to_floor=1.0),
                row("a", "eddy", 4, ratio_to_floor=0.5),
                row("a", "eddy-leases", 6, ratio_to_floor=0.75),
                row("a", "libuv", 5), row("a", "go", 3),
                row("b", "libuv", 9)]  # fmt: skip
        self.assertEqual(
            self.lines(some, subject="eddy.*"),
            ["| echo: a, eddy-leases | requests per second | 1/s | 6.00 "
             "| 0.750 of liburing | libuv: 5.00 |"],
        )  # fmt: skip
        self.assertIn("| go: 3.00 |", self.lines(some, peers="go")[0])

    def test_less_is_better_of_what_is_no_rate(self):
        some = [row("a", "eddy", 4, "cpu", unit="us"),
                row("a", "libuv", 5, "cpu"), row("a", "go", 3, "cpu")]  # fmt: skip
        line = beside.Line("echo", "a", "cpu")
        self.assertEqual(
            beside.markdown(some, [line]).splitlines()[2:],
            ["| echo: a | cpu | us | 4.00 | - | go: 3.00 |"],
        )

    def test_what_was_not_measured_has_no_line(self):
        self.assertEqual(self.lines([row("a", "libuv", 5)]), [])

    def test_each_line_finds_its_row_in_a_run(self):
        for line in beside.LINES:
            some = beside.markdown(RUN, [line]).splitlines()[2:]
            self.assertEqual(len(some), 1, f"{NO_ROW}{line}")


class FactsTest(unittest.TestCase):
    def test_machine_is_described(self):
        self.assertEqual(set(facts.machine()), {"cpu", "cores", "kernel"})
        self.assertEqual(
            facts.cpu_model("processor : 0\nmodel name\t: A: CPU\n"), "A: CPU"
        )
        self.assertEqual(facts.cpu_model(""), "unknown")

    def test_build_is_described_by_its_cache(self):
        with tempfile.TemporaryDirectory() as folder:
            self.assertEqual(facts.build(folder), {})
            (pathlib.Path(folder) / "CMakeCache.txt").write_text(
                "# comment\n//A=B\nCMAKE_BUILD_TYPE:STRING=RelWithDebInfo\n"
                "CMAKE_CXX_COMPILER:STRING=/bin/echo\n"
                "CMAKE_CXX_FLAGS:STRING=\n"
                "CMAKE_CXX_FLAGS_RELWITHDEBINFO:STRING=-O2 -DX=1\n"
            )
            got = facts.build(folder)
            self.assertEqual(got["flags"], "-O2 -DX=1")
            self.assertTrue(got["compiler"])

    def test_source_is_a_commit_or_unknown(self):
        with tempfile.TemporaryDirectory() as folder:
            self.assertEqual(facts.source(folder), "unknown")


class Page(html.parser.HTMLParser):
    """What a page holds, and whether its elements are closed."""

    VOID = {"meta", "path", "rect", "circle", "br"}

    def __init__(self, text):
        super().__init__()
        self.open, self.ids, self.links, self.loads = [], [], [], []
        self.text, self.wrong = "", []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        if "id" in values:
            self.ids.append(values["id"])
        if values.get("href", "").startswith("#"):
            self.links.append(values["href"][1:])
        elif tag in ("script", "link", "img") or "src" in values:
            self.loads.append(tag)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        pass

    def handle_endtag(self, tag):
        if tag in self.VOID:
            return
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def handle_data(self, data):
        self.text += data


def growing(benchmark, workload, metric, values, subject="eddy"):
    return [
        row(workload.format(x), subject, y, metric, benchmark=benchmark)
        for x, y in values
    ]


ALL_KINDS = (
    [row("64 B x 1", s, v) for s, v in (("liburing", 9), ("eddy", 10))]
    + growing("load", "echo of 64 B x 64, {}/s", "latency_p50",
              [(1000, 20), (5000, 30)])
    + growing("connections", "64 B x {}", "server_cpu_per_request",
              [(1, 5), (10000, 6)])
    + growing("timers", "cancel/{}", "time", [(1000, 5), (1000000, 25)])
    + growing("memory", "tasks/{}", "bytes", [(1000, 300), (1000000, 310)])
    + [row("new <workload> & more", "eddy", 3, benchmark="unheard-of",
           ratio_to_floor=1.0)]
)  # fmt: skip


class PageTest(unittest.TestCase):
    def render(self, some, **more):
        document = {"context": {"cpu": "a <cpu>"}, "rows": some, **more}
        got = Page(page.render(document, aims.judge(some)))
        self.assertEqual((got.open, got.wrong), ([], []))
        self.assertEqual(got.loads, [])
        self.assertEqual(len(got.ids), len(set(got.ids)))
        self.assertEqual(set(got.links) - set(got.ids), set())
        return got

    def test_page_without_rows_says_that_nothing_was_measured(self):
        got = self.render([])
        self.assertIn("not measured", got.text)
        self.assertIn("a <cpu>", got.text)

    def test_page_has_each_kind_of_chart(self):
        got = self.render(ALL_KINDS)
        for words in ("TCP echo", "Latency by load, median",
                      "Echo: server CPU per request", "Take one back",
                      "Memory of a task that waits", "unheard-of",
                      "new <workload> & more"):  # fmt: skip
            self.assertIn(words, got.text)

    def test_rows_without_a_number_are_no_bars_but_in_the_tables(self):
        some = [row("64 B x 1", "eddy", None, spread=None),
                row("64 B x 1", "liburing", 0, spread=0)]  # fmt: skip
        got = self.render(some)
        self.assertIn("eddy", got.text)

    def test_each_row_alone_makes_a_page(self):
        for one in ALL_KINDS:
            self.render([one])

    def test_what_failed_is_on_the_page(self):
        failed = [{"benchmark": "files", "what": "exit code 1", "log": "<no>"}]
        got = self.render([], failed=failed)
        self.assertIn("exit code 1", got.text)
        self.assertIn("<no>", got.text)


class ChartsTest(unittest.TestCase):
    def test_numbers_are_short(self):
        for value, want in ((0, "0"), (None, "–"), (0.01234, "0.0123"),
                            (1.234, "1.23"), (12.34, "12.3"), (123.4, "123"),
                            (1234.5, "1,234")):  # fmt: skip
            self.assertEqual(charts.number(value), want)

    def test_logarithmic_axis_spaces_equal_factors_equally(self):
        axis = charts.Axis([1, 100], 0, 100, log=True)
        middle = axis.place(10)
        self.assertAlmostEqual(middle - axis.place(1),
                               axis.place(100) - middle)  # fmt: skip
        self.assertTrue(0 <= axis.place(1) < axis.place(100) <= 100)
        self.assertEqual(axis.ticks, [1, 10, 100])

    def test_axes_stand_values_that_are_all_alike(self):
        for log in (True, False):
            axis = charts.Axis([5, 5], 0, 100, log)
            self.assertTrue(0 <= axis.place(5) <= 100)
            self.assertGreater(len(axis.ticks), 1)


class ProgramTest(unittest.TestCase):
    PROGRAM = ROOT / "bench/compare/run"

    def compare(self, *arguments):
        return subprocess.run(
            [sys.executable, self.PROGRAM, *arguments],
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    def test_draws_what_an_earlier_run_has_written(self):
        with tempfile.TemporaryDirectory() as folder:
            source = pathlib.Path(folder) / "in.json"
            source.write_text(json.dumps(
                {"context": {"cpu": "x"}, "rows": ALL_KINDS}
            ))  # fmt: skip
            out = pathlib.Path(folder) / "out"
            got = self.compare("--from", source, "--html", f"{out}.html",
                               "--json", f"{out}.json")  # fmt: skip
            self.assertEqual(got.returncode, 0, got.stderr)
            self.assertIn("| Aim | Bound |", got.stdout)
            self.assertIn("| Workload | Metric |", got.stdout)
            self.assertIn("TCP echo", pathlib.Path(f"{out}.html").read_text())
            written = json.loads(pathlib.Path(f"{out}.json").read_text())
            self.assertEqual(written["rows"], ALL_KINDS)
            self.assertEqual(len(written["aims"]), len(aims.AIMS))

    def test_both_tables_and_the_time_go_to_a_file(self):
        with tempfile.TemporaryDirectory() as folder:
            source = pathlib.Path(folder) / "in.json"
            out = pathlib.Path(folder) / "out.md"
            for took, quick, over in ((599, True, False), (601, True, True),
                                      (601, False, False)):  # fmt: skip
                source.write_text(json.dumps(
                    {"rows": ALL_KINDS, "quick": quick,
                     "seconds": {"echo": took}}
                ))  # fmt: skip
                got = self.compare("--from", source, "--markdown", out)
                self.assertEqual(got.returncode, 0, got.stderr)
                text = out.read_text()
                self.assertIn(text, got.stdout)
                self.assertIn("| Aim | Bound |", text)
                self.assertIn("| Workload | Metric |", text)
                last = text.splitlines()[-1]
                self.assertIn(f"10.0 minutes: echo {took} s", last)
                self.assertEqual("more than the 10" in last, over)

    def test_files_are_tried_before_anything_is_measured(self):
        with tempfile.TemporaryDirectory() as folder:
            for option in ("--json", "--html", "--markdown"):
                got = self.compare("--quick", option, f"{folder}/none/out")
                self.assertEqual(got.returncode, 1)
                self.assertEqual(got.stdout, "")
                self.assertIn("none/out: No such file", got.stderr)

    def test_says_what_is_wrong_with_its_input(self):
        with tempfile.TemporaryDirectory() as folder:
            bad = pathlib.Path(folder) / "bad.json"
            for text in ("", "[]", "{}", '{"rows": 1}', '{"rows": []}'):
                bad.write_text(text)
                got = self.compare("--from", bad)
                if text == '{"rows": []}':
                    self.assertEqual(got.returncode, 0, got.stderr)
                    continue
                self.assertEqual(got.returncode, 1)
                self.assertEqual(got.stderr.count("\n"), 1, got.stderr)
                self.assertIn("bad.json", got.stderr)
            got = self.compare("--from", f"{folder}/none.json")
            self.assertIn("No such file", got.stderr)
            got = self.compare("--only", "nonsense")
            self.assertIn("there is no nonsense", got.stderr)
            self.assertIn("task", got.stderr)


if __name__ == "__main__":
    unittest.main()
