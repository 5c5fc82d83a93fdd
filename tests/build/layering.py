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
  - no file has more than 600 lines;
  - no condition has a co_await in it, as in if (!co_await task), and neither has
    an argument of EXPECT_*, which becomes one: g++ 12 miscompiles it. A
    condition that declares what it looks at is none of these:
    while (auto n = co_await task).
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

NO_CODE = re.compile(
    r"//[^\n]*|/\*.*?\*/"
    r'|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"'
    r"|(?<!\w)'(?:\\.|[^'\\\n])+'",
    re.DOTALL,
)
CONDITION = re.compile(r"\b(if|while|for|switch|(?:EXPECT|ASSERT)_\w+)\s*\(")
DECLARES = re.compile(
    r"\s*\w[\w:<>,\s&*]*[\s&*>]\s*(?:\w+|\[[^]]*\])\s*(?:=[^=]|\{)"
)


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


def closing(text, begin):
    """Where the bracket that opens at begin is closed."""
    depth = 0
    for i in range(begin, len(text)):
        depth += (text[i] in "([{") - (text[i] in ")]}")
        if depth == 0:
            return i
    return len(text)


def clauses(text):
    """The parts of a condition between its semicolons. Blocks, which are bodies
    of lambdas, are left out."""
    parts = [""]
    i = 0
    while i < len(text):
        end = i + 1
        if text[i] in "([{":
            end = closing(text, i) + 1
        part = text[i:end]
        if part == ";":
            parts.append("")
        elif part[0] in "([":
            parts[-1] += part[0] + ";".join(clauses(part[1:-1])) + part[-1]
        elif part[0] != "{" or ";" not in part:
            parts[-1] += part
        i = end
    return parts


def check_awaits(text):
    """The lines with a condition that awaits, and what is wrong with them."""
    text = NO_CODE.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)
    for match in CONDITION.finditer(text):
        begin = match.end()
        parts = clauses(text[begin : closing(text, begin - 1)])
        word = match.group(1)
        if word == "for":
            looks_at = parts[1] if len(parts) == 3 else ""
        elif word in ("if", "while", "switch"):
            looks_at = parts[-1]
        else:
            looks_at = " ".join(parts)
            parts = []
        if "co_await" not in looks_at or any(map(DECLARES.match, parts)):
            continue
        advice = "name its result first" if parts else f"use CO_{word}"
        yield (
            text.count("\n", 0, match.start()) + 1,
            f"g++ 12 miscompiles a co_await in a condition: {advice}",
        )


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
        text = (root / path).read_text()
        lines = text.splitlines()
        for number, line in enumerate(lines, 1):
            match = INCLUDE.match(line)
            fault = match and check_include(root, path, *match.groups())
            if fault:
                wrong.append(f"{path}:{number}: {line.strip()}: {fault}")
        guard = path.suffix == ".h" and check_guard(path, lines)
        if guard:
            wrong.append(f"{path}:{guard[0]}: {guard[1]}")
        for number, fault in check_awaits(text):
            wrong.append(f"{path}:{number}: {fault}")
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
    CAT = "examples/cat/main.cc"

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

    def test_condition_that_awaits(self):
        for code in (
            "if (co_await t) f();",
            "if (!co_await t) return;",
            "if (n == 0 || !co_await t(n)) f();",
            "if (n = co_await t; n) f(); else if (co_await t) f();",
            "while (co_await Sleep(1'000ms)) f('\"');",
            "do f(); while (co_await t);",
            "for (;; ++i)\tfor (; co_await t(i);) f();",
            "switch ((co_await t).value()) {}",
            "if (f(\n) ||\n(\nco_await t)) f();",
            "if (f([&] { g(); }) && co_await t) f();",
            "f([] { if (a) { g(); } while (co_await t) {} });",
            "if (v{co_await t}) f();",
        ):
            with self.subTest(code):
                text = f"// if (\n\n{code}\n"
                what = "name its result first"
                self.expect(self.CAT, text, self.CAT + ":3", what)

    def test_expectation_that_awaits(self):
        for code in (
            "EXPECT_TRUE(co_await t);",
            'EXPECT_EQ(f("(", 1),\n co_await t) << co_await t;',
            "ASSERT_OK(co_await t);",
        ):
            with self.subTest(code):
                text = f"\n{code}\n"
                what = "use CO_" + code[: code.index("(")]
                self.expect(self.CAT, text, self.CAT + ":2", what)

    def test_awaits_elsewhere(self):
        for code in (
            "// if (co_await t)",
            "/* if (\nco_await t) */",
            'f("if (co_await t)");',
            'f(R"x(if (co_await t) ")x");',
            "if (auto n = co_await t) f();",
            "if (const Result<int> n = co_await t; !n) f();",
            "if (auto [a, b] = co_await t; a == b) f();",
            "while (Result<std::map<int, int>>\n& n = co_await t) f();",
            "switch (int n = co_await t; n) {}",
            "for (int i = 0; co_await t(i); ++i) f();",
            "for (auto n = co_await t; n; n = co_await t) f();",
            "for (int n : co_await t) f();",
            "if (n) co_await t;",
            "const bool b = co_await t && co_await u;",
            "CO_EXPECT_EQ(co_await t, 1);",
            "EXPECT_TRUE(x) << co_await t;",
            "EXPECT_DEATH(f([] { co_await t; }), 1);",
            "if (f([]() -> Task<int> { co_return co_await t; })) g();",
        ):
            with self.subTest(code):
                files = {self.CAT: f"{code}\n"}
                self.assertEqual(self.faults(files=files), [])


if __name__ == "__main__":
    if len(sys.argv) == 1:
        unittest.main()
    faults = check(pathlib.Path(sys.argv[1]))
    print("\n".join(faults) or "no fault found")
    sys.exit(bool(faults))
