"""Checks what no compiler checks about eddy's source tree.

  layering.py ROOT      prints FILE:LINE: what is wrong, and exits 1 if anything
  layering.py           tests itself on trees that it makes

The rules:
  - includes point down: runtime <- io <- {net, fs}; a layer knows nothing of
    tests/, bench/ and examples/;
  - eddy's headers are included as <eddy/...>, everywhere;
  - a header's guard is made from its path (EDDY_RUNTIME_TASK_H_);
  - each source file stands in the CMakeLists.txt of its folder or of the
    nearest one above, so that none is dead, and no header is left uninstalled;
  - no file has more than 600 lines.
"""

import pathlib
import re
import sys
import tempfile
import unittest

BELOW = {
    "runtime": {"runtime"},
    "io": {"runtime", "io"},
    "net": {"runtime", "io", "net"},
    "fs": {"runtime", "io", "fs"},
}
FOLDERS = [*BELOW, "tests", "bench", "examples"]
SOURCES = {".h", ".cc", ".c"}
MOST_LINES = 600
# Projects of their own, which the package's test builds.
APART = "tests/build/"

INCLUDE = re.compile(r'\s*#\s*include\s*([<"])([^>"]+)[>"]')
EDDY = re.compile(r"(?:.*/)?eddy/(.+)")


def check_include(root, path, bracket, name):
    """What is wrong with a file's include of name, or None."""
    layer = path.parts[0]
    match = EDDY.fullmatch(name)
    if match and match.group(1).split("/")[0] in BELOW:
        if bracket != "<" or not name.startswith("eddy/"):
            return f"write it as <eddy/{match.group(1)}>"
        target = match.group(1).split("/")[0]
        if layer in BELOW and target not in BELOW[layer]:
            return f"{layer} must not know {target}"
        if not (root / match.group(1)).is_file():
            return f"there is no {match.group(1)}"
        return None
    if name.startswith("eddy/"):
        return "there is no such layer"
    for base in (path.parent, pathlib.Path()):
        found = root / base / name
        if bracket == "<" or not found.is_file():
            continue
        target = found.resolve().relative_to(root.resolve())
        if target.parts[0] in BELOW:
            return f"write it as <eddy/{target}>"
        if layer in BELOW:
            return f"{layer} must not know {target.parts[0]}"
    if bracket == "<" and name.split("/")[0] in BELOW:
        if (root / name).is_file():
            return f"write it as <eddy/{name}>"
    return None


def check_guard(path, lines):
    """The line and what is wrong with a header's guard, or None."""
    guard = "EDDY_" + re.sub(r"[^A-Z0-9]", "_", str(path).upper()) + "_"
    code = [(i, l) for i, l in enumerate(lines, 1) if l.startswith("#")]
    wanted = [f"#ifndef {guard}", f"#define {guard}"]
    for (number, line), want in zip(code, wanted):
        if line != want:
            return number, f"the include guard should be: {want}"
    if len(code) < 3 or code[-1][1] != f"#endif  // {guard}":
        return len(lines), f"the last line should be: #endif  // {guard}"
    return None


def listed(root, path):
    """Whether a CMakeLists.txt names the file, and which one should."""
    for folder in path.parents:
        cmake = root / folder / "CMakeLists.txt"
        if cmake.is_file():
            text = re.sub(r"#.*", "", cmake.read_text())
            words = set(re.split(r"[\s()\"]+", text))
            name = str(path.relative_to(folder))
            # A program's own headers need no line: its sources include them.
            exempt = path.suffix == ".h" and path.parts[0] not in BELOW
            return name in words or exempt, folder / "CMakeLists.txt"
    return False, pathlib.Path("CMakeLists.txt")


def check(root):
    """All that is wrong with the tree, as lines FILE:LINE: what."""
    wrong = []
    for path in sorted(
        file.relative_to(root)
        for folder in FOLDERS
        for file in (root / folder).rglob("*")
        if file.suffix in SOURCES and file.is_file()
    ):
        if str(path).startswith(APART):
            continue
        lines = (root / path).read_text().splitlines()
        for number, line in enumerate(lines, 1):
            match = INCLUDE.match(line)
            fault = match and check_include(root, path, *match.groups())
            if fault:
                wrong.append(f"{path}:{number}: {line.strip()}: {fault}")
        guard = path.suffix == ".h" and check_guard(path, lines)
        if guard:
            wrong.append(f"{path}:{guard[0]}: {guard[1]}")
        there, where = listed(root, path)
        if not there:
            wrong.append(f"{path}:1: {where} does not list it")
        if len(lines) > MOST_LINES:
            wrong.append(
                f"{path}:{MOST_LINES + 1}: {len(lines)} lines; "
                f"split it, {MOST_LINES} are the most"
            )
    return wrong


