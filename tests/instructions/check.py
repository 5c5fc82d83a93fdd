"""Counts the instructions of hot paths, and fails where one has got dearer.

  check.py PROGRAM            compares with baseline.json, and exits 1 if any
                              workload needs more than it says
  check.py PROGRAM --accept   writes what is counted to baseline.json
  check.py                    tests itself

PROGRAM is the test program `instructions` of a preset, release or clang:

  python3 tests/instructions/check.py build/release/tests/instructions/instructions

Instructions in user space, as callgrind counts them, are the same in each run
and on each machine with the same compiler and libraries; a time is not. Each
compiler has a baseline of its own. The cost of one operation is the difference
between running a workload for n and for 2n operations.

Exits with 77 (ctest: skipped) where valgrind is not installed, the kernel gives
no ring, or there is no baseline for the compiler.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

BASELINE = pathlib.Path(__file__).parent / "baseline.json"
# How much dearer a workload may be: in proportion, and in instructions.
TOLERANCE = 0.03
SLACK = 0.5

SKIPPED = 77
CHAOS = "EDDY_CHAOS_SEED"

NAME = re.compile(r"^desc: Trigger: Client Request: (\d+) (.+)$", re.MULTILINE)
COMPILER = re.compile(r"^(?:clang|g)\+\+ \S+$", re.MULTILINE)
TOTAL = re.compile(r"^totals: (\d+)", re.MULTILINE)


def skip(why):
    print(why)
    sys.exit(SKIPPED)


def costs(dumps):
    """Instructions of an operation by name, from the texts of the dumps."""
    counted = {}
    for dump in dumps:
        name = NAME.search(dump)
        if name:
            total = int(TOTAL.search(dump).group(1))
            counted.setdefault(name.group(2), {})[int(name.group(1))] = total
    result = {}
    for name, totals in counted.items():
        (few, of_few), (many, of_many) = sorted(totals.items())
        result[name] = round((of_many - of_few) / (many - few), 1)
    return result


def count(program):
    """The compiler of the program, and its costs."""
    if not shutil.which("valgrind"):
        skip("valgrind is not installed (Debian package valgrind)")
    with tempfile.TemporaryDirectory() as folder:
        run = subprocess.run(
            ["valgrind", "--quiet", "--tool=callgrind", "--vgdb=no"]
            + [f"--callgrind-out-file={folder}/out", program],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            env={k: v for k, v in os.environ.items() if k != CHAOS},
        )
        if run.returncode == SKIPPED:
            skip(run.stdout)
        if run.returncode != 0:
            sys.exit(f"{run.stdout}\nexit code {run.returncode}")
        dumps = [p.read_text() for p in pathlib.Path(folder).glob("out*")]
    compiler = COMPILER.search(run.stdout)
    if not compiler:
        sys.exit(f"it has not said its compiler:\n{run.stdout}")
    return compiler.group(), costs(dumps)


def compare(baseline, counted):
    """Whether nothing got dearer, and what there is to say, as lines."""
    lines = []
    good = True
    for name in sorted(baseline.keys() | counted.keys()):
        if name not in counted:
            good = False
            lines.append(f"GONE    {name}: the baseline has it still")
        elif name not in baseline:
            good = False
            lines.append(f"NEW     {name}: {counted[name]}, not in the baseline")
        else:
            old, new = baseline[name], counted[name]
            change = f"{name}: {old} -> {new} instructions"
            if old:
                change += f" ({100 * (new - old) / old:+.1f} %)"
            if new > old * (1 + TOLERANCE) + SLACK:
                good = False
                lines.append(f"DEARER  {change}")
            elif new < old * (1 - TOLERANCE) - SLACK:
                lines.append(f"cheaper {change}")
    return good, lines


def main(program, accept):
    compiler, counted = count(program)
    if not counted:
        sys.exit("nothing was counted")
    baselines = json.loads(BASELINE.read_text()) if BASELINE.exists() else {}
    how = f"python3 {pathlib.Path(__file__)} {program} --accept"
    if accept:
        for line in compare(baselines.get(compiler, {}), counted)[1]:
            print(line)
        baselines[compiler] = counted
        text = json.dumps(baselines, indent=2, sort_keys=True)
        BASELINE.write_text(text + "\n")
        print(f"{BASELINE} has {len(counted)} workloads of {compiler}")
        return
    if compiler not in baselines:
        skip(f"there is no baseline for {compiler}; this writes one:\n  {how}")
    good, lines = compare(baselines[compiler], counted)
    for line in lines:
        print(line)
    if not good:
        sys.exit(
            f"Hot paths need more instructions than the baseline of {compiler} "
            f"says.\nIf that is what it has to cost, say so in the commit, with "
            f"the new baseline:\n  {how}"
        )
    print(f"{len(counted)} workloads of {compiler} are within the baseline")
    if lines:
        print(f"Keep what is cheaper now:\n  {how}")


class SelfTest(unittest.TestCase):
    def test_cost_is_the_difference_of_two_counts(self):
        dump = "desc: Trigger: Client Request: {} await a task\ntotals: {}\n"
        dumps = [dump.format(1000, 30_500), dump.format(500, 15_000), "end"]
        self.assertEqual(costs(dumps), {"await a task": 31.0})

    def test_equal_and_nearly_equal_are_good(self):
        self.assertEqual(compare({"a": 100.0}, {"a": 100.0}), (True, []))
        self.assertEqual(compare({"a": 100.0}, {"a": 103.5}), (True, []))
        self.assertEqual(compare({"a": 10.0}, {"a": 10.8}), (True, []))

    def test_dearer_is_named_with_by_how_much(self):
        good, lines = compare({"a": 100.0, "b": 5.0}, {"a": 104.0, "b": 5.0})
        self.assertFalse(good)
        self.assertEqual(
            lines, ["DEARER  a: 100.0 -> 104.0 instructions (+4.0 %)"]
        )

    def test_cheaper_is_said_and_good(self):
        good, lines = compare({"a": 100.0}, {"a": 90.0})
        self.assertTrue(good)
        self.assertEqual(
            lines, ["cheaper a: 100.0 -> 90.0 instructions (-10.0 %)"]
        )

    def test_workloads_that_came_or_went_have_to_be_accepted(self):
        good, lines = compare({"a": 1.0}, {"b": 1.0})
        self.assertFalse(good)
        self.assertEqual([line.split()[0] for line in lines], ["GONE", "NEW"])

    def test_more_from_nothing_is_dearer(self):
        self.assertFalse(compare({"a": 0.0}, {"a": 1.0})[0])


if __name__ == "__main__":
    if len(sys.argv) == 1:
        unittest.main()
    arguments = [a for a in sys.argv[1:] if a != "--accept"]
    if len(arguments) != 1:
        sys.exit(__doc__)
    main(arguments[0], "--accept" in sys.argv)
