"""Checks that the clang-tidy settings for users find each trap of
clang_tidy/traps.cc, where its comments say so, and nothing else there.

  clang_tidy_test.py ROOT INCLUDE...

Exits with 77 where there is no clang-tidy 19.
"""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

TOOL = "clang-tidy-19"
EXPECTED = re.compile(r" *// trap: (\S+)$")
FOUND = re.compile(r"traps\.cc:(\d+):\d+: (?:warning|error): .*\[(\S+)\]$")


def run(*words):
    done = subprocess.run(
        [TOOL, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, check=False,
    )
    return done.stdout


def main():
    if shutil.which(TOOL) is None:
        print(f"{TOOL} is not installed")
        sys.exit(77)
    root = pathlib.Path(sys.argv[1])
    includes = [f"-isystem{folder}" for folder in sys.argv[2:]]
    settings = root / "docs/clang-tidy/.clang-tidy"
    traps = root / "tests/build/clang_tidy/traps.cc"

    expected = set()
    for number, line in enumerate(traps.read_text().splitlines(), start=1):
        if match := EXPECTED.match(line):
            expected.add((number + 1, match[1]))

    # Without the settings of this repository, which is no user's.
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(settings, folder)
        copy = pathlib.Path(folder) / traps.name
        shutil.copy(traps, copy)
        flags = ["--", "-std=c++20", *includes]
        output = run("--verify-config", str(copy), *flags)
        if "No config errors detected" not in output:
            sys.exit(f"{settings}:\n{output}")
        output = run("--quiet", str(copy), *flags)
    found = {
        (int(match[1]), name)
        for line in output.splitlines()
        if (match := FOUND.search(line))
        for name in match[2].split(",")
    }

    for number, name in sorted(expected - found):
        print(f"{traps}:{number}: {name} has not found this")
    for number, name in sorted(found - expected):
        print(f"{traps}:{number}: {name} has found something here")
    if found != expected:
        sys.exit(output)


if __name__ == "__main__":
    main()