HEADER = "#ifndef {0}\n#define {0}\n#endif  // {0}\n"
GOOD = {
    "runtime/CMakeLists.txt": "eddy_layer(runtime HEADERS\n task.h\n)",
    "runtime/task.h": HEADER.format("EDDY_RUNTIME_TASK_H_"),
    "io/CMakeLists.txt": "eddy_layer(io HEADERS\n fd.h\n SOURCES\n fd.cc\n)",
    "io/fd.h": HEADER.format("EDDY_IO_FD_H_"),
    "io/fd.cc": "#include <eddy/io/fd.h>\n"
    "#include <fcntl.h>\n"
    "#include <net/if.h>\n"
    "#include <eddy/runtime/task.h>\n",
    "net/CMakeLists.txt": "eddy_layer(net HEADERS\n tls/tls.h\n)",
    "net/tls/tls.h": HEADER.format("EDDY_NET_TLS_TLS_H_"),
    "fs/CMakeLists.txt": "eddy_layer(fs HEADERS\n file.h\n)",
    "fs/file.h": HEADER.format("EDDY_FS_FILE_H_"),
    "tests/CMakeLists.txt": "eddy_tests(io SOURCES\n io/fd_test.cc)",
    "tests/program.h": HEADER.format("EDDY_TESTS_PROGRAM_H_"),
    "tests/io/fd_test.cc": "#include <eddy/io/fd.h>\n"
    '#include "tests/program.h"\n',
    "examples/CMakeLists.txt": "eddy_example(cat SOURCES cat/main.cc)",
    "examples/cat/main.cc": '#include "lines.h"\n',
    "examples/cat/lines.h": HEADER.format("EDDY_EXAMPLES_CAT_LINES_H_"),
}


class SelfTest(unittest.TestCase):
    def faults(self, **changes):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for name, text in {**GOOD, **changes.pop("files", {})}.items():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(text)
            return check(root)

    def expect(self, name, text, where, what):
        faults = self.faults(files={name: text})
        self.assertEqual(len(faults), 1, faults)
        self.assertTrue(faults[0].startswith(where + ": "), faults)
        self.assertIn(what, faults[0])

    def test_good_tree_has_no_fault(self):
        self.assertEqual(self.faults(), [])

    def test_upward_include(self):
        for layer, header in [
            ("runtime/task.h", "io/fd.h"),
            ("io/fd.h", "net/tls/tls.h"),
            ("net/tls/tls.h", "fs/file.h"),
            ("fs/file.h", "net/tls/tls.h"),
        ]:
            text = GOOD[layer].replace(
                "\n#endif", f"\n#include <eddy/{header}>\n#endif"
            )
            what = f"must not know {header.split('/')[0]}"
            self.expect(layer, text, layer + ":3", what)

    def test_layer_includes_test(self):
        text = GOOD["io/fd.cc"] + '#include "tests/program.h"\n'
        self.expect("io/fd.cc", text, "io/fd.cc:5", "must not know tests")

    def test_relative_include(self):
        for name in ("fd.h", "../runtime/task.h", "io/fd.h", "eddy/io/fd.h"):
            text = f'\n#include "{name}"\n'
            self.expect("io/fd.cc", text, "io/fd.cc:2", "write it as <eddy/")

    def test_include_without_eddy(self):
        text = "#include <runtime/task.h>\n"
        self.expect("io/fd.cc", text, "io/fd.cc:1", "<eddy/runtime/task.h>")

    def test_relative_include_in_tests(self):
        text = '#include "../../io/fd.h"\n'
        name = "tests/io/fd_test.cc"
        self.expect(name, text, name + ":1", "write it as <eddy/io/fd.h>")

    def test_include_of_what_is_not_there(self):
        text = "#include <eddy/io/gone.h>\n"
        self.expect("io/fd.cc", text, "io/fd.cc:1", "there is no io/gone.h")

    def test_wrong_guard(self):
        text = HEADER.format("EDDY_FD_H")
        self.expect("io/fd.h", text, "io/fd.h:1", "#ifndef EDDY_IO_FD_H_")

    def test_pragma_once(self):
        self.expect("io/fd.h", "#pragma once\n", "io/fd.h:1", "guard")

    def test_unlisted_header(self):
        text = HEADER.format("EDDY_IO_READ_H_")
        what = "io/CMakeLists.txt does not list it"
        self.expect("io/read.h", text, "io/read.h:1", what)

    def test_dead_source(self):
        self.expect("io/read.cc", "", "io/read.cc:1", "does not list it")

    def test_commented_out_source(self):
        text = GOOD["io/CMakeLists.txt"].replace(" fd.cc", " # fd.cc")
        self.expect("io/CMakeLists.txt", text, "io/fd.cc:1", "does not list it")

    def test_dead_test(self):
        name = "tests/io/read_test.cc"
        self.expect(name, "", name + ":1", "tests/CMakeLists.txt does not list")

    def test_long_file(self):
        text = "//\n" * 601
        self.expect("io/fd.cc", text, "io/fd.cc:601", "601 lines")
        self.assertEqual(self.faults(files={"io/fd.cc": "//\n" * 600}), [])


if __name__ == "__main__":
    if len(sys.argv) == 1:
        unittest.main()
    faults = check(pathlib.Path(sys.argv[1]))
    print("\n".join(faults) or "no fault found")
    sys.exit(bool(faults))
