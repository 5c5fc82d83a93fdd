"""Runs test programs as wholes, several at a time, also under chaos seeds.

  run_programs.py [--seeds N] [--first N] [--tries N] [--jobs N] PROGRAM...
                  [-- ARGS...]

With --seeds each runs under so many values of EDDY_CHAOS_SEED. ARGS go to each
program, as in: -- --gtest_filter='Read*'. What fails is tried again, --tries
times in all, and each time printed with how to run it again. The last lines
name what failed to the last; then comes "N passed, N failed, N skipped", of
tests. Exits 1 if any failed.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import signal
import subprocess
import sys

# A program that hangs is ended and counts as one failure.
LONGEST_SECONDS = 600

BEGUN = re.compile(r"^\[ RUN      \] (\S+)", re.MULTILINE)
ENDED = re.compile(r"^\[ +(OK|FAILED|SKIPPED) +\] (\w[\w/]*\.[\w/]+)[, ]", re.M)
# What goes well needs no line.
DULL = re.compile(r"^\[( RUN  | +OK |---).*\n", re.MULTILINE)
PRESETS = pathlib.Path(__file__).parent.parent / "CMakePresets.json"


def environment_of_tests():
    """What ctest's presets set, such as the options of sanitizers."""
    presets = json.loads(PRESETS.read_text())["testPresets"]
    return {**os.environ, **presets[0]["environment"]}


def run(program, seed, arguments, environment):
    """What the program says under the seed, if any, and its exit code."""
    if seed is not None:
        environment = {**environment, "EDDY_CHAOS_SEED": str(seed)}
    child = subprocess.Popen(
        [program, *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        said, _ = child.communicate(timeout=LONGEST_SECONDS)
    except subprocess.TimeoutExpired:
        # What it has started holds its output, too.
        os.killpg(child.pid, signal.SIGKILL)
        said, _ = child.communicate()
    return said.decode(errors="replace"), child.returncode


def outcomes(said, status):
    """The tests by how they ended; one that did not has failed."""
    ended = {name: how for how, name in ENDED.findall(said)}
    for name in BEGUN.findall(said):
        if status != 0:
            ended.setdefault(name, "FAILED")
    names = {"OK": set(), "FAILED": set(), "SKIPPED": set()}
    for name, how in ended.items():
        names[how].add(name)
    if status != 0 and not names["FAILED"]:
        names["FAILED"].add("*")
    return names


def run_until_passed(program, seed, arguments, environment, tries):
    """The tests by how they ended, at last."""
    wanted = arguments
    ended = {"OK": set(), "SKIPPED": set()}
    while True:
        said, status = run(program, seed, wanted, environment)
        names = outcomes(said, status)
        for how, those in ended.items():
            those |= names[how]
        if not names["FAILED"]:
            return {**ended, "FAILED": set()}
        again = f"--gtest_filter={':'.join(sorted(names['FAILED']))}"
        how = "" if seed is None else f"EDDY_CHAOS_SEED={seed} "
        print(
            f"{DULL.sub('', said)}\nfailed (exit code {status}); again with:"
            f"\n  {how}{program} '{again}'",
            flush=True,
        )
        tries -= 1
        if tries == 0:
            return {**ended, "FAILED": names["FAILED"]}
        # One that crashed has not run those after it: all once more.
        if status == 1:
            wanted = [again]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=0)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--tries", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("programs", nargs="+")
    own = sys.argv[1:]
    arguments = []
    if "--" in own:
        arguments = own[own.index("--") + 1 :]
        own = own[: own.index("--")]
    options = parser.parse_args(own)

    environment = environment_of_tests()
    seeds = range(options.first, options.first + options.seeds) or [None]
    passed = skipped = 0
    failed = []
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        runs = [
            (
                program,
                seed,
                pool.submit(
                    run_until_passed,
                    program,
                    seed,
                    arguments,
                    environment,
                    options.tries,
                ),
            )
            for seed in seeds
            for program in options.programs
        ]
        for program, seed, done in runs:
            names = done.result()
            passed += len(names["OK"])
            skipped += len(names["SKIPPED"])
            failed += [
                f"failed: {pathlib.Path(program).name} {name}"
                + ("" if seed is None else f", seed {seed}")
                for name in sorted(names["FAILED"])
            ]
    for line in failed:
        print(line)
    print(f"{passed} passed, {len(failed)} failed, {skipped} skipped")
    return 1 if failed or passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
