"""Sums up a JUnit file of ctest's: why tests were skipped, which have failed,
and, as the last line, how many: "N passed, N failed, N skipped"."""

import re
import sys
import xml.etree.ElementTree

# Where GoogleTest says why: after "Skipped". Scripts say it in their last line.
GTEST_REASON = re.compile(r"Skipped\n(.*)\n")


def reason(case):
    output = case.findtext("system-out") or ""
    match = GTEST_REASON.search(output)
    lines = [match.group(1)] if match else output.strip().splitlines()
    return lines[-1] if lines and lines[-1] else "no reason given"


def main(path):
    passed, failed, skipped = 0, [], []
    try:
        cases = xml.etree.ElementTree.parse(path).iter("testcase")
    except OSError:
        cases = []
    for case in cases:
        if case.get("status") == "run":
            passed += 1
        elif case.find("skipped") is not None:
            skipped.append(case)
        elif case.get("status") != "disabled":
            failed.append(case)
    for case in skipped:
        print(f"skipped: {case.get('name')}: {reason(case)}")
    for case in failed:
        print(f"failed: {case.get('name')}")
    print(f"{passed} passed, {len(failed)} failed, {len(skipped)} skipped")


main(sys.argv[1])
