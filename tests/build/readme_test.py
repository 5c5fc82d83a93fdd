"""Checks that the first C++ listing of README.md is examples/echo_server.cc,
to the letter.

  readme_test.py ROOT
"""

import difflib
import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1])
example = (root / "examples/echo_server.cc").read_text()
match = re.search(
    r"^```(?:cpp|c\+\+)\n(.*?)^```$",
    (root / "README.md").read_text(),
    re.MULTILINE | re.DOTALL,
)
if not match:
    sys.exit("README.md has no block that begins with ```cpp")
if match.group(1) != example:
    sys.stdout.writelines(
        difflib.unified_diff(
            match.group(1).splitlines(keepends=True),
            example.splitlines(keepends=True),
            "README.md",
            "examples/echo_server.cc",
        )
    )
    sys.exit("README.md's first listing is not examples/echo_server.cc")
