"""Tests the tables that bench/costs/run makes of what was measured.

  costs_test.py ROOT
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(sys.argv.pop(1)).resolve()


def run(name, seconds, iteration=None, place=0, **more):
    """A run of Google Benchmark's, of nanoseconds."""
    iteration = iteration or seconds
    return {
        "name": name, "run_name": name, "run_type": "iteration",
        "family_index": place,
        "real_time": iteration * 1e9, "cpu_time": iteration * 1e9,
        "time_unit": "ns", "await": seconds, **more,
    }  # fmt: skip


class CostsTest(unittest.TestCase):
    def tables(self, runs, code=0):
        with tempfile.TemporaryDirectory() as folder:
            source = pathlib.Path(folder) / "in.json"
            source.write_text(json.dumps({"benchmarks": runs}))
            got = subprocess.run(
                [sys.executable, ROOT / "bench/costs/run", "--from", source],
                capture_output=True, text=True, check=False,
            )  # fmt: skip
        self.assertEqual(got.returncode, code, got.stderr)
        return got.stdout.splitlines()

    def test_a_call_is_compared_with_that_of_a_function(self):
        got = self.tables([
            run("unit/a function call", 2e-9, allocs=0, sqes=0),
            run("net/TcpStream::Read, ready", 1e-6, allocs=0, sqes=1),
        ])  # fmt: skip
        self.assertEqual(got, [
            "| unit | times a function call | ns | entries | allocations |",
            "|---|---|---|---|---|",
            "| a function call | 1.0 | 2.0 | 0 | 0 |",
            "",
            "| net | times a function call | ns | entries | allocations |",
            "|---|---|---|---|---|",
            "| `TcpStream::Read`, ready | 500 | 1,000 | 1 | 0 |",
        ])  # fmt: skip

    def test_the_fastest_of_several_and_the_median_of_counts(self):
        got = self.tables([
            run("io/Read", ns * 1e-9, allocs=count)
            for ns, count in ((30, 7), (10, 1.02), (20, 1.01))
        ])  # fmt: skip
        self.assertEqual(got[-1], "| `Read` |  | 10 | 1 |")

    def test_figures_are_those_of_one_of_several_calls_of_an_iteration(self):
        got = self.tables([
            run("io/RenameAt/real_time", 1e-5, iteration=2e-5, sqes=1),
        ])  # fmt: skip
        self.assertEqual(got[-1], "| `RenameAt` |  | 10,000* | 1 |")

    def test_the_order_is_that_of_the_source(self):
        got = self.tables([
            run("fs/b", 1e-9, place=2), run("fs/a", 1e-9, place=1),
            run("fs/b", 1e-9, place=2),
        ])  # fmt: skip
        self.assertEqual([line[2] for line in got[2:]], ["a", "b"])

    def test_what_is_not_counted_stays_empty(self):
        got = self.tables([run("fs/a", 1e-9, sqes=1), run("fs/b", 1e-9)])
        self.assertEqual(got[-1], "| b |  | 1.0 |  |")

    def test_a_call_that_failed_says_why(self):
        got = self.tables(
            [run("fs/a", 1e-9, error_occurred=True, error_message="no")], 1
        )
        self.assertIn("no", got[-1])

    def test_code_is_marked_as_such(self):
        got = self.tables([
            run("io/Channel(0)::Send, co_await of 64 KiB", 1e-9),
        ])  # fmt: skip
        self.assertIn("`Channel(0)::Send`, `co_await` of 64 KiB", got[-1])


if __name__ == "__main__":
    unittest.main()
