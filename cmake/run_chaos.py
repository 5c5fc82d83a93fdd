"""Runs test programs under EDDY_CHAOS_SEED, many seeds, several at a time.

  run_chaos.py --seeds N [--first N] [--jobs N] PROGRAM... [-- ARGS...]

ARGS go to each program, as in: -- --gtest_filter='Read*'. For each failure it
prints how to run that test again under that seed, and what it said. The last
line is "N passed, N failed, N skipped", of tests; exits 1 if any failed.
"""

import argparse
import concurrent.futures
import os
import re
import subprocess
import sys

# A program that hangs is ended and counts as one failure.
LONGEST_SECONDS = 600

FAILED = re.compile(r"^\[  FAILED  \] (\w[\w/]*\.[\w/]+)", re.MULTILINE)
RUN = re.compile(r"^\[=+\] (\d+) tests? from .* ran", re.MULTILINE)
SKIPPED = re.compile(r"^\[  SKIPPED \] (\d+) tests?", re.MULTILINE)


def run(program, seed, arguments):
    """What the program says under the seed, and whether it ended well."""
    command = [program, "--gtest_brief=1", *arguments]
    environment = {**os.environ, "EDDY_CHAOS_SEED": str(seed)}
    try:
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=LONGEST_SECONDS,
            check=False,
        )
        return done.stdout.decode(errors="replace"), done.returncode
    except subprocess.TimeoutExpired as expired:
        said = (expired.stdout or b"").decode(errors="replace")
        return f"{said}\nnot ended after {LONGEST_SECONDS} s", 1


def number(pattern, text):
    match = pattern.search(text)
    return int(match.group(1)) if match else 0


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
    seeds = range(options.first, options.first + options.seeds)
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        runs = {
            pool.submit(run, program, seed, arguments): (program, seed)
            for seed in seeds
            for program in options.programs
        }
        for done in concurrent.futures.as_completed(runs):
            program, seed = runs[done]
            said, status = done.result()
            names = sorted(set(FAILED.findall(said)))
            # A program that crashed has failed in the test that ran.
            wrong = max(len(names), 1) if status != 0 else 0
            gone = number(SKIPPED, said)
            failed += wrong
            skipped += gone
            passed += max(number(RUN, said) - wrong - gone, 0)
            if wrong:
                wanted = f" --gtest_filter={':'.join(names)}" if names else ""
                print(f"{said}\nfailed (exit code {status}); again with:")
                print(f"  EDDY_CHAOS_SEED={seed} {program}{wanted}", flush=True)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
