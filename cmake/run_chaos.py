"""Runs test programs under EDDY_CHAOS_SEED, many seeds, several at a time.

  run_chaos.py --seeds N [--first N] [--jobs N] PROGRAM... [-- ARGS...]

ARGS go to each program, as in: -- --gtest_filter='Read*'. For each failure it
prints how to run that test again under that seed, and what it said. The last
line is "N passed, N failed, N skipped", of tests; exits 1 if any failed.
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
    """What the program says under the seed, and its exit code."""
    child = subprocess.Popen(
        [program, *arguments],
        env={**environment, "EDDY_CHAOS_SEED": str(seed)},
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


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, required=True)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("programs", nargs="+")
    own = sys.argv[1:]
    arguments = []
    if "--" in own:
        arguments = own[own.index("--") + 1 :]
        own = own[: own.index("--")]
    options = parser.parse_args(own)

    passed = failed = skipped = 0
    environment = environment_of_tests()
    seeds = range(options.first, options.first + options.seeds)
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        runs = {
            pool.submit(run, program, seed, arguments, environment): (
                program,
                seed,
            )
            for seed in seeds
            for program in options.programs
        }
        for done in concurrent.futures.as_completed(runs):
            program, seed = runs[done]
            said, status = done.result()
            names = outcomes(said, status)
            passed += len(names["OK"])
            failed += len(names["FAILED"])
            skipped += len(names["SKIPPED"])
            if names["FAILED"]:
                wanted = ":".join(sorted(names["FAILED"]))
                print(DULL.sub("", said))
                print(f"failed (exit code {status}); again with:")
                print(
                    f"  EDDY_CHAOS_SEED={seed} {program} "
                    f"--gtest_filter='{wanted}'",
                    flush=True,
                )
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
