"""Checks that the C++ listings of the documents are parts of programs that are
compiled and run, to the letter. README.md's first one is the whole of
examples/echo_server.cc.

  readme_test.py ROOT
"""

import difflib
import pathlib
import re
import sys

# A document, and the files of which its listings are parts.
SOURCES = {
    "README.md": ["examples/tour.cc", "examples/cores.cc"],
    "docs/benchmarking.md": ["examples/benchmark_awaitable.cc"],
    "docs/cores.md": ["examples/cores.cc"],
    "docs/porting.md": [
        "examples/chat_server/outbox.h",
        "examples/chat_server/server.cc",
        "examples/chat_server_threads/outbox.h",
        "examples/chat_server_threads/server.cc",
        "examples/hash_tree/hash_tree.cc",
        "examples/hash_tree_threads/hash_tree.cc",
        "examples/seams.cc",
        "examples/sqlite_service/store_pool.h",
        "examples/sqlite_service_threads/store_pool.h",
        "tests/build/clang_tidy/traps.cc",
    ],
    "docs/structured_concurrency.md": [
        "examples/structure.cc",
        "tests/examples/structured_concurrency_test.cc",
    ],
}
# A document whose first listing is a whole file.
WHOLE = {"README.md": "examples/echo_server.cc"}

LISTING = re.compile(r"^```(?:cpp|c\+\+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def check_whole(document, listing, name, text):
    if listing == text:
        return
    sys.stdout.writelines(
        difflib.unified_diff(
            listing.splitlines(keepends=True),
            text.splitlines(keepends=True),
            document,
            name,
        )
    )
    sys.exit(f"{document}'s first listing is not {name}")


def main():
    root = pathlib.Path(sys.argv[1])
    for document, names in SOURCES.items():
        listings = LISTING.findall((root / document).read_text())
        if not listings:
            sys.exit(f"{document} has no block that begins with ```cpp")
        if document in WHOLE:
            name = WHOLE[document]
            text = (root / name).read_text()
            check_whole(document, listings.pop(0), name, text)
        texts = [(root / name).read_text() for name in names]
        for listing in listings:
            if not any(listing in text for text in texts):
                sys.exit(
                    f"{document}: not a part of {' or '.join(names)}:\n"
                    + listing
                )


if __name__ == "__main__":
    main()
