"""Checks that the first C++ listing of README.md is examples/echo_server.cc,
and that the others are parts of examples/tour.cc, to the letter.

  readme_test.py ROOT
"""

import difflib
import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1])
example = (root / "examples/echo_server.cc").read_text()
tour = (root / "examples/tour.cc").read_text()
listings = re.findall(
    r"^```(?:cpp|c\+\+)\n(.*?)^```$",
    (root / "README.md").read_text(),
    re.MULTILINE | re.DOTALL,
)
if not listings:
    sys.exit("README.md has no block that begins with ```cpp")
if listings[0] != example:
    sys.stdout.writelines(
        difflib.unified_diff(
            listings[0].splitlines(keepends=True),
            example.splitlines(keepends=True),
            "README.md",
            "examples/echo_server.cc",
        )
    )
    sys.exit("README.md's first listing is not examples/echo_server.cc")
for listing in listings[1:]:
    if listing not in tour:
        sys.exit("not a part of examples/tour.cc:\n" + listing)
